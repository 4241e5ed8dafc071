"""Whether the node of this worker is to leave its cluster: drained by Ray's autoscaler, an administrator, or `node`."""

from __future__ import annotations

import threading
from collections.abc import Callable

LOOK_SECONDS = 2.0

_known = threading.Lock()
_watches: list[NodeWatch] = []


class NodeWatch:
    """Asks Ray every `LOOK_SECONDS`, from a thread of its own: without its head the cluster does not answer.

    Args:
        draining: returns whether the node is being drained.
        look_seconds: between two looks.
    """

    def __init__(self, draining: Callable[[], bool], look_seconds: float = LOOK_SECONDS) -> None:
        self._draining, self._look_seconds = draining, look_seconds
        self._leaves = threading.Event()
        threading.Thread(target=self._watch, name="node", daemon=True).start()

    def leaves(self) -> bool:
        """Whether the node is to leave, as far as is known; once true it stays true."""
        return self._leaves.is_set()

    def _watch(self) -> None:
        while not self._draining():
            self._leaves.wait(self._look_seconds)
        self._leaves.set()


def node_leaves() -> Callable[[], bool]:
    """Return a cheap question for this worker's node; all trials of a worker share one thread."""
    with _known:
        if not _watches:
            _watches.append(NodeWatch(_this_node_drains()))
        return _watches[0].leaves


def _this_node_drains() -> Callable[[], bool]:
    import ray
    from ray._private.state import state

    here = ray.get_runtime_context().get_node_id()

    def draining() -> bool:
        try:
            return here in state.get_draining_nodes()
        except Exception:  # noqa: BLE001  (the head is away, or another version of Ray: nobody says that the node leaves)
            return False

    return draining
