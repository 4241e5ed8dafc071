"""Metrics computed anew from kept logits: no network, no GPU, minutes instead of days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.build import BUILD_COLUMNS
from prune_core.base.errors import BadInput
from prune_core.base.files import write_json
from prune_core.base.limits import MOST_BINS
from prune_core.base.trial_folder import (
    ECE_BINS,
    LOGITS,
    NORMALISATION,
    OUTPUTS,
    RECORD,
    REPORT,
    REPORT_CELLS,
    RESAMPLED,
    SELECTION,
    TRAIN,
    made_anew,
    read_record,
)
from prune_core.evaluation.corruption_table import write_corruption_table
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.resampled import image_noise, read_image_noise, write_image_noise
from prune_core.evaluation.scoring import record_columns, set_columns
from prune_core.metrics.columns import METRIC_COLUMNS, SET_COLUMNS
from prune_core.metrics.numbers import counted
from prune_core.metrics.quantities import costs_known
from sweeps.folder.columns import columns_known, write_columns
from sweeps.folder.lock import driving
from sweeps.folder.paths import RECORDS, STUDY, trials_folder
from sweeps.front.tables import write_tables
from sweeps.plan.plan import Plan
from sweeps.records.collect import collect
from sweeps.search.whole_plan import whole_plan
from sweeps.search.whole_table import whole_table
from sweeps.storage.files import at_hand, is_kept
from sweeps.study.model import Study, load_study, read_study
from sweeps.study.trust import Confirm, NotTrusted, require_trust
from sweeps.study.yaml import read_study_yaml, write_study

if TYPE_CHECKING:
    import pandas as pd

_MADE_OF = {SELECTION: "val_accuracy", REPORT: "accuracy", TRAIN: "train_accuracy"}
"""Logits -> the column that every record made of them has."""


@dataclass(frozen=True)
class Rescored:
    """What was done.

    Attributes:
        done: records that were scored anew.
        without: records that have no logits left and stay as they are.
        bins: of every ECE.
        left: plugins that were not imported: the columns of their metrics stay as they are.
    """

    done: int
    without: int
    bins: int
    left: tuple[str, ...] = ()


def rescore_study(out: Path, bins: int | None = None, *, confirm: Confirm = require_trust) -> Rescored:
    """Compute every metric column of a study anew and write its tables; costs and seconds stay.

    Metrics of plugins that ``study.yaml`` names are computed too where the user has confirmed the plugins; where not, what
    ships is computed and their columns stay. MLflow is brought in line by the next run.

    Args:
        out: the study's output folder; held meanwhile, so that no run writes there.
        bins: of every ECE; None keeps the study's. Another number is written into ``study.yaml``.
        confirm: asked before plugins are imported.

    Raises:
        BadInput: no study there, a run at work in it, logits that cannot be read, or other bins where some logits are gone:
            one table must not hold two kinds of ECE.
    """
    if not (out / STUDY).is_file():
        raise BadInput(f"{out}: there is no study here (allowed: the output folder of a run, which holds study.yaml)")
    if bins is not None and not 1 <= bins <= MOST_BINS:
        raise BadInput(f"{bins:,} bins (allowed: whole numbers from 1 to {MOST_BINS:,})")
    with driving(out):
        study, whole = _study(out, confirm)
        chosen = bins if bins is not None else study.evaluation.ece_bins
        folders = judged_folders(out)
        able = [folder for folder in folders if has_logits(folder)]
        for folder in able:
            _require_readable(folder)
        if chosen != study.evaluation.ece_bins:
            _refuse_mixture(out, (folder for folder in folders if folder not in able), study.evaluation.ece_bins, chosen)
        with columns_known(out):
            plan = whole_plan(out, study if whole else None)
            _refuse_strangers(out, plan)
            for folder in able:
                rescore_record(folder, chosen, all_metrics=whole)
            if chosen != study.evaluation.ece_bins:
                _write_bins(out, chosen)  # last: until then the study says what its tables hold
            _write_tables(out, plan, whole=whole)
    return Rescored(len(able), len(folders) - len(able), chosen, () if whole else study.plugins)


def _write_bins(out: Path, bins: int) -> None:
    plain = read_study_yaml(out / STUDY)
    plain["evaluation"]["ece_bins"] = bins
    provenance = plain.pop("provenance", None)
    write_study(plain, out / STUDY, provenance=provenance)


def _study(out: Path, confirm: Confirm) -> tuple[Study, bool]:
    """Return the study, and whether all that it names is imported."""
    try:
        return load_study(out / STUDY, confirm=confirm), True
    except NotTrusted:
        return read_study(out), False


def align_bins(study: Study, out: Path) -> int:
    """Score the records again whose ECE has other bins than the study says; return how many.

    Bins are no part of a trial's key: a study file with others needs no network again, but must not show the old numbers.

    Raises:
        BadInput: the logits of such a record are gone.
    """
    before = _bins_before(out)
    bins = study.evaluation.ece_bins
    folders = judged_folders(out)
    stale = [folder for folder in folders if (record_of(folder) or {ECE_BINS: bins}).get(ECE_BINS, before) != bins]
    _refuse_mixture(out, (folder for folder in stale if not has_logits(folder)), before, bins)
    with columns_known(out):  # costs of plugins that the study does not name any more stay in the records, too
        for folder in stale:
            rescore_record(folder, bins)
        for folder in folders:
            if folder not in stale and _lost_noise(folder) and has_logits(folder):
                rescore_record(folder, bins)
    return len(stale)


def rescore_record(folder: Path, bins: int, *, all_metrics: bool = True) -> None:
    """Write the record of one budget anew from its logits.

    Args:
        folder: of the budget.
        bins: of every ECE.
        all_metrics: whether every metric of the study is known here; otherwise those that are not keep their values.

    Raises:
        BadInput: logits that cannot be read, or cannot be brought back from the object storage.
    """
    with at_hand(folder, LOGITS):
        selection, report, train = (read_logits(folder / name) for name in (SELECTION, REPORT, TRAIN))
    before = record_of(folder)
    if before is None:
        raise BadInput(f"{folder / RECORD}: damaged ({made_anew(folder)})")
    names = {*(cost.name for cost in costs_known()), *BUILD_COLUMNS, "budget", REPORT_CELLS, OUTPUTS, NORMALISATION}
    ours = {*METRIC_COLUMNS, *SET_COLUMNS}
    kept = {name: value for name, value in before.items() if name in names or (not all_metrics and name not in ours)}
    write_corruption_table(folder, report, bins)
    write_image_noise(folder / RESAMPLED, image_noise(selection=selection, report=report, bins=bins))
    scored = record_columns(selection=selection, report=report, train=train, bins=bins)
    of_set = set_columns(report, before.get("corruption_set"), jpeg="mpc_without_jpeg" in before)
    write_json(folder / RECORD, {**scored, **of_set, **kept, ECE_BINS: bins})


def _require_readable(folder: Path) -> None:
    """Raise `BadInput` for what would end a rescoring half-way, when some records have other bins than the rest."""
    if record_of(folder) is None:
        raise BadInput(f"{folder / RECORD}: damaged ({made_anew(folder)})")
    for name in LOGITS:
        read_logits(folder / name)  # what lies in the object storage is checked when it comes


def judged_folders(out: Path) -> list[Path]:
    """Return the folder of every budget of every trial that was judged."""
    return [path.parent for path in sorted(trials_folder(out).glob(f"*/budget-*/{RECORD}"))]


def record_of(folder: Path) -> dict[str, Any] | None:
    """Return the record in the folder of a budget; None where it is damaged."""
    return read_record(folder.parent, int(folder.name.removeprefix("budget-")))


def _lost_noise(folder: Path) -> bool:
    """Whether what is computed from the logits beside a record is there, but damaged."""
    return (folder / RESAMPLED).exists() and read_image_noise(folder / RESAMPLED) is None and record_of(folder) is not None


def has_logits(folder: Path) -> bool:
    """Return whether metrics can be computed anew for a budget: its logits are kept, those of every set of images it names.

    With one of them lost, a record made anew would lose the numbers of those images.
    """
    kept = {name for name in LOGITS if is_kept(folder, name)}
    # without those of the training images alone nothing can be said
    if not kept - {TRAIN}:
        return False
    record = record_of(folder) or {}
    return kept >= {name for name, column in _MADE_OF.items() if record.get(column) is not None}


def _refuse_mixture(out: Path, gone: Iterable[Path], before: int, bins: int) -> None:
    count = sum(1 for _ in gone)
    if count:
        raise BadInput(
            f"{out}: {counted(count, 'record')} without logits, or without all (keep thinned them, or they are lost), whose "
            f"ECE stays one of {before} bins and cannot stand beside one of {bins} "
            f"(allowed: {before} bins, or another output folder)"
        )


def _bins_before(out: Path) -> int:
    """The bins of records that do not say so themselves: those of the study that is in the folder."""
    path = out / STUDY
    try:
        evaluation = read_study_yaml(path).get("evaluation") if path.is_file() else None
    except BadInput:  # damaged: the run writes it anew
        evaluation = None
    return int(evaluation.get("ece_bins", 15)) if isinstance(evaluation, dict) else 15


def _refuse_strangers(out: Path, plan: Plan) -> None:
    """Refuse a folder whose table holds more than its trials would give again, before anything is written.

    Raises:
        BadInput: trials are gone, or are others than those that the study means here.
    """
    rows = len(whole_table(out)) if (out / RECORDS).is_file() else 0
    found = len(collect(out, plan.trials, study=plan.study.name, run_ids={}))
    if found < rows:
        raise BadInput(
            f"{out}: its table has {counted(rows, 'record')}, the trials in this folder give {found:,}, so nothing was "
            "scored anew (allowed: the whole folder, with the data, the plugins and the version that it was made with)"
        )


def _write_tables(out: Path, plan: Plan, *, whole: bool) -> None:
    """Write the tables; ``whole`` is false where the study's plugins are not imported."""
    runs, written = {}, None
    if (out / RECORDS).is_file():
        written = whole_table(out)
        known = written[["key", "mlflow_run_id"]].dropna()
        runs = dict(zip(known["key"].astype(str), known["mlflow_run_id"].astype(str), strict=True))
    table = collect(out, plan.trials, study=plan.study.name, run_ids=runs)
    if not whole and written is not None:
        table = _with_columns_of(written, table)
    study = plan.study
    write_columns(out)
    write_tables(out, table, study.objectives, select_on=study.select_on, seeds=study.seeds, limits=study.parsed_limits)


def _with_columns_of(written: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the columns that only the one before has: metrics of plugins that are not imported here."""
    others = [name for name in written if name not in table]
    return table.merge(written[["key", "budget", *others]], on=["key", "budget"], how="left") if others else table


def read_logits(path: Path) -> LogitSet | None:
    """Return kept logits; None where there are none.

    Raises:
        BadInput: they cannot be read; says how they are made anew.
    """
    try:
        return LogitSet.load(path) if path.exists() else None
    except BadInput as error:
        raise BadInput(f"{error}; {made_anew(path.parent)}") from None
