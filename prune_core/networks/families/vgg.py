"""VGG with batch norm for small images (Simonyan and Zisserman 2015, with Liu et al. 2019's two heads), and a small one.

The maps are averaged over what is left of the image, so that any image that survives the poolings fits: at 32x32 this is
the 2x2 average pooling in the code of Liu et al. 2019 (arXiv:1810.05270), whose sizes these are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from torch import Tensor, nn

from prune_core.networks import initialisation as init
from prune_core.networks.architecture import ChannelGroup, Consumer
from prune_core.networks.registry import NETWORKS

Head = Literal["linear", "mlp"]

POOL = 0
"""A max-pooling in a plan; other numbers are channels in multiples of the width."""

PLANS: dict[int, tuple[int, ...]] = {
    11: (1, POOL, 2, POOL, 4, 4, POOL, 8, 8, POOL, 8, 8),
    13: (1, 1, POOL, 2, 2, POOL, 4, 4, POOL, 8, 8, POOL, 8, 8),
    16: (1, 1, POOL, 2, 2, POOL, *[4] * 3, POOL, *[8] * 3, POOL, *[8] * 3),
    19: (1, 1, POOL, 2, 2, POOL, *[4] * 4, POOL, *[8] * 4, POOL, *[8] * 4),
}


class VGG(nn.Module):
    """Convolutions 3x3 with batch norm and ReLU in a row, max-poolings between, one or two linear layers."""

    def __init__(
        self, plan: Sequence[int], *, width: int, in_channels: int, num_classes: int, conv_bias: bool, head: Head
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for multiple in plan:
            if multiple == POOL:
                layers.append(nn.MaxPool2d(2))
                continue
            layers += [
                nn.Conv2d(channels, multiple * width, 3, padding=1, bias=conv_bias),
                nn.BatchNorm2d(multiple * width),
                nn.ReLU(),
            ]
            channels = multiple * width
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier: nn.Module = nn.Linear(channels, num_classes)
        if head == "mlp":
            self.classifier = nn.Sequential(
                nn.Linear(channels, channels), nn.BatchNorm1d(channels), nn.ReLU(), nn.Linear(channels, num_classes)
            )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(N, num_classes)``."""
        maps: Tensor = self.pool(self.features(images))
        logits: Tensor = self.classifier(maps.flatten(1))
        return logits

    def channel_groups(self) -> list[ChannelGroup]:
        """Return the filters of every convolution; the next one, or the first linear layer, reads them."""
        names = [f"features.{i}" for i, module in enumerate(self.features) if isinstance(module, nn.Conv2d)]
        norms = [f"features.{i}" for i, module in enumerate(self.features) if isinstance(module, nn.BatchNorm2d)]
        head = "classifier" if isinstance(self.classifier, nn.Linear) else "classifier.0"
        readers = [*names[1:], head]
        return [
            ChannelGroup(name, name, norm, (Consumer(reader),))
            for name, norm, reader in zip(names, norms, readers, strict=True)
        ]


def _vgg(
    depth: int,
    /,
    *,
    num_classes: int,
    in_channels: int,
    width: int = 64,
    conv_bias: bool = False,
    head: Head = "linear",
    initialisation: init.Named = "he",
) -> VGG:
    network = VGG(
        PLANS[depth], width=width, in_channels=in_channels, num_classes=num_classes, conv_bias=conv_bias, head=head
    )
    init.initialise(network, init.VGG[initialisation])
    return network


for _depth in PLANS:
    NETWORKS.register(f"vgg{_depth}")(partial(_vgg, _depth))


@NETWORKS.register("small_vgg")
def _small_vgg(
    *,
    num_classes: int,
    in_channels: int,
    width: int = 16,
    conv_bias: bool = False,
    head: Head = "linear",
    initialisation: init.Named = "he",
) -> VGG:
    """Three convolutions of width, 2 width and 4 width with max-poolings between: for laptops and tests."""
    network = VGG(
        (1, POOL, 2, POOL, 4), width=width, in_channels=in_channels, num_classes=num_classes, conv_bias=conv_bias, head=head
    )
    init.initialise(network, init.VGG[initialisation])
    return network
