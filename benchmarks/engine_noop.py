"""A plugin whose trials do nothing but write what a trial writes: what is left is the engine. Used by `engine_scale`."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from prune_core.base.files import write_json
from prune_core.base.store import Store
from prune_core.base.trial_folder import COMPLETE, DESCRIPTION, OUTCOME, RECORD, budget_folder
from prune_core.metrics.columns import SET_COLUMNS, TEXT_COLUMNS
from prune_core.trial.description import TrialDescription
from prune_core.trial.order import TrialOrder
from sweeps.engine import worker

COUNTS = ("parameters", "nonzero_parameters", "macs", "nonzero_macs", "size_bytes")


def write_only(
    description: TrialDescription,
    order: TrialOrder,
    *,
    on_budget: Callable[[int, dict[str, Any]], None],
    **_: Any,
) -> dict[str, Any]:
    """Write a trial's description, a record of made-up numbers at each budget, and its outcome."""
    from sweeps.records.columns import measured_columns

    folder, key = order.folder, description.key
    write_json(folder / DESCRIPTION, description.to_plain())
    if description.kind == "baseline":
        Store(order.store).get_or_make(description.baseline.keyed(), lambda _: {})
    draw = random.Random(key)
    for budget in order.budgets:
        record: dict[str, Any] = {column: draw.random() for column in measured_columns()}
        record |= dict.fromkeys([*TEXT_COLUMNS, SET_COLUMNS[0]], "fog") | {
            column: draw.randrange(10**6) for column in COUNTS
        }
        write_json(budget_folder(folder, budget) / RECORD, {**record, "budget": budget})
        on_budget(budget, record)
    outcome = {"status": COMPLETE, "cause": None, "budgets": list(order.budgets), "key": key}
    write_json(folder / OUTCOME, outcome)
    return outcome


worker.run_trial = write_only  # type: ignore[assignment, attr-defined]
