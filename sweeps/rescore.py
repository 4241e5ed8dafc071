"""Metrics computed anew from kept logits: no network, no GPU, minutes instead of days."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prune_core.corruption_table import write_corruption_table
from prune_core.errors import BadInput
from prune_core.files import read_json, write_json
from prune_core.logits import LogitSet
from prune_core.scoring import record_columns, set_columns
from prune_core.trial_folder import RECORD, REPORT, REPORT_CELLS, SELECTION, TRAIN
from sweeps.columns import COSTS, SECONDS
from sweeps.lock import driving
from sweeps.study import load_study
from sweeps.study_yaml import read_study_yaml, write_study


def rescore_study(out: Path, bins: int | None = None) -> tuple[int, int]:
    """Compute every metric column of a study anew; costs and seconds stay.

    Args:
        out: the study's output folder; held meanwhile, so that no run writes there.
        bins: of every ECE; None keeps the study's. Another number is written into ``study.yaml``.

    Returns:
        How many records were scored, and how many have no logits left and stay as they are.

    Raises:
        BadInput: no study there, a run at work in it, or logits that cannot be read.
    """
    if not (out / "study.yaml").is_file():
        raise BadInput(f"{out}: there is no study here (allowed: the output folder of a run, which holds study.yaml)")
    with driving(out):
        study = load_study(out / "study.yaml")
        chosen = bins if bins is not None else study.evaluation.ece_bins
        done = without = 0
        for record in sorted((out / "trials").glob(f"*/budget-*/{RECORD}")):
            if rescore_record(record.parent, chosen):
                done += 1
            else:
                without += 1
        if chosen != study.evaluation.ece_bins:
            plain = read_study_yaml(out / "study.yaml")
            plain["evaluation"]["ece_bins"] = chosen
            provenance = plain.pop("provenance", None)
            write_study(plain, out / "study.yaml", provenance=provenance)
    return done, without


def rescore_record(folder: Path, bins: int) -> bool:
    """Write the record of one budget anew from its logits; False where there are none left."""
    selection, report, train = (_logits(folder / name) for name in (SELECTION, REPORT, TRAIN))
    if selection is None and report is None:
        return False
    before: dict[str, Any] = read_json(folder / RECORD)
    names = (*COSTS, *SECONDS, "budget", "peak_activation_bytes", REPORT_CELLS)
    kept = {name: value for name, value in before.items() if name in names}
    write_corruption_table(folder, report, bins)
    scored = record_columns(selection=selection, report=report, train=train, bins=bins)
    of_set = set_columns(report, before.get("corruption_set"), jpeg="mpc_without_jpeg" in before)
    write_json(folder / RECORD, {**scored, **of_set, **kept})
    return True


def _logits(path: Path) -> LogitSet | None:
    return LogitSet.load(path) if path.exists() else None
