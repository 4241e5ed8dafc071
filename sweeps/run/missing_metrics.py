"""Metrics that came after a study was judged: its records lack them, and get them from kept logits, without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune_core.base.files import write_json
from prune_core.base.trial_folder import LOGITS, RECORD
from prune_core.evaluation.scoring import record_columns
from prune_core.metrics.quantities import costs_known, metrics_known
from sweeps.folder.paths import trials_folder
from sweeps.run.rescore import has_logits, judged_folders, read_logits, record_of
from sweeps.storage.files import at_hand
from sweeps.study.model import Study


@dataclass(frozen=True)
class Lacking:
    """What the records of a folder lack of what is measured now.

    Attributes:
        records: how many there are.
        metrics: names of the metrics that some of them lack.
        fillable: folders of budgets that lack some and keep their logits.
        gone: folders of budgets that lack some and keep none.
        costs: names of costs that decide in this study and that some of them lack, and how many do.
    """

    records: int
    metrics: tuple[str, ...]
    fillable: tuple[Path, ...]
    gone: tuple[Path, ...]
    costs: Mapping[str, int]

    @property
    def to_fill(self) -> list[str]:
        """What the run does about it, for people."""
        if not self.fillable:
            return []
        count, names = len(self.fillable), ", ".join(self.metrics)
        return [f"{count} of {self.records} records lack {names}: a run fills them from kept logits"]

    @property
    def left(self) -> list[str]:
        """What no run in this folder can fill, and what to do."""
        elsewhere = "a run into another --out folder"
        found = [
            f"{count} of {self.records} records lack {name}, a cost, which needs the network: {elsewhere} measures it"
            for name, count in self.costs.items()
        ]
        if self.gone:
            names = ", ".join(self.metrics)
            found.append(
                f"{len(self.gone)} of {self.records} records lack {names} and keep no logits, so they stay without: "
                f"{elsewhere} measures them (with keep: all a later metric needs none)"
            )
        return found


def lacking(study: Study, out: Path) -> Lacking:
    """Return which metrics and deciding costs the records of a folder lack; reads every record."""
    decisive = {*study.objectives, *(limit.column for limit in study.parsed_limits)}
    costs = [one.name for one in costs_known() if one.recorded and one.repeatable and one.name in decisive]
    metrics: dict[str, None] = {}
    without: dict[str, int] = {}
    fillable: list[Path] = []
    gone: list[Path] = []
    records = 0
    for folder in judged_folders(out) if trials_folder(out).is_dir() else []:
        record = record_of(folder)
        if record is None:
            continue
        records += 1
        names = list(_missing(record))
        metrics |= dict.fromkeys(names)
        if names:
            (fillable if has_logits(folder) else gone).append(folder)
        for name in costs:
            without[name] = without.get(name, 0) + (name not in record)
    kept = {name: count for name, count in without.items() if count}
    return Lacking(records, tuple(metrics), tuple(fillable), tuple(gone), kept)


def fill_missing_metrics(study: Study, out: Path, say: Callable[[str], None]) -> Lacking:
    """Give records the metrics that they lack, as far as their logits are kept; return what they lack then.

    What a record has stays as it is. The tables are written by who comes next.

    Args:
        study: whose metrics are imported.
        out: the output folder, held by the caller.
        say: told what is done, before it is.

    Raises:
        BadInput: logits that cannot be read or brought back, or a metric whose function fails.
    """
    found = lacking(study, out)
    for line in found.to_fill:
        say(line.replace("a run fills them", "they are filled"))
    for folder in found.fillable:
        _fill(folder, study.evaluation.ece_bins)
    return lacking(study, out) if found.fillable else found


def _fill(folder: Path, bins: int) -> None:
    before = record_of(folder)
    if before is None:
        return
    with at_hand(folder, LOGITS):
        selection, report, train = (read_logits(folder / name) for name in LOGITS)
    scored = record_columns(selection=selection, report=report, train=train, bins=bins)
    write_json(folder / RECORD, {**scored, **before})


def _missing(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the metrics that a record lacks of images that it was judged on."""
    for metric in metrics_known():
        judged = "mpc" if metric.needs_corruptions else "accuracy"
        places = ["", "val_", *(["train_"] if metric.on_train else [])]
        if any(f"{place}{judged}" in record and f"{place}{metric.name}" not in record for place in places):
            yield metric.name
