"""The scripts of one's own that we are compared with prune, judge and count as we do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.whole_afternoon import judge
from benchmarks.whole_careful import Judge, keep_corrupted
from benchmarks.whole_parts import fresh, pruned
from benchmarks.whole_scripts import Took, ratios
from benchmarks.whole_study import METHODS, RATIOS, Data, shrunk
from prune_core.corruptions import STANDARD
from prune_core.evaluation.evaluation import LogitSet, evaluate_network, record_columns
from prune_core.pruning import prune


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("ratio", RATIOS)
def test_their_pruning_keeps_the_weights_that_ours_keeps(method: str, ratio: float) -> None:
    ours, theirs = prune(fresh(0), method, ratio), pruned(fresh(0), method, ratio)
    images = torch.randn(8, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(theirs.eval()(images), ours.eval()(images))


def test_both_scripts_judge_a_network_as_we_do(tmp_path: Path) -> None:
    data = Data(shrunk())
    network = fresh(0)
    keep_corrupted(data, tmp_path)
    careful, afternoon = Judge(data, tmp_path)(network), judge(network, data)
    assert careful == pytest.approx(afternoon, abs=1e-5)

    test = data.sets[""]
    logits = evaluate_network(
        network,
        test.images,
        test.labels.numpy(),
        mean=data.mean,
        std=data.std,
        corrupted=test,
        cell_index=test.positions,
    )
    assert isinstance(logits, LogitSet)
    ours = record_columns(selection=None, report=logits, train=None, bins=15)
    assert tuple(test.corruptions) == tuple(STANDARD)
    for name in ("accuracy", "ece", "nll", "brier", "mpc", "worst_corruption_accuracy", "corruption_ece"):
        assert careful[name] == pytest.approx(ours[name], abs=1e-3 if name == "corruption_ece" else 1e-5), name
    assert careful["mpc"] == pytest.approx(ours["mpc"], abs=1e-9)


def test_a_script_is_compared_with_our_runs_beside_it() -> None:
    one = Took(wall=10, processor=20, work=None, means={})
    took = [("ours", one), ("careful", replace(one, wall=45, work=9)), ("ours", replace(one, wall=20))]
    assert ratios(took, "careful", "wall") == [pytest.approx(3.0)]
    assert ratios(took, "careful", "processor") == [pytest.approx(1.0)]
    assert ratios(took, "careful", "work") == []  # ours did not say what it took
