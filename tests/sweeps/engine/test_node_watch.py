"""A worker learns that its node is to leave, and does not forget it."""

from __future__ import annotations

import threading

from sweeps.engine.node_watch import NodeWatch


def test_the_node_leaves_once_the_cluster_says_so() -> None:
    asked = threading.Semaphore(0)
    says = threading.Event()

    def draining() -> bool:
        asked.release()
        return says.is_set()

    watch = NodeWatch(draining, look_seconds=0.001)
    assert asked.acquire(timeout=20)
    assert not watch.leaves()
    says.set()
    while not watch.leaves():
        assert asked.acquire(timeout=20)
    says.clear()
    assert watch.leaves()
