"""The places for trials: how many each node has, which are filled, which trial is where, and why nothing starts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune_core.base.errors import BadInput
from sweeps.engine.cluster_places import places_on
from sweeps.engine.node_pace import NodePace
from sweeps.engine.trial_log import where_is
from sweeps.folder.paths import trial_folder
from sweeps.folder.places_file import write_places
from sweeps.plan.trials import PlannedTrial
from sweeps.plan.workload import Workload

LOOK_SECONDS = 5.0
PATIENCE_SECONDS = 30.0
"""Seconds that workers may take to start before that is said."""
_LITTLE = 1e-9


@dataclass(frozen=True)
class Node:
    """A node that is up.

    Attributes:
        id: Ray's.
        host: its machine.
        has: its resources.
        free: those that nobody uses.
    """

    id: str
    host: str
    has: Mapping[str, float]
    free: Mapping[str, float]


def nodes_up() -> list[Node]:
    """Return the nodes of the cluster that are up."""
    import ray
    from ray._private.state import available_resources_per_node

    free = available_resources_per_node()
    return [
        Node(each["NodeID"], str(each["NodeManagerHostname"]), each["Resources"], free.get(each["NodeID"], {}))
        for each in ray.nodes()
        if each["Alive"]
    ]


def demands_waiting() -> int:
    """Return how many placement groups no node has taken yet, whoever asked for them; 0 where Ray does not say."""
    import ray
    from ray import _raylet
    from ray.autoscaler.v2.sdk import get_cluster_resource_state

    try:
        compiled: Any = _raylet  # its types say less than it has
        client = compiled.GcsClient(address=ray.get_runtime_context().gcs_address)
        return len(get_cluster_resource_state(client).pending_gang_resource_requests)
    except Exception:  # noqa: BLE001  (an interface of Ray's own: another version may have another)
        return 0


def node_names(nodes: Sequence[Node]) -> dict[str, str]:
    """Return what to call each node, by id: its machine, with some of Ray's id where a machine has several nodes."""
    hosts = [node.host for node in nodes]
    return {node.id: node.host if hosts.count(node.host) == 1 else f"{node.host}/{node.id[:6]}" for node in nodes}


def lacking(nodes: Sequence[Node], asked: Mapping[str, float]) -> str | None:
    """Return what a trial waits for, where no node can take one now: ``a GPU: 8 asked for, 0 free of 4``; else None.

    Args:
        nodes: those that are up.
        asked: what one trial needs, by Ray's name of the resource.
    """
    if not nodes:
        return "a node: none is up"
    wanted = {name: amount for name, amount in asked.items() if amount > 0}
    if any(_fits(node.free, wanted) for node in nodes):
        return None
    able = [node for node in nodes if _fits(node.has, wanted)]
    for name in sorted(wanted, key=lambda name: (name == "CPU", name != "GPU", name)):
        amount = wanted[name]
        if not any(node.has.get(name, 0.0) + _LITTLE >= amount for node in nodes):
            return f"{_called(name)}: {_said(nodes, name, amount)}; no node that is up has so many"
        if able and not any(node.free.get(name, 0.0) + _LITTLE >= amount for node in able):
            return f"{_called(name)}: {_said(nodes, name, amount)}"
    if able:
        return "a node on which all that a trial needs is free at once"
    return f"a node that has all that a trial needs: {', '.join(f'{_number(wanted[name])} {name}' for name in wanted)}"


def _free_places(node: Node, asked: Mapping[str, float]) -> int:
    """How many more trials a node takes: of a GPU that others share, what is left of it counts too."""
    gpus = asked.get("GPU", 0.0)
    fits = places_on(node.free, {**asked, "GPU": 0.0}) if set(asked) - {"GPU"} else places_on(node.has, asked)
    return min(fits, int(node.free.get("GPU", 0.0) / gpus + _LITTLE)) if gpus else fits


def _fits(there: Mapping[str, float], wanted: Mapping[str, float]) -> bool:
    return all(there.get(name, 0.0) + _LITTLE >= amount for name, amount in wanted.items())


def _said(nodes: Sequence[Node], name: str, amount: float) -> str:
    free, there = (sum(each.get(name, 0.0) for each in side) for side in zip(*((n.free, n.has) for n in nodes), strict=True))
    return f"{_number(amount)} asked for, {_number(free)} free of {_number(there)}"


