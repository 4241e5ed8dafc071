"""How many trials the nodes of a cluster hold at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

LOOK_SECONDS = 2.0
_LITTLE = 1e-9


def cluster_places(asked: Mapping[str, float]) -> Callable[[], int]:
    """Return a cheap count of the trials that all nodes which are up now hold together, whoever uses them.

    Args:
        asked: what a trial books, by Ray's names.
    """
    import ray

    found = [0]
    due = [0.0]

    def count() -> int:
        if time.monotonic() >= due[0]:
            found[0] = sum(places_on(node["Resources"], asked) for node in ray.nodes() if node["Alive"])
            due[0] = time.monotonic() + LOOK_SECONDS
        return found[0]

    return count


def places_on(resources: Mapping[str, float], asked: Mapping[str, float]) -> int:
    """Return how many trials one node holds.

    Args:
        resources: of the node, by Ray's names.
        asked: what a trial books, by the same names; a fraction of a GPU stays within one GPU.
    """
    fits = []
    for name, amount in asked.items():
        if not amount:
            continue
        there = resources.get(name, 0.0)
        if name == "GPU" and amount <= 1:
            fits.append(int(there + _LITTLE) * math.floor(1 / amount + _LITTLE))
        else:
            fits.append(math.floor(there / amount + _LITTLE))
    return min(fits, default=0)
