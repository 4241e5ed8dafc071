"""How many trials the nodes of a cluster hold at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

LOOK_SECONDS = 2.0
_LITTLE = 1e-9


def cluster_places(cpus: float, gpus: float) -> Callable[[], int]:
    """Return a cheap count of the trials that all nodes which are up now hold together, whoever uses them.

    Args:
        cpus: of a trial.
        gpus: of a trial; a fraction stays within one GPU.
    """
    import ray

    found = [0]
    due = [0.0]

    def count() -> int:
        if time.monotonic() >= due[0]:
            found[0] = sum(places_on(node["Resources"], cpus, gpus) for node in ray.nodes() if node["Alive"])
            due[0] = time.monotonic() + LOOK_SECONDS
        return found[0]

    return count


def places_on(resources: Mapping[str, float], cpus: float, gpus: float) -> int:
    """Return how many trials one node holds, by its resources as Ray counts them."""
    fits = [math.floor(resources.get("CPU", 0.0) / cpus + _LITTLE)] if cpus else []
    if gpus:
        cards = resources.get("GPU", 0.0)
        fits.append(int(cards) * math.floor(1 / gpus + _LITTLE) if gpus <= 1 else math.floor(cards / gpus + _LITTLE))
    return min(fits, default=0)
