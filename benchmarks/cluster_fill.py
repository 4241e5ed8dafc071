"""How fast an empty cluster fills: trials that only hold their place, launched as on a cluster, of one node.

    python -m benchmarks.cluster_fill [--slots 32] [--json] [--curve FILE]

The node has as many logical processors as ``--slots`` says, however many there really are, and there are twice as many
trials as places. First one trial is started alone, then all. Reported: the start of the one worker, the time until every
place is taken, what an autoscaler sees waiting ten seconds after the launch (placement groups that have no node yet), the
processor seconds that the workers took until they were ready, and the bar: what the processors need for them, and one and
a half times one start.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.arguments import OneLineParser, count_from_1
from benchmarks.chaos_cluster import Cluster
from benchmarks.cluster_fill_hold import HELD
from benchmarks.engine_scale import study_of
from sweeps.engine.session import head_address, ray_session
from sweeps.folder.paths import TRIALS
from sweeps.folder.stop_request import StopRequest
from sweeps.plan.places import usable_cores
from sweeps.plan.plan import make_plan
from sweeps.plan.trials import PlannedTrial
from sweeps.plan.workload import Workload
from sweeps.run.configuration import configuration
from sweeps.study.model import study_from_plain

LOOK_SECONDS = 0.25
DEMAND_AT_SECONDS = 10.0
PATIENCE_SECONDS = 900.0
BAR = 1.5
"""Starts of one worker that may pass beyond what the processors need for all of them."""


class OneNode(Cluster):
    """A Ray cluster of one node with as many logical processors as wished.

    Args:
        folder: for its log.
        slots: logical processors.
    """

    def __init__(self, folder: Path, slots: int) -> None:
        super().__init__(folder)
        self._slots = slots

    def mend(self) -> None:
        """Start the node."""
        self._ray(
            "--head",
            f"--port={self._port}",
            f"--num-cpus={self._slots}",
            f"--temp-dir={self._temporary}",
            "--include-dashboard=false",
        )


class Look:
    """A thread that looks at the places taken, and at what waits for one, while the launch runs.

    Args:
        out: the output folder of the trials.
        head: address of the cluster's head.
        until: asked with (places taken, seconds since the launch); true ends the launch.
        stop: how.
    """

    def __init__(self, out: Path, head: str, until: Callable[[int, float], bool], stop: StopRequest) -> None:
        self.curve: list[tuple[float, int, int]] = []
        """(seconds since the launch, places taken, demands that wait)"""
        self._out, self._head, self._until, self._stop = out, head, until, stop
        self._begun = time.monotonic()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        from ray import _raylet
        from ray.autoscaler.v2.sdk import get_cluster_resource_state

        compiled: Any = _raylet  # its types say less than it has
        client = compiled.GcsClient(address=self._head)
        while self._stop.reason is None:
            waits = len(get_cluster_resource_state(client).pending_gang_resource_requests)
            taken = len(list((self._out / TRIALS).glob(f"*/{HELD}")))
            since = time.monotonic() - self._begun
            self.curve.append((since, taken, waits))
            if self._until(taken, since) or since > PATIENCE_SECONDS:
                self._stop.ask("time")
            time.sleep(LOOK_SECONDS)


def main() -> None:
    """Measure, print."""
    parser = OneLineParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slots", type=count_from_1, default=32, help="places of the node (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--curve", type=Path, help="write seconds, places taken and demands waiting here, as CSV")
    chosen = parser.parse_args()
    end_by_sigterm()
    found, curve = measured(chosen.slots)
    if chosen.curve:
        rows = [f"{since:.2f},{taken},{waits}" for since, taken, waits in curve]
        chosen.curve.write_text("\n".join(["seconds,taken,waiting", *rows, ""]))
    if chosen.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<24} {value}")


def end_by_sigterm() -> None:
    """Let SIGTERM end the command through its blocks, so that the cluster ends with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def measured(slots: int) -> tuple[dict[str, Any], list[tuple[float, int, int]]]:
    """Start a cluster, fill it; return the numbers and the curve."""
    folder = Path(tempfile.mkdtemp(prefix="fill-"))
    try:
        with OneNode(folder, slots) as cluster:
            os.environ.update(cluster.environment())
            head = head_address(cluster.options()[1])
            alone, _ = launched(folder / "one", head, 1, lambda taken, _: taken >= 1)
            curve, processor = launched(
                folder / "all",
                head,
                2 * slots,
                lambda taken, since: taken >= slots and since > DEMAND_AT_SECONDS + 2 * LOOK_SECONDS,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    one = next(since for since, taken, _ in alone if taken >= 1)
    full = next((since for since, taken, _ in curve if taken >= slots), None)
    needed = processor / usable_cores()
    return {
        "slots": slots,
        "one_worker_start_s": round(one, 2),
        "seconds_to_full": None if full is None else round(full, 2),
        "pending_at_10_s": next((waits for since, _, waits in curve if since >= DEMAND_AT_SECONDS), None),
        "processor_s_per_worker": round(processor / max(1, curve[-1][1]), 2),
        "cores": usable_cores(),
        "bar_s": round(needed + BAR * one, 2),
    }, curve


def launched(
    out: Path, head: str, trials: int, until: Callable[[int, float], bool]
) -> tuple[list[tuple[float, int, int]], float]:
    """Launch so many trials; return the curve, and the processor seconds of all workers until they were ready."""
    from sweeps.engine.launch import TuneSettings, launch

    out.mkdir(parents=True)
    plain = study_of(4 * trials + 20, "grid")
    plain |= {"plugins": ["cluster_fill_hold"], "plugin_paths": [str(Path(__file__).parent)]}
    study = study_from_plain(plain, where="the benchmark", folder=Path(__file__).parent)
    planned = [trial for trial in make_plan(study, out).trials if trial.kind == "pruned"][:trials]
    stop = StopRequest(out)
    with ray_session(address=head, cpus=None, gpus=None, environment={}):
        end_by_sigterm()  # again: Ray has put a handler of its own in place of it
        look = Look(out, head, until, stop)
        workload = workload_of(planned)
        launch(
            workload,
            settings=TuneSettings(1.0, 0.0, out / "tune", None),
            stop=stop,
            configure=lambda trial: configuration(study, out, trial),
            ended=lambda key, result, error: workload.finished(key, None),
            lost=lambda key, error, announced: True,
            ticks=(),
        )
    held = [json.loads(path.read_text()) for path in (out / TRIALS).glob(f"*/{HELD}")]
    return look.curve, sum(each["processor_s"] for each in held)


def workload_of(trials: list[PlannedTrial]) -> Workload:
    """Return trials that may all start at once."""
    return Workload(
        trials,
        ended=lambda trial: None,
        baseline_ready=lambda key: True,
        baseline_failure=lambda key: None,
        block=lambda trial, cause: None,
    )


if __name__ == "__main__":
    main()
