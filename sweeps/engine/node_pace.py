"""Which nodes are slower than their peers, by the trials of one kind that ended on both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from statistics import median

SLOW = 1.5
"""How many times as slow a node is before that is said."""
TRIALS = 3
"""Trials of a node that have to have peers elsewhere before anything is said of it."""


class NodePace:
    """Compares how long trials took, like with like: the same work on different nodes."""

    def __init__(self) -> None:
        self._seconds: dict[Hashable, list[tuple[str, float]]] = defaultdict(list)

    def note(self, node: str, work: Hashable, seconds: float) -> None:
        """Take note of a trial that ended.

        Args:
            node: Ray's id of its node.
            work: what makes it comparable: the network, the method, the epochs.
            seconds: that its training and evaluation took.
        """
        if seconds > 0:
            self._seconds[work].append((node, seconds))

    def slower(self) -> dict[str, float]:
        """Return the nodes that are at least `SLOW` times as slow as their peers, by id, with how many times."""
        ratios: dict[str, list[float]] = defaultdict(list)
        for took in self._seconds.values():
            for node in {each for each, _ in took}:
                peers = [seconds for other, seconds in took if other != node]
                if peers:
                    ratios[node] += [seconds / median(peers) for other, seconds in took if other == node]
        found = {node: median(each) for node, each in ratios.items() if len(each) >= TRIALS}
        return {node: round(ratio, 2) for node, ratio in found.items() if ratio >= SLOW}
