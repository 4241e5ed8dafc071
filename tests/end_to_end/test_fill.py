"""A cluster fills at once: an autoscaler sees all that could be needed, and what got no place is called back in silence."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_all_trials_are_demanded_while_the_first_hold_every_place() -> None:
    command = [sys.executable, "-m", "benchmarks.cluster_fill", "--slots", "2", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)  # and nothing else
    assert (found["slots"], found["pending_at_10_s"]) == (2, 2)
    assert found["seconds_to_full"] > 0
