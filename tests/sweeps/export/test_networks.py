"""Pruned networks of each family as files: what an exporter may stumble over is in their forward passes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from prune_core.networks import build_network
from prune_core.pruning import prune
from sweeps.export.check import TOLERANCE, check_files
from sweeps.export.files import exported, write_onnx, write_program
from sweeps.export.int8 import write_int8

pytest.importorskip("onnxruntime")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "method"),
    [
        ("resnet8", {"shortcut": "a"}, "l1_filter"),
        ("resnet8", {"shortcut": "a_pool"}, "unstructured"),
        ("small_preresnet", {}, "random_channels"),  # channel selections by index
        ("vgg11", {"head": "mlp"}, "l1_filter"),
    ],
)
def test_every_file_answers_as_the_pruned_network(name, options, method, tmp_path):
    torch.manual_seed(0)
    network = prune(build_network(name, in_channels=3, num_classes=7, width=8, **options), method, "0.5").eval()
    for module in network.modules():  # as after training: an exporter that drops the statistics would be seen
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    program = exported(network, (3, 32, 32))
    write_program(program, tmp_path / "model.pt2")
    write_onnx(program, tmp_path / "model.onnx", {})
    images = np.random.default_rng(0).normal(size=(48, 3, 32, 32)).astype(np.float32)
    write_int8(tmp_path / "model.onnx", tmp_path / "model.int8.onnx", images)
    with torch.inference_mode():
        logits = network(torch.from_numpy(images)).numpy()
    found = check_files(tmp_path, ["model.pt2", "model.onnx", "model.int8.onnx"], images, logits)
    for file in ("model.pt2", "model.onnx"):
        assert max(found[file]["relative_difference"], found[file]["batch_difference"]) <= TOLERANCE
        assert found[file]["same_class"] == 1.0
    assert TOLERANCE < found["model.int8.onnx"]["relative_difference"] < 0.1
    assert (tmp_path / "model.int8.onnx").stat().st_size < 0.7 * (tmp_path / "model.onnx").stat().st_size
