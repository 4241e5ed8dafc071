"""A plugin whose trials die: those of one method get further each time, another's never do.

Importing it changes what every trial of the process does: only the workers of `test_lost_workers` do, and no test.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from benchmarks.engine_noop import write_only
from prune_core.base.trial_folder import STATE
from prune_core.training import TrainingState
from prune_core.trial.description import TrialDescription
from prune_core.trial.order import TrialOrder
from sweeps.engine import worker
from tests.end_to_end.running import DEATHS

GETS_FURTHER, DIES_ON_THE_SPOT = "unstructured", "l1_filter"


def dies(description: TrialDescription, order: TrialOrder, **options: Any) -> dict[str, Any]:
    """Leave a file for each life, and die in it, as by the system's out-of-memory killer."""
    method = description.method.name if description.method else None
    life = len(list(order.folder.glob("life-*")))
    if method == DIES_ON_THE_SPOT or (method == GETS_FURTHER and life < DEATHS):
        (order.folder / f"life-{life}").touch()
        if method == GETS_FURTHER:
            TrainingState(step=life + 1).save(order.folder / STATE)
        os.kill(os.getpid(), signal.SIGKILL)
    return write_only(description, order, **options)


worker.run_trial = dies  # type: ignore[attr-defined]
