"""What stays on disk when a study is done: records always; weights and logits as the study's ``keep`` says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from prune_core.trial_folder import LOGITS, WEIGHTS, budget_folder
from sweeps.pareto import candidates, front
from sweeps.plan import PlannedTrial
from sweeps.plan_state import trial_folder
from sweeps.study import Study


def thin(study: Study, out: Path, trials: Iterable[PlannedTrial], records: pd.DataFrame) -> int:
    """Remove the weights and logits that the study does not keep; return how many files went.

    ``front`` keeps those of the candidates on the front, and of every unpruned network, which they are compared with.
    ``none`` keeps nothing. A thinned network cannot be exported or scored anew; its record stays.
    """
    if study.keep == "all":
        return 0
    kept = _on_front(study, records) if study.keep == "front" else set()
    gone = 0
    for trial in trials:
        for budget in trial.budgets:
            if study.keep == "front" and (trial.kind != "pruned" or (trial.key, budget) in kept):
                continue
            for name in (*LOGITS, WEIGHTS):
                path = budget_folder(trial_folder(out, trial.key), budget) / name
                if path.exists():
                    path.unlink()
                    gone += 1
    return gone


def _on_front(study: Study, records: pd.DataFrame) -> set[tuple[str, int]]:
    table = candidates(records, study.decisive, seeds=study.seeds)
    chosen = table[front(table, study.decisive)]
    return {(key, int(row["budget"])) for _, row in chosen.iterrows() for key in str(row["keys"]).split(";")}