def _called(name: str) -> str:
    return {"GPU": "a GPU", "CPU": "a processor"}.get(name, f"the resource {name}")


def _number(value: float) -> str:
    return f"{value:.4g}"


class Places:
    """Looks at the cluster now and then while trials run, and writes down what it saw.

    Args:
        out: the output folder, absolute.
        workload: what waits and runs.
        asked: what one trial needs, by Ray's name of the resource.
        pace: how fast the nodes are.
        look: returns the nodes that are up.
        demands: returns how many demands for a place wait, ours and others'.
    """

    def __init__(
        self,
        out: Path,
        workload: Workload,
        asked: Mapping[str, float],
        pace: NodePace,
        look: Callable[[], list[Node]] = nodes_up,
        demands: Callable[[], int] = demands_waiting,
    ) -> None:
        self._out, self._workload, self._asked, self._pace, self._look = out, workload, dict(asked), pace, look
        self._demands = demands
        self._due = 0.0
        self._seen: list[str] = []
        self._still_since: float | None = None
        self.latest: dict[str, Any] | None = None
        """What was seen last."""

    def tick(self) -> None:
        """Look, if it is time."""
        if time.monotonic() >= self._due:
            self._look_again()

    def now(self) -> dict[str, Any] | None:
        """Return what was seen last; seen anew where other trials have a place by now. None before the first look."""
        if self.latest is not None and self._seen != [trial.key for trial in self._workload.placed]:
            self._look_again()
        return self.latest

    def _look_again(self) -> None:
        self._due = time.monotonic() + LOOK_SECONDS
        self._seen = [trial.key for trial in self._workload.placed]
        self.latest = self.state()
        write_places(self._out, self.latest)

    def state(self) -> dict[str, Any]:
        """Return what there is now, as `sweeps.folder.places_file.read_places` describes it."""
        nodes = self._look()
        names = node_names(nodes)
        trials = [self._trial(trial, names) for trial in self._workload.placed]
        on = [each["node"] for each in trials]
        slower = self._pace.slower()
        shown = [
            {
                "name": names[node.id],
                "places": places_on(node.has, self._asked),
                "filled": on.count(names[node.id]),
                "free": _free_places(node, self._asked),
                "slower": slower.get(node.id),
            }
            for node in nodes
        ]
        return {
            "places": sum(places_on(node.has, self._asked) for node in nodes),
            "filled": len(trials),
            "waiting": self._workload.unplaced,
            "held_back": self._workload.waiting,
            "why": self._why(nodes),
            "nodes": shown,
            "trials": trials,
        }

    def _trial(self, trial: PlannedTrial, names: Mapping[str, str]) -> dict[str, Any]:
        where = where_is(trial_folder(self._out, trial.key)) or {}
        node = str(where.get("node", ""))
        return {
            "name": trial.name,
            "node": names.get(node, str(where.get("host", "")) or "starting"),
            "process": where.get("process"),
            "gpus": where.get("gpus"),
            "since": where.get("since"),
        }

    def _why(self, nodes: Sequence[Node]) -> str | None:
        """Return why nothing runs although trials wait; None while something does."""
        if self._workload.in_place or not self._workload.unplaced:
            self._still_since = None
            return None
        if self._still_since is None:
            self._still_since = time.monotonic()
        able = any(_fits(node.has, self._asked) for node in nodes)
        # fewer demands than trials: a node has given some trial its place, which therefore is no longer free
        starting = able and self._demands() < self._workload.unplaced
        what = None if starting else lacking(nodes, self._asked)
        if what is not None:
            return f"waiting for {what}"
        still = time.monotonic() - self._still_since
        return f"workers have been starting for {still:.0f} s" if still > PATIENCE_SECONDS else None


def refuse_what_never_fits(nodes: Sequence[Node], asked: Mapping[str, float]) -> None:
    """Refuse a trial that a Ray of our own can never hold: no node ever joins it, so the trial would wait for ever.

    Args:
        nodes: of that Ray.
        asked: what one trial needs, by Ray's name of the resource.

    Raises:
        BadInput: no node has it; what is lacking is said.
    """
    if not any(_fits(node.has, asked) for node in nodes):
        what = lacking(nodes, asked)
        raise BadInput(f"resources: no trial would ever start on this machine, waiting for {what} (allowed: less per trial)")
