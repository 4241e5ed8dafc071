"""Which networks are exported: the front's candidates, or those that were asked for; of each, one seed's checkpoint."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import WEIGHTS, budget_folder, made_anew
from prune_core.metrics.numbers import counted
from prune_core.metrics.quantities import quantities_known
from sweeps.folder.links import refuse_links
from sweeps.folder.paths import RECORDS, STUDY, trial_folder
from sweeps.front.collapse import has_collapsed, loss_column, lost_accuracy
from sweeps.front.demands import recommended_columns
from sweeps.front.front import candidates, front, membership
from sweeps.front.image_noise import ImageNoise
from sweeps.front.limits import limit_columns, unmet, verdict_word, verdicts
from sweeps.front.names import folder_name, title_of
from sweeps.front.recommended import Recommended, recommend
from sweeps.front.recommended_text import recommended_sentence
from sweeps.front.text import shown_columns
from sweeps.records.columns import IDENTITY
from sweeps.search.whole_table import whole_table
from sweeps.storage.files import is_kept
from sweeps.study.deciding import REPORT, deciding_column, deciding_columns
from sweeps.study.model import Study, load_study, read_study
from sweeps.study.trust import Confirm

RECOMMENDED = "recommended"
"""What ``--pick`` takes for the recommended network, whatever it is called."""
_KEY = re.compile(r"[0-9a-f]{8,64}")


def spread_columns() -> list[str]:
    """Return the metric columns whose spread over the seeds a card gives: what is tracked, and what steers of the table."""
    tracked = [one for one in quantities_known() if one.tracked and not one.is_cost and not one.is_text]
    scaled = [f"{one.name}_t" for one in tracked if one.after_temperature]
    return [*(one.name for one in tracked), *scaled, *(f"val_{one.name}" for one in tracked if one.table)]


@dataclass(frozen=True)
class Choice:
    """One network to export.

    Attributes:
        name: the folder's name, safe on every file system.
        title: what people call it.
        candidate: column -> mean over the seeds (``*_std`` beside it), with ``seeds``, ``complete``, ``front_frequency``,
            ``accuracy_lost`` and ``collapsed`` (`sweeps.front.collapse`).
        on_front: whether the candidate is on the front.
        record: the columns of the chosen seed's record.
        seed_rule: why this seed, in words.
        trial: the folder of that seed's trial.
        limits: why the candidate does not meet the study's limits; empty where it does.
        verdict: the same in a word or a few, and whether its report numbers agree; empty where the study has no limits.
        asked: the report columns that a summary of it shows: headlines, and those of the study's objectives and limits.
        recommended: whether it is the recommended network (`sweeps.front.recommended`).
    """

    name: str
    title: str
    candidate: Mapping[str, Any]
    on_front: bool
    record: Mapping[str, Any]
    seed_rule: str
    trial: Path
    limits: tuple[str, ...]
    verdict: str = ""
    asked: tuple[str, ...] = ()
    recommended: bool = False

    @property
    def remark(self) -> str:
        """What a list says of it in a word: ``recommended``, ``collapsed``, or nothing."""
        return RECOMMENDED if self.recommended else "collapsed" if self.candidate["collapsed"] else ""

    @property
    def budget(self) -> int:
        """Epochs of fine-tuning."""
        return int(self.record["budget"])

    @property
    def folder(self) -> Path:
        """The files of the chosen seed at this budget."""
        return budget_folder(self.trial, self.budget)


def worth(choice: Choice) -> tuple[bool, bool, bool, int, float, str]:
    """Return the place of a network in the order of what is worth having; the smallest comes first.

    The recommended one, then those within the limits, those that did not collapse, the longest budget, and how sure the
    place on the front is.
    """
    often = float(choice.candidate.get("front_frequency", math.nan))
    sure = often if math.isfinite(often) else 0.0
    return (
        not choice.recommended,
        bool(choice.limits),
        bool(choice.candidate["collapsed"]),
        -choice.budget,
        -sure,
        choice.name,
    )


def open_study(out: Path, confirm: Confirm | None = None) -> tuple[Study, pd.DataFrame]:
    """Return the study of an output folder and its table of records.

    Args:
        out: the study's output folder.
        confirm: asked before plugins are imported; None only reads, and imports none.

    Raises:
        BadInput: no study, no records yet, or records that cannot be read.
    """
    refuse_links(out)
    if not (out / STUDY).is_file():
        raise BadInput(f"{out}: there is no study here (allowed: the output folder of a run, which holds study.yaml)")
    study = read_study(out) if confirm is None else load_study(out / STUDY, confirm=confirm)
    path = out / RECORDS
    if not path.is_file():
        raise BadInput(f"{out}: no records.parquet, so no front yet (allowed: a study whose run has ended or was stopped)")
    records = whole_table(out)
    missing = [column for column in IDENTITY if column not in records]
    if missing:
        raise BadInput(f"{path}: lacks the columns {', '.join(missing)}: written by another version? Run the study again")
    return study, records


class WeightsGone(BadInput):
    """The weights of a network are neither in the folder nor in its storage."""


def choices(
    out: Path,
    study: Study,
    records: pd.DataFrame,
    picks: Sequence[str] = (),
    *,
    gone: Callable[[str], object] | None = None,
) -> list[Choice]:
    """Return what is exported: the recommended network and those on the front, what is worth most first; or the picked ones.

    Args:
        out: the study's output folder.
        study: the study.
        records: its table of records.
        picks: names of candidates (any complete one), `RECOMMENDED`, or keys of trials (that very seed, at every complete
            budget that is on the front, else at its longest).
        gone: told of each network of the front whose weights are gone, which is left out. None raises, as a pick does.

    Raises:
        BadInput: no front, a pick that nothing is called, or weights that are gone: of a pick, or of all networks.
    """
    decisive = deciding_columns(study.objectives, records.columns, study.select_on)
    limited = limit_columns(study.parsed_limits, records.columns, study.select_on)
    lost = loss_column(records.columns, study.select_on)
    told = study.objectives, study.parsed_limits, study.margins
    needed = recommended_columns(records.columns, *told, study.select_on)
    shown = [column for column in dict.fromkeys((*spread_columns(), *limited, lost, *needed)) if column in records]
    table = candidates(records, decisive, shown=shown, seeds=study.seeds)
    table["accuracy_lost"] = lost_accuracy(table, study.select_on)
    table["collapsed"] = has_collapsed(table, study.select_on)
    table["on_front"] = front(table, decisive)
    table["front_frequency"] = membership(records, table, decisive, images=ImageNoise(out))
    table = table[table["complete"]].reset_index(drop=True)
    if not table["on_front"].any():
        raise BadInput(f"{out}: no candidate has all its seeds yet, so there is no front to export")
    table["name"] = [folder_name(title_of(row)) for row in _rows(table)]
    limits, margins = study.parsed_limits, study.margins
    found = recommend(table, study.objectives, limits=limits, margins=margins, select_on=study.select_on)
    table["recommended"] = table["name"].eq(found.name)
    if picks:
        wanted = _picked(table, _named(picks, found))
        return [_choice(out, study, records, row, key) for row, key in wanted]
    listed = [row for row in _rows(table) if row["on_front"] or row["recommended"]]
    found_here: list[Choice] = []
    without: list[WeightsGone] = []
    for row in listed:
        try:
            found_here.append(_choice(out, study, records, row, None))
        except WeightsGone as error:
            without.append(error)
    for left in without:
        if gone is None or not found_here:
            raise left
        gone(str(left))
    return sorted(found_here, key=worth)


def _named(picks: Sequence[str], found: Recommended) -> list[str]:
    """Return the picks with the recommended network under its own name.

    Raises:
        BadInput: it is picked, and there is none.
    """
    if RECOMMENDED in picks and found.row is None:
        raise BadInput(f"--pick {RECOMMENDED}: {recommended_sentence(found)}")
    return [found.name if pick == RECOMMENDED else pick for pick in picks]


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(column): value for column, value in row.items()} for row in table.to_dict("records")]


def _picked(table: pd.DataFrame, picks: Sequence[str]) -> list[tuple[dict[str, Any], str | None]]:
    rows = _rows(table)
    found: dict[str, tuple[dict[str, Any], str | None]] = {}
    for pick in picks:
        named = [(row, None) for row in rows if row["name"] == pick or title_of(row) == pick]
        keyed = [(row, pick) for row in rows if pick in row["keys"].split(";")]
        fronted = [(row, key) for row, key in keyed if row["on_front"]]
        chosen = named or fronted or sorted(keyed, key=lambda each: int(each[0]["budget"]))[-1:]
        if not chosen:
            raise BadInput(_unknown(pick, rows))
        for row, key in chosen:
            before = found.setdefault(row["name"], (row, key))
            if before[1] != key:
                raise BadInput(
                    f"--pick: two seeds of {row['name']} (allowed: one; an export is one checkpoint of a candidate)"
                )
    return list(found.values())


def _unknown(pick: str, rows: Sequence[Mapping[str, Any]], most: int = 8) -> str:
    names = [str(row["name"]) for row in rows]
    near = difflib.get_close_matches(pick, names, n=3, cutoff=0.5)
    fronted = [str(row["name"]) for row in rows if row["on_front"]]
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    listed = ", ".join(fronted[:most]) + (f" and {len(fronted) - most} more" if len(fronted) > most else "")
    return f"--pick: no complete candidate is called {pick!r}{hint} (on the front: {listed}; or the key of a trial)"


def _choice(out: Path, study: Study, records: pd.DataFrame, row: dict[str, Any], key: str | None) -> Choice:
    own = records[records["key"].astype(str).isin(row["keys"].split(";")) & records["budget"].eq(row["budget"])]
    seeds = _rows(own[own["status"].eq("complete")].drop_duplicates("seed", keep="last"))
    record, rule = _seed(seeds, study) if key is None else (next(each for each in seeds if each["key"] == key), "asked for")
    found = str(record["key"])
    if not _KEY.fullmatch(found):
        raise BadInput(f"{out / RECORDS}: {found[:40]!r} is no key of a trial")
    choice = Choice(
        name=row["name"],
        title=title_of(row),
        candidate=row,
        on_front=bool(row["on_front"]),
        record=record,
        seed_rule=rule,
        trial=trial_folder(out, found),
        limits=tuple(unmet(row, study.parsed_limits, study.select_on)),
        verdict=verdict_word(verdicts(row, study.parsed_limits, study.select_on)) if study.limits else "",
        asked=_asked(study),
        recommended=bool(row["recommended"]),
    )
    if not is_kept(choice.folder, WEIGHTS):
        why = made_anew(choice.folder)
        if study.keep == "none":
            why = f"keep is 'none'; set it to front or all, and {why}"
        raise WeightsGone(f"{choice.folder / WEIGHTS}: the weights of {choice.title} are gone ({why})")
    return choice


def _asked(study: Study) -> tuple[str, ...]:
    columns = shown_columns(study.objectives, study.parsed_limits, select_on=REPORT)
    return tuple(dict.fromkeys(column.removeprefix("val_") for column in columns))


def _seed(rows: list[dict[str, Any]], study: Study) -> tuple[dict[str, Any], str]:
    """Return the seed to ship: the lowest NLL on the selection images, among those that meet the limits themselves.

    NLL since it is one number that falls with wrong answers and with badly calibrated ones.
    """
    column = deciding_column("nll", rows[0], study.select_on)
    images = "report" if column == "nll" else "selection"
    able = [row for row in rows if not unmet(row, study.parsed_limits, study.select_on)]

    def order(row: Mapping[str, Any]) -> tuple[float, int]:
        value = float(row.get(column, math.nan))
        return (value if np.isfinite(value) else math.inf, int(row["seed"]))

    rule = f"lowest NLL on the {images} images of {counted(len(rows), 'seed')}"
    if study.parsed_limits:
        rule += f", among the {len(able)} that meet the limits" if able else "; no seed meets the limits"
    return min(able or rows, key=order), rule
