"""Basic-block ResNets for small images (He et al. 2016, section 4.2): 3 stages of n blocks, depth 6n + 2.

Parameters with shortcut "a" and 10 classes: ResNet-20 269,722 (published as 0.27M), 32 464,154 (0.46M), 44 658,586 (0.66M),
56 853,018 (0.85M), 110 1,727,962 (1.7M). Shortcut "b" adds 2,752.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from prune_core.base.errors import BadInput
from prune_core.networks import initialisation as init
from prune_core.networks.architecture import ChannelGroup, Consumer
from prune_core.networks.registry import NETWORKS

Shortcut = Literal["a", "a_pool", "b"]

DEPTHS = (8, 20, 32, 44, 56, 110)


class ParameterFreeShortcut(nn.Module):
    """Halve the maps and append zero channels.

    Option "a" (He et al.) takes every second pixel and puts zeros on both sides; "a_pool" (the study) averages 2x2 pixels
    and puts all zeros at the end. With ``detach`` no gradient flows through it, as in the code that the study builds on.
    """

    def __init__(self, kind: Shortcut, added: int, detach: bool) -> None:
        super().__init__()
        self.pooled = kind == "a_pool"
        self.before = 0 if self.pooled else added // 2
        self.after = added - self.before
        self.detach = detach

    def forward(self, maps: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to ``(N, C + added, ceil(H / 2), ceil(W / 2))``."""
        maps = maps.detach() if self.detach else maps
        halved = F.avg_pool2d(maps, 2, ceil_mode=True) if self.pooled else maps[:, :, ::2, ::2]
        return F.pad(halved, (0, 0, 0, 0, self.before, self.after))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them; ReLU after the sum."""

    def __init__(self, channels: int, width: int, stride: int, shortcut: Shortcut, *, detach: bool, conv_bias: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=conv_bias)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=conv_bias)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            self.shortcut = ParameterFreeShortcut(shortcut, width - channels, detach)
            if shortcut == "b":
                self.shortcut = nn.Sequential(
                    nn.Conv2d(channels, width, 1, stride=stride, bias=conv_bias), nn.BatchNorm2d(width)
                )

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the block's width."""
        inner: Tensor = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(maps)))))
        return F.relu(inner + self.shortcut(maps))


class ResNet(nn.Module):
    """A 3x3 stem, three stages of basic blocks with widths w, 2w, 4w, global average pooling, one linear layer."""

    def __init__(
        self,
        blocks: int,
        *,
        width: int,
        in_channels: int,
        num_classes: int,
        shortcut: Shortcut,
        detach: bool,
        conv_bias: bool,
        stem_stride: int = 1,
    ) -> None:
        super().__init__()

        def stage(channels: int, width: int, stride: int) -> nn.Sequential:
            return nn.Sequential(
                *[
                    BasicBlock(
                        width if i else channels, width, 1 if i else stride, shortcut, detach=detach, conv_bias=conv_bias
                    )
                    for i in range(blocks)
                ]
            )

        self.conv1 = nn.Conv2d(in_channels, width, 3, stride=stem_stride, padding=1, bias=conv_bias)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = stage(width, width, 1)
        self.layer2 = stage(width, 2 * width, 2)
        self.layer3 = stage(2 * width, 4 * width, 2)
        self.fc = nn.Linear(4 * width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(N, num_classes)``."""
        maps = F.relu(self.bn1(self.conv1(images)))
        maps = self.layer3(self.layer2(self.layer1(maps)))
        logits: Tensor = self.fc(maps.mean((2, 3)))
        return logits

    def channel_groups(self) -> list[ChannelGroup]:
        """Return the filters of each block's first convolution: all else is added to the residual stream."""
        blocks = [name for name, module in self.named_modules() if isinstance(module, BasicBlock)]
        return [
            ChannelGroup(f"{block}.conv1", f"{block}.conv1", f"{block}.bn1", (Consumer(f"{block}.conv2"),))
            for block in blocks
        ]


def _resnet(
    depth: int,
    /,
    *,
    num_classes: int,
    in_channels: int,
    width: int = 16,
    shortcut: Shortcut = "a",
    detach_shortcut: bool = False,
    conv_bias: bool = False,
    initialisation: init.Named = "he",
) -> ResNet:
    if detach_shortcut and shortcut == "b":
        raise BadInput("option 'detach_shortcut' is true (allowed with shortcut a or a_pool; b has weights to train)")
    network = ResNet(
        (depth - 2) // 6,
        width=width,
        in_channels=in_channels,
        num_classes=num_classes,
        shortcut=shortcut,
        detach=detach_shortcut,
        conv_bias=conv_bias,
    )
    init.initialise(network, init.RESNET[initialisation])
    return network


for _depth in DEPTHS:
    NETWORKS.register(f"resnet{_depth}")(partial(_resnet, _depth))


@NETWORKS.register("small_resnet")
def _small_resnet(
    *,
    num_classes: int,
    in_channels: int,
    width: int = 16,
    shortcut: Shortcut = "a",
    conv_bias: bool = False,
    initialisation: init.Named = "he",
) -> ResNet:
    """ResNet-8 with a stem of stride 2: a quarter of the work, for laptops."""
    network = ResNet(
        1,
        width=width,
        in_channels=in_channels,
        num_classes=num_classes,
        shortcut=shortcut,
        detach=False,
        conv_bias=conv_bias,
        stem_stride=2,
    )
    init.initialise(network, init.RESNET[initialisation])
    return network
