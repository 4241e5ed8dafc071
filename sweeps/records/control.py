"""Which control a trial is compared with: said by the plan, kept in the table of records as ``control_key``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prune_core.base.description import canonical_json
from prune_core.base.kinds import CONTROL
from prune_core.base.trial_folder import COMPLETE
from sweeps.records.columns import CONTROL_KEY
from sweeps.records.planned import PlannedRow

if TYPE_CHECKING:
    import pandas as pd


def control_keys(trials: Iterable[PlannedRow]) -> dict[str, str | None]:
    """Return, for each trial, the key of the control of the same baseline, fine-tuning, seed and images; None without one.

    A control is its own: its differences are zero.
    """
    planned = list(trials)
    controls = controls_by_start(planned)
    return {trial.key: controls.get(start_of(trial)) for trial in planned}


def controls_by_start(trials: Iterable[PlannedRow]) -> dict[str, str]:
    """Return the keys of the controls by what `start_of` says of them."""
    return {start_of(trial): trial.key for trial in trials if trial.kind == CONTROL}


def start_of(trial: PlannedRow) -> str:
    """Return what a trial shares with its control: everything but what was pruned."""
    plain = trial.description.effective().to_plain()  # one of the two may have been described by an earlier version
    shared = [trial.baseline_key, *(plain.get(name) for name in ("seed", "fine_tuning", "budget", "evaluation"))]
    return canonical_json(shared)


def control_rows(records: pd.DataFrame) -> NDArray[np.int64]:
    """Return for each record the row of its control's record at the same budget, ``(N,)``; -1 where there is none."""
    if CONTROL_KEY not in records or not len(records):
        return np.full(len(records), -1)
    complete = records["status"].eq(COMPLETE).to_numpy(dtype=bool)
    places = zip(records["key"].astype(str)[complete], records["budget"][complete], strict=True)
    row_of = dict(zip(places, np.flatnonzero(complete).tolist(), strict=True))
    wanted = zip(records[CONTROL_KEY], records["budget"], strict=True)
    return np.array([row_of.get((key, budget), -1) for key, budget in wanted], dtype=np.int64)


def with_control_keys(records: pd.DataFrame) -> pd.DataFrame:
    """Return a table that has ``control_key``, also one that version 0.1.0 wrote without it.

    There the control is the one of the same network, seed and budget whose NLL is the one that the record's difference
    names: a network can have several controls, slimming's own, and one per rate of fine-tuning.
    """
    import pandas as pd  # 0.25 s of CPU, where there is a table

    if CONTROL_KEY in records:
        return records
    found = pd.Series(pd.NA, index=records.index, dtype="string")
    same = ["network", "seed", "budget"]
    if {*same, "key", "method", "status", "nll", "delta_nll"} <= set(records.columns) and len(records):
        table = records[[*same, "key", "method", "status"]].reset_index(drop=True)
        nll, delta = (pd.to_numeric(records[name], errors="coerce").to_numpy(float) for name in ("nll", "delta_nll"))
        table = table.assign(row=np.arange(len(table)), nll=nll, named=nll - delta)
        controls = table[table["method"].eq(CONTROL) & table["status"].eq(COMPLETE)][[*same, "key", "nll"]]
        pairs = table[[*same, "row", "named"]].dropna().merge(controls, on=same)
        near = pairs[np.isclose(pairs["named"], pairs["nll"], rtol=0, atol=1e-9)].drop_duplicates("row")
        found.iloc[near["row"].to_numpy(dtype=np.int64)] = near["key"].astype(str).to_numpy()
    return records.assign(**{CONTROL_KEY: found})
