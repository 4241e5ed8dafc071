"""Pre-activation bottleneck ResNets (He et al. 2016b) with channel selection (Liu et al. 2017): depth 9n + 2.

The small one has one block per stage.

The residual stream keeps its width; what a block reads of it is picked by a `ChannelSelection` after the block's first batch
norm. Shapes and sizes are those of the code of Liu et al. 2019 (arXiv:1810.05270).
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prune_core.networks import initialisation as init
from prune_core.networks.architecture import ChannelGroup, Consumer
from prune_core.networks.registry import NETWORKS

DEPTHS = (110, 164)

EXPANSION = 4
"""Channels that a bottleneck adds to the stream, in multiples of its inner width."""


class ChannelSelection(nn.Module):
    """Pick channels by index; a buffer holds the indices, so that they are neither trained nor counted."""

    index: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.register_buffer("index", torch.arange(channels))

    def forward(self, maps: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to ``(N, len(index), H, W)``."""
        # Indices are sorted and distinct, so as many as there are channels means all of them: no copy.
        return maps if self.index.numel() == self.channels else maps.index_select(1, self.index)


class PreActivationBottleneck(nn.Module):
    """BN, selection, ReLU, 1x1; BN, ReLU, 3x3 with the stride; BN, ReLU, 1x1 to 4 times the width; plus the raw input."""

    def __init__(self, channels: int, width: int, stride: int, *, conv_bias: bool) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.select = ChannelSelection(channels)
        self.conv1 = nn.Conv2d(channels, width, 1, bias=conv_bias)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=conv_bias)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, EXPANSION * width, 1, bias=conv_bias)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != EXPANSION * width:
            self.shortcut = nn.Conv2d(channels, EXPANSION * width, 1, stride=stride, bias=conv_bias)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps with 4 times the block's width."""
        inner = self.conv1(F.relu(self.select(self.bn1(maps))))
        inner = self.conv2(F.relu(self.bn2(inner)))
        inner = self.conv3(F.relu(self.bn3(inner)))
        out: Tensor = inner + self.shortcut(maps)
        return out


class PreResNet(nn.Module):
    """A 3x3 stem without batch norm, three stages of bottlenecks, BN, selection, ReLU, average, one linear layer."""

    def __init__(self, blocks: int, *, width: int, in_channels: int, num_classes: int, conv_bias: bool) -> None:
        super().__init__()

        def stage(channels: int, width: int, stride: int) -> nn.Sequential:
            first = PreActivationBottleneck(channels, width, stride, conv_bias=conv_bias)
            stream = EXPANSION * width
            rest = [PreActivationBottleneck(stream, width, 1, conv_bias=conv_bias) for _ in range(blocks - 1)]
            return nn.Sequential(first, *rest)

        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=conv_bias)
        self.layer1 = stage(width, width, 1)
        self.layer2 = stage(EXPANSION * width, 2 * width, 2)
        self.layer3 = stage(2 * EXPANSION * width, 4 * width, 2)
        stream = 4 * EXPANSION * width
        self.bn = nn.BatchNorm2d(stream)
        self.select = ChannelSelection(stream)
        self.fc = nn.Linear(stream, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(N, num_classes)``."""
        maps = self.layer3(self.layer2(self.layer1(self.conv1(images))))
        maps = F.relu(self.select(self.bn(maps)))
        logits: Tensor = self.fc(maps.mean((2, 3)))
        return logits

    def channel_groups(self) -> list[ChannelGroup]:
        """Return for each block what it reads of the stream, then its two inner widths; last what the linear layer reads."""
        groups = []
        for name, module in self.named_modules():
            if isinstance(module, PreActivationBottleneck):
                groups += [
                    _selection(f"{name}.bn1", f"{name}.select", f"{name}.conv1"),
                    ChannelGroup(f"{name}.conv1", f"{name}.conv1", f"{name}.bn2", (Consumer(f"{name}.conv2"),)),
                    ChannelGroup(f"{name}.conv2", f"{name}.conv2", f"{name}.bn3", (Consumer(f"{name}.conv3"),)),
                ]
        return [*groups, _selection("bn", "select", "fc")]


def _selection(norm: str, selection: str, consumer: str) -> ChannelGroup:
    return ChannelGroup(norm, None, norm, (Consumer(consumer),), selection, "selection")


def _preresnet(
    depth: int,
    /,
    *,
    num_classes: int,
    in_channels: int,
    width: int = 16,
    conv_bias: bool = False,
    initialisation: init.Named = "he",
) -> PreResNet:
    network = PreResNet((depth - 2) // 9, width=width, in_channels=in_channels, num_classes=num_classes, conv_bias=conv_bias)
    init.initialise(network, init.RESNET[initialisation])
    return network


for _depth in DEPTHS:
    NETWORKS.register(f"preresnet{_depth}")(partial(_preresnet, _depth))

NETWORKS.register("small_preresnet")(partial(_preresnet, 11))
