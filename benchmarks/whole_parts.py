"""What both scripts of one's own do alike, in plain PyTorch: train, prune, score. Nothing here is ours.

Training reads a DataLoader and steps torch's SGD; pruning is ``torch.nn.utils.prune`` for weights, and an index into the
tensors for filters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import prune
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.whole_study import NETWORK, Data
from prune_core.networks import build_network

BINS = 15
Cells = Mapping[tuple[str, int], tuple[Tensor, Tensor]]
"""Corruption and severity -> logits and labels."""


def fresh(seed: int) -> nn.Module:
    """Return a network with new weights."""
    torch.manual_seed(seed)
    return build_network("small_vgg", num_classes=10, in_channels=1, **NETWORK)


def trained(network: nn.Module, data: Data, name: str, epochs: int) -> nn.Module:
    """Train in place by a recipe of the study, and return the network."""
    recipe = data.recipe(name)
    loader = DataLoader(TensorDataset(*data.train), batch_size=recipe.batch_size, shuffle=True)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.nesterov,
    )
    steps = epochs * len(loader)
    cosine = recipe.schedule == "cosine"
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps) if cosine else None
    network.train()
    for _ in range(epochs):
        for images, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(images), labels).backward()
            optimizer.step()
            if schedule is not None:
                schedule.step()
    return network


def pruned(network: nn.Module, method: str, ratio: float) -> nn.Module:
    """Prune in place, and return the network."""
    if method == "unstructured":
        weights = [(module, "weight") for module in network.modules() if isinstance(module, nn.Conv2d)]
        gone = int(sum(module.weight.numel() for module, _ in weights) * ratio)
        prune.global_unstructured(weights, pruning_method=prune.L1Unstructured, amount=gone)
    elif method == "l1_filter":
        _without_filters(network, ratio)
    return network


@torch.no_grad()
def _without_filters(network: Any, ratio: float) -> None:
    """In each convolution the filters with the smallest L1 norm go, with what reads them."""
    inputs: Any = slice(None)
    layer: Any
    for layer in network.features:
        if isinstance(layer, nn.Conv2d):
            norms = layer.weight.abs().sum((1, 2, 3))
            keep = norms.topk(int(len(norms) * (1 - ratio))).indices.sort().values
            layer.weight = nn.Parameter(layer.weight[:, inputs][keep].clone())
            layer.out_channels, layer.in_channels = layer.weight.shape[:2]
            inputs = keep
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight, layer.bias = nn.Parameter(layer.weight[inputs]), nn.Parameter(layer.bias[inputs])
            for name in ("running_mean", "running_var"):
                setattr(layer, name, getattr(layer, name)[inputs])
            layer.num_features = len(layer.weight)
    network.classifier.weight = nn.Parameter(network.classifier.weight[:, inputs])
    network.classifier.in_features = network.classifier.weight.shape[1]


def scores(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Return accuracy, ECE, NLL and Brier score."""
    probabilities = logits.softmax(1)
    confidence, predicted = probabilities.max(1)
    right = (predicted == labels).float()
    bins = (confidence * BINS).ceil().clamp(1, BINS).long() - 1
    gaps = torch.zeros(BINS).index_add_(0, bins, confidence - right)
    wanted = nn.functional.one_hot(labels, logits.shape[1])
    return {
        "accuracy": float(right.double().mean()),
        "ece": float(gaps.abs().sum() / len(labels)),
        "nll": float(nn.functional.cross_entropy(logits, labels)),
        "brier": float((probabilities - wanted).square().sum(1).mean()),
    }


def corruption_scores(cells: Cells) -> dict[str, float]:
    """Return mPC, the accuracy under the worst corruption, and the mean ECE over the severities."""
    right = {cell: float((logits.argmax(1) == labels).double().mean()) for cell, (logits, labels) in cells.items()}
    names, levels = ({cell[at] for cell in cells} for at in (0, 1))
    means = {name: sum(value for cell, value in right.items() if cell[0] == name) / len(levels) for name in names}
    pooled = [[pair for cell, pair in cells.items() if cell[1] == level] for level in levels]
    eces = [scores(*(torch.cat(parts) for parts in zip(*pairs, strict=True)))["ece"] for pairs in pooled]
    return {
        "mpc": sum(right.values()) / len(right),
        "worst_corruption_accuracy": min(means.values()),
        "corruption_ece": sum(eces) / len(eces),
    }
