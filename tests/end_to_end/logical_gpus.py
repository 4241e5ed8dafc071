"""A cluster of two nodes with GPUs that Ray only counts, and trials that hold their places there: who got what, as JSON.

A process of its own, run by `test_logical_gpus`: a Ray that fails takes the process of its driver along.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import benchmarks
from benchmarks.cluster_fill import workload_of
from benchmarks.cluster_fill_hold import HELD
from benchmarks.engine_scale import study_of
from sweeps.engine.quiet import silence
from sweeps.engine.session import ray_session
from sweeps.engine.trial_log import where_is
from sweeps.folder.paths import TRIALS
from sweeps.folder.stop_request import StopRequest
from sweeps.plan.plan import make_plan
from sweeps.run.configuration import configuration
from sweeps.study.model import study_from_plain


def held(out: Path, address: str, count: int, **booked: Any) -> list[dict[str, Any]]:
    """Let trials that hold their place fill the cluster; return where they are, once as many run as are awaited."""
    from sweeps.engine.launch import TuneSettings, launch
    from sweeps.engine.node_pace import NodePace
    from sweeps.engine.places import Places

    out.mkdir(parents=True)
    plain = study_of(60, "grid") | {"plugins": ["cluster_fill_hold"], "plugin_paths": [str(Path(benchmarks.__path__[0]))]}
    study = study_from_plain(plain, where="the test", folder=out)
    workload = workload_of([trial for trial in make_plan(study, out).trials if trial.kind == "pruned"][: count + 2])
    stop = StopRequest(out)

    def look() -> None:
        end = time.monotonic() + 120
        while len(list((out / TRIALS).glob(f"*/{HELD}"))) < count and time.monotonic() < end:
            time.sleep(0.2)
        time.sleep(1.5)  # one more would start now
        stop.ask("time")

    settings = TuneSettings(1.0, booked.get("gpus", 0.0), out / "tune", None, booked.get("custom", {}))
    with ray_session(address=address, cpus=None, gpus=None, environment={}):
        threading.Thread(target=look, daemon=True).start()
        places = Places(out, workload, settings.bundle(), NodePace())
        launch(
            workload,
            settings=settings,
            stop=stop,
            configure=lambda trial: configuration(study, out, trial),
            ended=lambda key, result, error: workload.finished(key, None),
            lost=lambda key, error, announced: True,
            ticks=(places.tick,),
        )
    assert places.latest is not None and places.latest["places"] == count
    return [where for path in (out / TRIALS).glob(f"*/{HELD}") if (where := where_is(path.parent)) is not None]


def main(folder: Path) -> None:
    """Fill the cluster three times, and print the nodes and who was where."""
    silence()
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 6, "num_gpus": 2})
    other = made.add_node(num_cpus=4, num_gpus=0, resources={"a100": 1})
    found = {
        "gpus": made.head_node.node_id,
        "a100": other.node_id,
        "halves": held(folder / "halves", made.address, 4, gpus=0.5),
        "both": held(folder / "both", made.address, 1, gpus=2.0),
        "kind": held(folder / "kind", made.address, 2, custom={"a100": 0.5}),
    }
    sys.stdout.write(f"\n{json.dumps(found)}\n")
    made.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
