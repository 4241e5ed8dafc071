"""A cluster of the benchmarks leaves nothing behind, also where it does not start."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from benchmarks.arguments import count_from_1
from benchmarks.chaos_cluster import Cluster


def test_a_cluster_that_does_not_start_leaves_no_process_and_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[Path] = []

    class Stuck(Cluster):
        def mend(self) -> None:
            raise RuntimeError("Ray does not start")

        def _kill_all(self) -> None:
            killed.append(self._temporary)

    with pytest.raises(RuntimeError, match="does not start"), Stuck(tmp_path):
        raise AssertionError("it was entered")
    assert len(killed) == 1 and not killed[0].exists()


@pytest.mark.parametrize("text", ["0", "-3", "x", "1.5", ""])
def test_a_count_is_a_whole_number_from_1(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="allowed: whole numbers from 1"):
        count_from_1(text)
    assert count_from_1("32") == 32
