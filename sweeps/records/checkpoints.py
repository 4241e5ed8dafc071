"""Networks that come from checkpoints of the user: which file, and what a spread over seeds then covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prune_core.base.kinds import SCRATCH
from prune_core.base.trial_folder import COMPLETE
from sweeps.records.columns import CHECKPOINT
from sweeps.records.planned import PlannedRow

if TYPE_CHECKING:
    import pandas as pd

ONE_CHECKPOINT = "one checkpoint"
"""Said where a spread would stand and there is none: every seed judged the same network."""


def checkpoint_of(trial: PlannedRow) -> str | None:
    """Return the SHA-256 of the checkpoint that a trial's weights come from; None where they were trained here."""
    given = trial.description.baseline.checkpoint
    return None if given is None or trial.kind == SCRATCH else given.sha256


def shared_checkpoints(records: pd.DataFrame) -> list[str]:
    """Return the networks, by label, whose seeds all start from one checkpoint."""
    if CHECKPOINT not in records:
        return []
    brought = records[records["status"].eq(COMPLETE) & records[CHECKPOINT].notna()]
    groups = brought.groupby(brought["network"].astype(str))
    shared = (groups[CHECKPOINT].nunique() == 1) & (groups["seed"].nunique() > 1)
    return [str(network) for network in shared.index[shared]]


def one_checkpoint_line(records: pd.DataFrame) -> str | None:
    """Return what a spread over seeds does not cover, in a line; None where every seed has a training of its own."""
    found = shared_checkpoints(records)
    if not found:
        return None
    subject = f"{', '.join(found)} come{'s' if len(found) == 1 else ''} from {ONE_CHECKPOINT}"
    whose = "its" if len(found) == 1 else "their"
    return f"{subject} for all seeds: {whose} spread over seeds covers fine-tuning alone, not another training"
