"""What a study found, read from its output folder: records, front, networks, logits, report."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from torch import nn

from dashboards.cli import build
from dashboards.reading.study_folder import StudyFolder, read_study_folder
from prune_core.base.errors import BadInput, UnknownName
from prune_core.base.kinds import NEVER_FINE_TUNED
from prune_core.base.trial_folder import COMPLETE, REPORT, SELECTION, WEIGHTS, budget_folder
from prune_core.evaluation.logits import LogitSet
from prune_core.pruning import load_network
from sweeps.folder.paths import trial_folder
from sweeps.front.front import candidate_table, only_front
from sweeps.front.front import front as front_of
from sweeps.front.names import folder_name, title_of
from sweeps.front.recommended import Recommended
from sweeps.front.tables import shown_in_front
from sweeps.storage.files import bring_back
from sweeps.study.model import Study, read_study

Candidate = str | Mapping[str, Any] | pd.Series | Recommended
"""How a candidate is named: its ``name``, a row of `StudyResults.front` or `.candidates`, or what was recommended."""

IMAGES = {"report": REPORT, "selection": SELECTION}
"""What `StudyResults.logits` calls the two sets of images -> the file with their logits."""


def open_study(path: str | os.PathLike[str]) -> StudyResults:
    """Open the output folder of a study, finished or still running.

    Nothing in the folder is changed or executed; the plugins that its study names are not imported.

    Args:
        path: the folder, for example ``runs/quickstart``.

    Raises:
        BadInput: the folder is not there, is not a study's, or a file in it cannot be read.
    """
    return StudyResults(read_study_folder(Path(path)))


class StudyResults:
    """What one study found; `open_study` makes it. What is read once stays as it is: open the study again to see more.

    Args:
        folder: the folder as it was read.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self._folder = folder

    def __repr__(self) -> str:
        return f"<study {self._folder.title!r} in {self.path}: {len(self.records)} records>"

    @property
    def path(self) -> Path:
        """The output folder."""
        return self._folder.path

    @cached_property
    def study(self) -> Study:
        """The study file, every default resolved.

        Raises:
            BadInput: the file was written by a version whose keys are not known here.
        """
        return read_study(self.path)

    @property
    def records(self) -> pd.DataFrame:
        """One row per trial and budget, with every metric and cost; the columns of ``prunefront studies --keys``."""
        return self._folder.records

    @cached_property
    def candidates(self) -> pd.DataFrame:
        """One row per candidate (arm, ratio, budget): means over its seeds, ``*_std`` beside them, ``on_front``.

        ``name`` is what `network`, `logits` and ``prunefront export --pick`` take; ``complete`` says whether every seed is
        there. Whether a candidate is on the front is decided among those of its own budget.
        """
        folder = self._folder
        with folder.columns_known():
            return candidate_table(
                self.path,
                folder.records,
                folder.objectives,
                shown=shown_in_front(),
                select_on=folder.select_on,
                seeds=folder.seeds,
                limits=folder.limits,
            )

    def front(self, budget: int | None = None) -> pd.DataFrame:
        """Return the candidates on the front, with the columns of ``front.csv``.

        Args:
            budget: epochs of fine-tuning: the front at this budget, on which what is never fine-tuned (the unpruned
                baselines, the dense ladder, what is trained from scratch) competes as well. By default the fronts of all
                budgets, one below the other.

        Raises:
            BadInput: no record has this budget.
        """
        table = self.candidates
        if budget is not None:
            known = sorted({int(one) for one in table["budget"]})
            if budget not in known:
                raise BadInput(f"budget {budget!r}: no record has it (allowed: {', '.join(map(str, known)) or 'none yet'})")
            table = table[table["budget"].eq(budget) | table["method"].isin(NEVER_FINE_TUNED)].copy()
            table["on_front"] = front_of(table, self._folder.decisive, mix_budgets=True)
        return only_front(table).reset_index(drop=True)

    def recommended(self) -> Recommended:
        """Return the network that the study recommends, by the rule of the report: ``name``, ``row`` and ``outcome``.

        ``outcome`` says whether there is one: ``pruned``, ``dense`` (a network that was never pruned does as well),
        ``nothing`` (no candidate keeps what it must) or ``incomplete`` (no pruned candidate of the longest budget has all
        its seeds yet).
        """
        folder = self._folder
        with folder.columns_known():
            return folder.recommended([name for name in shown_in_front() if name in folder.records])

    def network(self, candidate: Candidate, seed: int) -> nn.Module:
        """Return a network of the study as it was judged, on the CPU and in evaluation mode.

        Args:
            candidate: its ``name``, a row of `front` or `candidates`, or what `recommended` returned.
            seed: which of its seeds.

        Raises:
            BadInput: there is no such candidate or seed, its weights are gone, or a module of yours builds it that is not
                imported yet.
        """
        return load_network(self._file(candidate, seed, WEIGHTS)).eval()

    def logits(self, candidate: Candidate, seed: int, images: str = "report") -> LogitSet:
        """Return what a network said about every image, clean and corrupted, from which any metric can be computed.

        Args:
            candidate: its ``name``, a row of `front` or `candidates`, or what `recommended` returned.
            seed: which of its seeds.
            images: ``report`` (test images), or ``selection`` (validation images, which decide).

        Raises:
            BadInput: there is no such candidate or seed, or its logits are gone.
        """
        if images not in IMAGES:
            raise UnknownName("set of images", images, IMAGES)
        return LogitSet.load(self._file(candidate, seed, IMAGES[images]))

    def report(self) -> Path:
        """Build the report from what is in the folder, and return its page; the same as ``prunefront report``."""
        return build(self.path)

    def _file(self, candidate: Candidate, seed: int, file: str) -> Path:
        """Return a file of one seed of a candidate, brought back from the object storage if it is there."""
        record = self._record(candidate, seed)
        folder = budget_folder(trial_folder(self.path, str(record["key"])), int(record["budget"]))
        bring_back(folder, [file])
        if not (folder / file).is_file():
            keep = self._folder.plain.get("keep", "all")
            why = f"keep is {keep!r}; to have it, run the study with keep: all"
            if keep == "all":  # it was kept, and did not come along
                why = "allowed: the whole output folder, with what lies in trials/"
            raise BadInput(f"{folder / file}: is gone ({why})")
        return folder / file

    def _record(self, candidate: Candidate, seed: int) -> Mapping[str, Any]:
        name = _name(candidate)
        rows = [{str(column): value for column, value in row.items()} for row in self.records.to_dict("records")]
        titles = [title_of(row) for row in rows]
        mine = pd.Series([name in (title, folder_name(title)) for title in titles], index=self.records.index, dtype=bool)
        if not mine.any():
            near = difflib.get_close_matches(name, {folder_name(title) for title in titles}, n=3, cutoff=0.5)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise BadInput(f"no candidate is called {name!r}{hint} (allowed: the names of the table `candidates`)")
        found = self.records[mine & self.records["status"].eq(COMPLETE)]
        own = found[found["seed"].eq(seed)].to_dict("records")
        if not own:
            seeds = ", ".join(map(str, sorted(set(found["seed"])))) or "none is complete"
            raise BadInput(f"{name}: no complete record of seed {seed!r} (allowed: {seeds})")
        return {str(column): value for column, value in own[-1].items()}


def _name(candidate: Candidate) -> str:
    if isinstance(candidate, str):
        return candidate
    if not isinstance(candidate, Recommended):
        return str(candidate["name"])
    if not candidate.name:
        raise BadInput(f"no network is recommended: {candidate.outcome} (allowed: a study whose `recommended` has a name)")
    return candidate.name
