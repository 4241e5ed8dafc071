from __future__ import annotations

from pathlib import Path

import numpy as np

from dashboards.figures.network import print_network
from prune_core.evaluation.logits import LogitSet


def test_one_network_is_one_picture_the_same_each_time(tmp_path: Path) -> None:
    stream = np.random.default_rng(1)
    cells = {"fog": stream.normal(size=(5, 20, 3)).astype(np.float16)}
    whole = LogitSet(stream.integers(0, 3, 20), stream.normal(size=(20, 3)), cells, np.arange(20))
    clean = LogitSet(whole.labels, whole.clean)
    for name, logits in (("a", whole), ("b", whole), ("c", clean)):
        print_network(logits, 1.5, 15, "net $<b>$", tmp_path / f"{name}.png")
    first, again, other = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert first.startswith(b"\x89PNG")
    assert first == again != other
