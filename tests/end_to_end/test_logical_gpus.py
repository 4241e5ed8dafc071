"""GPUs that Ray only counts, on two nodes of different kinds, in one cluster: who gets which, and who goes where."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Where trials were that booked half a GPU, two GPUs, or a kind of node; and which node is which."""
    for _ in range(3):  # on a busy machine a head may not answer in time, and Ray then ends its driver
        done = subprocess.run(
            [sys.executable, "-m", "tests.end_to_end.logical_gpus", str(tmp_path_factory.mktemp("gpus"))],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        if done.returncode == 0:
            return dict(json.loads(done.stdout.splitlines()[-1]))
    pytest.fail(f"the cluster ended with {done.returncode} in three tries: {done.stderr[-2000:]}")


def test_halves_of_gpus_are_packed_two_to_a_card_and_each_trial_sees_its_own(found):
    assert {each["node"] for each in found["halves"]} == {found["gpus"]}
    assert Counter(each["gpus"] for each in found["halves"]) == {"0": 2, "1": 2}


def test_a_trial_with_two_gpus_sees_both_and_is_alone(found):
    assert [each["gpus"] for each in found["both"]] in (["0,1"], ["1,0"])


def test_trials_that_book_a_kind_of_node_go_there_and_see_no_gpu(found):
    assert [(each["node"], each["gpus"]) for each in found["kind"]] == [(found["a100"], None)] * 2
