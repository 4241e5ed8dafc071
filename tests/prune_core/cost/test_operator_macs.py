"""The second counter against torch's own, by hand, and what it must not import."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from prune_core.cost.operator_macs import OperatorMacs
from prune_core.networks import build_network
from prune_core.pruning import prune


def both(network: nn.Module, shape: tuple[int, ...]) -> tuple[int, int]:
    images = torch.zeros(shape)
    network.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as theirs:
        network(images)
    with torch.no_grad(), OperatorMacs() as ours:
        network(images)
    return ours.total, theirs.get_total_flops() // 2


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnet8", {"shortcut": "b"}),
        ("small_preresnet", {}),
        ("vgg16", {"width": 8, "head": "mlp", "conv_bias": True}),
        ("torchvision:mobilenet_v2", {}),
    ],
)
def test_as_torchs_flop_counter(name: str, options: dict[str, Any]) -> None:
    network = build_network(name, **options)
    ours, theirs = both(network, (2, 3, 32, 32))
    assert ours == theirs > 0


def test_a_pruned_network_as_torchs_flop_counter() -> None:
    ours, theirs = both(prune(build_network("small_vgg"), "l1_filter", "0.5"), (1, 3, 32, 32))
    assert ours == theirs > 0


def test_transposed_convolutions_and_products_as_torchs_flop_counter() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            rows = F.conv1d(self.up(images).flatten(2), torch.ones(5, 6, 3)).transpose(1, 2)
            return torch.bmm(rows, rows.transpose(1, 2)) @ torch.ones(rows.shape[1], 2)

    ours, theirs = both(Odd(), (2, 4, 5, 5))
    assert ours == theirs > 0


def test_by_hand() -> None:
    with OperatorMacs() as counter:
        nn.Conv2d(2, 4, 3, padding=1)(torch.zeros(3, 2, 8, 8))
        F.linear(torch.zeros(3, 5), weight=torch.zeros(7, 5))
    assert counter.total == 3 * (4 * 64) * (2 * 9) + 3 * 7 * 5


def test_a_worker_that_verifies_does_not_import_torchs_compiler() -> None:
    code = (
        "import sys, torch; from prune_core.networks import build_network; from prune_core.pruning import prune;"
        "from prune_core.verification import verify\n"
        "for name in ('resnet8', 'small_vgg', 'small_preresnet'):\n"
        "    dense = build_network(name, width=8)\n"
        "    for method in ('l1_filter', 'network_slimming', 'unstructured'):\n"
        "        found = verify(dense, prune(dense, method, '0.5'), torch.zeros(2, 3, 32, 32))\n"
        "        assert found.passed, found.reason\n"
        "print(sorted({'torch._dynamo', 'torch._inductor', 'sympy', 'triton'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
