"""A plugin whose trials do nothing but hold their place until the sweep stops. Used by `cluster_fill`.

Importing it changes what every trial of the process does, but in a process of tests, where other tests run trials.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from prune_core.base.files import write_json
from prune_core.trial.description import TrialDescription
from prune_core.trial.order import TrialOrder
from sweeps.engine import worker

HELD = "held.json"
"""In a trial's folder, written when its worker is ready: that worker's processor seconds until then."""


def hold(description: TrialDescription, order: TrialOrder, *, should_stop: Callable[[], bool], **_: Any) -> dict[str, Any]:
    """Say that the place is taken, and keep it."""
    write_json(order.folder / HELD, {"processor_s": time.process_time()})
    while not should_stop():
        time.sleep(0.2)
    return {"status": "interrupted", "cause": None}


if "pytest" not in sys.modules:
    worker.run_trial = hold  # type: ignore[assignment, attr-defined]
