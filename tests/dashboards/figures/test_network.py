from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dashboards.figures.heat_map import heat_map_figure
from dashboards.figures.network import POOLED, heat_maps, print_judgement, print_network
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import record_columns
from sweeps.folder.pages import JudgedNetwork


def network(images: int, cells: tuple[str, ...] = ("fog", "gaussian_noise"), bins: int = 15) -> JudgedNetwork:
    stream = np.random.default_rng(1)
    made = {name: stream.normal(size=(5, images, 3)).astype(np.float16) for name in cells}
    index = np.arange(images) if cells else np.zeros(0, np.int64)
    logits = LogitSet(stream.integers(0, 3, images), stream.normal(size=(images, 3)), made, index)
    record = record_columns(selection=None, report=logits, train=None, bins=bins)
    return JudgedNetwork("net $<b>$", "report images", logits, record, bins, "MNIST-C (seed 0)" if cells else None)


def test_one_network_is_one_picture_the_same_each_time(tmp_path: Path) -> None:
    for name, one in (("a", network(20)), ("b", network(20)), ("c", network(20, ()))):
        print_network(one, tmp_path / f"{name}.png")
    first, again, other = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert first.startswith(b"\x89PNG")
    assert first == again != other


def test_a_judged_network_is_a_file_for_each_figure(tmp_path: Path) -> None:
    assert print_judgement(network(20), tmp_path / "a") == [
        tmp_path / "a" / "reliability.png",
        tmp_path / "a" / "corruptions.png",
    ]
    assert print_judgement(network(20, ()), tmp_path / "b") == [tmp_path / "b" / "reliability.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.glob("*/*.png"))


def test_the_last_row_of_a_heat_map_is_the_columns_of_the_record() -> None:
    one = network(1000, bins=7)
    accuracy, ece = heat_maps(one)
    assert accuracy.rows == ece.rows == ("fog", "gaussian_noise", POOLED)
    for drawn, column in ((accuracy, "mpc"), (ece, "corruption_ece")):
        wanted = [100 * float(str(one.record[f"{column}_s{severity}"])) for severity in range(1, 6)]
        assert drawn.values[-1] == pytest.approx(wanted, abs=1e-9)
        assert drawn.values[-1].mean() == pytest.approx(100 * float(str(one.record[column])), abs=1e-9)
    # The ECE of pooled cells is not the mean of theirs: gaps of opposite sign cancel.
    assert ece.values[-1].mean() < ece.values[:-1].mean() - 0.01
    hits = one.logits.cells["fog"].argmax(-1) == one.logits.labels
    assert accuracy.values[0] == pytest.approx(100 * hits.mean(axis=1))
    assert "7 bins" in ece.title and "1,000 images per cell" in ece.title


def test_small_cells_have_no_ece_and_the_page_draws_the_same_numbers() -> None:
    (accuracy,) = heat_maps(network(40))
    figure = heat_map_figure([accuracy])
    assert figure["data"][0]["z"] == np.round(accuracy.values).tolist()
    assert figure["data"][0]["y"] == ["fog", "gaussian noise", "all corruptions"]
