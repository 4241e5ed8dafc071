"""A toy to search in: a space, what each candidate is worth, and a driver that asks and tells."""

from __future__ import annotations

from sweeps.search.optuna_study import OptunaBooks
from sweeps.search.space import ArmSpace, Space

RATIOS = ("0.1", "0.3", "0.5", "0.7", "0.9")
SPACE = Space(
    (
        ArmSpace("vgg-l1", RATIOS, (0, 2, 5)),
        ArmSpace("vgg-weights", RATIOS, (0, 2, 5)),
        ArmSpace("res-l1", RATIOS, (0, 2, 5)),
    )
)
OBJECTIVES = [("val_accuracy", "max"), ("nonzero_parameters", "min")]


def truth(candidate):
    """A toy: weights pruning is best, accuracy falls with the ratio and is mended by the budget."""
    ratio, cost = float(candidate.ratio), {"vgg-l1": 0.3, "vgg-weights": 0.1, "res-l1": 0.5}[candidate.arm]
    budget = candidate.budget or 0
    return {"val_accuracy": 0.98 - cost * ratio**2 - 0.05 / (1 + budget), "nonzero_parameters": 1000 * (1 - ratio) + 10}


def drive(search, *, stop_after=10**6, width=2, fail=()):
    """Ask and tell until done; return the keys in the order in which they were handed out."""
    order: list[str] = []
    while not search.done and len(order) < stop_after:
        batch = search.next(width)
        if not batch:
            break
        for candidate in batch:
            order.append(candidate.key)
            failed = candidate.key in fail
            search.tell(candidate, None if failed else truth(candidate), "failed" if failed else "complete")
    return order


def books(out, space=SPACE, objectives=OBJECTIVES, limits=(), name="toy"):
    return OptunaBooks(name, out, None, space=space, objectives=objectives, limits=limits)
