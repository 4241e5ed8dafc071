"""Write docs/verification.md: every pruning method on every network, with the counts and what the verification found.

    python -m benchmarks.verify_table [--out docs/verification.md] [--networks small_vgg,resnet20]

The networks have random weights: the counts of filters do not depend on them, and a proof that removed equals masked holds
or fails with any. Batch norms get random scales, shifts and statistics, so that nothing is equal by accident.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from prune_core.base.errors import BadInput
from prune_core.cost.complexity import Complexity, complexity
from prune_core.networks import build_network
from prune_core.pruning import METHODS, outcome_of, prune
from prune_core.verification import TOLERANCE, verify

RATIO = "0.5"
SHAPE = (3, 32, 32)
NETWORKS: dict[str, tuple[str, dict[str, object]]] = {
    "vgg16, mlp head": ("vgg16", {"head": "mlp"}),
    "vgg19": ("vgg19", {}),
    "vgg19, convolution biases": ("vgg19", {"conv_bias": True}),
    "resnet20": ("resnet20", {}),
    "resnet56, shortcut b": ("resnet56", {"shortcut": "b"}),
    "resnet110, pooled shortcut": ("resnet110", {"shortcut": "a_pool"}),
    "preresnet110": ("preresnet110", {}),
    "preresnet164": ("preresnet164", {}),
    "small_vgg": ("small_vgg", {}),
    "resnet8": ("resnet8", {}),
    "small_preresnet": ("small_preresnet", {}),
    "torchvision:resnet18, small stem": ("torchvision:resnet18", {"stem": "small"}),
    "torchvision:mobilenet_v2, small stem": ("torchvision:mobilenet_v2", {"stem": "small"}),
}
HEAD = f"""# Every method on every network

Made by `python -m benchmarks.verify_table` (random weights, ratio {RATIO}, images 32x32x3, 10 classes); do not edit.

- *Pool* is what the ratio refers to: weights, filters of the prunable layers, or batch-norm channels.
- *Gone* is the exact number removed: floor(pool x ratio) weights or pooled channels; of filters, each layer keeps
  floor(C x (1 - ratio)).
- *Rescued* channels are kept only by the rule "at least one per layer".
- *Difference* is the largest difference between the outputs of the removed and the masked network in float64, relative to
  the largest output (tolerance {TOLERANCE:g}).
- *Passed* means all checks of `prune_core.verification`: the removed network equals the masked one, the ratio is the one
  asked for, two counters agree on parameters and on MACs, forward and backward pass run, and the bits are the same after
  saving and loading.
"""
COLUMNS = ["method", "pool", "gone", "rescued", "parameters", "nonzero", "MACs", "nonzero MACs", "difference", "passed"]


def lived_in(name: str, options: dict[str, Any]) -> nn.Module:
    """Build a network whose batch norms are not at their defaults."""
    torch.manual_seed(0)
    network = build_network(name, **options)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None and module.running_var is not None:
            nn.init.uniform_(module.weight, 0.1, 1.0)
            nn.init.normal_(module.bias, 0, 0.1)
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network


def counts(found: Complexity) -> list[str]:
    """Return the four cost columns."""
    return [f"{number:,}" for number in (found.parameters, found.nonzero_parameters, found.macs, found.nonzero_macs)]


def row(dense: nn.Module, method: str, images: torch.Tensor) -> list[str]:
    """Prune, verify, and return one row of the table."""
    options = {"batches": [(images, torch.arange(len(images)))]} if METHODS.get(method).needs_batches else {}
    try:
        pruned = prune(dense, method, RATIO, **options)
    except BadInput as error:
        return [method, "", "", "", "", "", "", "", "", f"refused: {error}"]
    outcome, found = outcome_of(pruned), verify(dense, pruned, images)
    difference = found.checks[0].numbers.get("relative_difference", float("nan"))
    pool = [f"{outcome.total:,}", f"{outcome.removed:,}", str(outcome.rescued)]
    return [method, *pool, *counts(complexity(pruned, SHAPE)), f"{difference:.1g}", found.reason or "yes"]


def section(title: str, name: str, options: dict[str, Any]) -> str:
    """Return the table of one network."""
    dense = lived_in(name, options)
    images = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(1))
    rows = [COLUMNS, ["---"] * len(COLUMNS), ["(none)", "", "", "", *counts(complexity(dense, SHAPE)), "", ""]]
    for method in METHODS:
        started = time.perf_counter()
        rows.append(row(dense, method, images))
        print(f"{title}: {method}: {rows[-1][-1]} ({time.perf_counter() - started:.1f} s)", flush=True)
    return f"\n## {title}\n\n" + "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/verification.md"))
    parser.add_argument("--networks", help="comma-separated names; all by default")
    arguments = parser.parse_args()
    wanted = None if arguments.networks is None else arguments.networks.split(",")
    chosen = {title: entry for title, entry in NETWORKS.items() if wanted is None or entry[0] in wanted}
    arguments.out.write_text(HEAD + "".join(section(title, *entry) for title, entry in chosen.items()), encoding="utf-8")


if __name__ == "__main__":
    main()
