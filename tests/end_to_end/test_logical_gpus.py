"""GPUs that Ray only counts, on two nodes of different kinds, in one cluster: who gets which, and who goes where."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import benchmarks
from benchmarks.cluster_fill import workload_of
from benchmarks.cluster_fill_hold import HELD
from benchmarks.engine_scale import study_of
from sweeps.engine.session import ray_session
from sweeps.engine.trial_log import where_is
from sweeps.folder.paths import TRIALS
from sweeps.folder.stop_request import StopRequest
from sweeps.plan.plan import make_plan
from sweeps.run.configuration import configuration
from sweeps.study.model import study_from_plain

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def cluster():
    """A head with two GPUs, and a node without any that was started as one of another kind."""
    from sweeps.engine.quiet import silence

    silence()
    from ray.cluster_utils import Cluster

    made = None
    for _ in range(3):  # on a busy machine a head may not answer in time, and Ray then leaves with 1
        with suppress(SystemExit):
            made = Cluster(initialize_head=True, head_node_args={"num_cpus": 6, "num_gpus": 2})
            break
    assert made is not None, "Ray could not start a head in three tries"
    other = made.add_node(num_cpus=4, num_gpus=0, resources={"a100": 1})
    yield {"address": made.address, "gpus": made.head_node.node_id, "a100": other.node_id}
    made.shutdown()


def held(out: Path, cluster: dict[str, Any], count: int, **booked: Any) -> list[dict[str, Any]]:
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
    with ray_session(address=cluster["address"], cpus=None, gpus=None, environment={}):
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


def test_halves_of_gpus_are_packed_two_to_a_card_and_each_trial_sees_its_own(tmp_path, cluster):
    found = held(tmp_path / "halves", cluster, 4, gpus=0.5)
    assert {each["node"] for each in found} == {cluster["gpus"]}
    assert Counter(each["gpus"] for each in found) == {"0": 2, "1": 2}


def test_a_trial_with_two_gpus_sees_both_and_is_alone(tmp_path, cluster):
    assert [each["gpus"] for each in held(tmp_path / "both", cluster, 1, gpus=2.0)] in (["0,1"], ["1,0"])


def test_trials_that_book_a_kind_of_node_go_there_and_see_no_gpu(tmp_path, cluster):
    found = held(tmp_path / "kind", cluster, 2, custom={"a100": 0.5})
    assert [(each["node"], each["gpus"]) for each in found] == [(cluster["a100"], None)] * 2
