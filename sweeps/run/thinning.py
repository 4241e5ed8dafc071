"""What stays on disk when a study is done: records always; weights and logits as the study's ``keep`` says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import budget_folder
from sweeps.export.recommended import study_recommended
from sweeps.folder.paths import trial_folder
from sweeps.front.front import candidates, front
from sweeps.plan.trials import PlannedTrial
from sweeps.storage.files import LARGE, remove
from sweeps.storage.place import StoreDown
from sweeps.study.model import Study


class Thinned(NamedTuple):
    """How many files went, and why the storage still has some, if so."""

    gone: int
    problem: str | None


def thin(study: Study, out: Path, trials: Iterable[PlannedTrial], records: pd.DataFrame) -> Thinned:
    """Remove the weights and logits that the study does not keep, here and in the object storage.

    ``front`` keeps those of the candidates on the front, of the recommended network, which need not be on it (the front may
    count zeros, the recommendation what a device pays), and of every unpruned network, which they are compared with.
    ``none`` keeps nothing. A thinned network cannot be exported or scored anew; its record stays.
    """
    if study.keep == "all":
        return Thinned(0, None)
    kept = _worth_keeping(study, records) if study.keep == "front" else set()
    gone = 0
    for trial in trials:
        for budget in trial.budgets:
            if study.keep == "front" and (trial.kind != "pruned" or (trial.key, budget) in kept):
                continue
            for name in LARGE:
                try:
                    gone += remove(budget_folder(trial_folder(out, trial.key), budget), name)
                except (StoreDown, BadInput) as error:  # asked once: thousands of files would take hours of waiting
                    return Thinned(gone, f"storage: {error}; the next start removes what keep: {study.keep} does not keep")
    return Thinned(gone, None)


def _worth_keeping(study: Study, records: pd.DataFrame) -> set[tuple[str, int]]:
    table = candidates(records, study.decisive, seeds=study.seeds)
    found = study_recommended(study, records)
    rows = [*table[front(table, study.decisive)].to_dict("records"), found.row, found.beaten]
    return {(key, int(row["budget"])) for row in rows if row for key in str(row["keys"]).split(";")}
