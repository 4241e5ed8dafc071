from __future__ import annotations

import numpy as np
import pytest

from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.resampled import RESAMPLES, image_noise, read_image_noise, write_image_noise
from prune_core.metrics.bootstrap import resampling_counts
from prune_core.metrics.calibration import calibration_error
from prune_core.metrics.predictions import softmax


def logits(seed, images=80):
    stream = np.random.default_rng(seed)
    labels = np.arange(images) % 4
    clean = stream.normal(0, 1.5, (images, 4)).astype(np.float32)
    cells = {name: stream.normal(0, 1, (5, 30, 4)).astype(np.float16) for name in ("fog", "snow")}
    return LogitSet(labels, clean, cells, np.arange(0, 60, 2))


def test_each_resample_is_the_metric_of_images_drawn_with_replacement():
    found, given = image_noise(selection=None, report=logits(0), bins=15), logits(0)
    counts = resampling_counts(80, RESAMPLES)
    right = given.clean.argmax(axis=1) == given.labels
    cells = np.mean([(cell.argmax(-1) == given.cell_labels).mean(axis=0) for cell in given.cells.values()], axis=0)
    for draw in (0, 5, RESAMPLES - 1):
        drawn = np.repeat(np.arange(80), counts[draw].astype(int))
        assert found["accuracy"][draw] == pytest.approx(right[drawn].mean() - right.mean(), abs=1e-6)
        which = np.repeat(np.arange(30), counts[draw][given.cell_index].astype(int))
        assert found["mpc"][draw] == pytest.approx(cells[which].mean() - cells.mean(), abs=1e-6)
    assert "val_accuracy" not in (found.dtype.names or ())


def test_the_noise_of_an_ece_is_that_of_resampling_where_no_gap_is_near_zero():
    # Every image 20 points overconfident: resampling moves the ECE by the linear part alone.
    stream = np.random.default_rng(3)
    clean = np.zeros((4000, 2), np.float32)
    clean[:, 0] = np.log(0.9 / 0.1)
    given = LogitSet((stream.random(4000) > 0.7).astype(np.int64), clean)
    noise = image_noise(selection=given, report=None, bins=10)["val_ece"]
    counts = resampling_counts(4000, RESAMPLES)
    plain = calibration_error(softmax(clean), given.labels, bins=10)
    drawn = np.repeat(np.arange(4000), counts[7].astype(int))
    again = calibration_error(softmax(clean[drawn]), given.labels[drawn], bins=10)
    assert noise[7] == pytest.approx(again - plain, abs=1e-6)


def test_networks_on_the_same_images_are_resampled_alike_and_the_file_gives_back_what_was_written(tmp_path):
    one = image_noise(selection=logits(1), report=logits(0), bins=15)
    write_image_noise(tmp_path / "r.npy", one)
    again = read_image_noise(tmp_path / "r.npy")
    assert np.asarray(again == one).all()
    better = logits(0)
    better.clean[np.arange(80), better.labels] += 0.5
    other = image_noise(selection=None, report=better, bins=15)
    apart = np.std(one["accuracy"] - other["accuracy"])
    assert apart < 0.9 * np.hypot(np.std(one["accuracy"]), np.std(other["accuracy"]))
    assert read_image_noise(tmp_path / "none.npy") is None
    (tmp_path / "cut.npy").write_bytes((tmp_path / "r.npy").read_bytes()[:200])
    assert read_image_noise(tmp_path / "cut.npy") is None
