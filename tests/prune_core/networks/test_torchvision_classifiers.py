"""Classifiers of torchvision by name, as published and with a stem for small images."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torchvision import models

from prune_core.cost.complexity import complexity
from prune_core.networks import architecture_of, build_network


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("resnet18", models.ResNet18_Weights.DEFAULT.meta["num_params"]),
        ("mobilenet_v2", models.MobileNet_V2_Weights.DEFAULT.meta["num_params"]),
        ("densenet121", models.DenseNet121_Weights.DEFAULT.meta["num_params"]),
        ("googlenet", models.GoogLeNet_Weights.DEFAULT.meta["num_params"]),
    ],
)
def test_sizes_as_torchvision_publishes_them(name: str, published: int) -> None:
    with torch.device("meta"):
        network = build_network(f"torchvision:{name}", num_classes=1000)
    assert complexity(network, (3, 224, 224)).parameters == published
    assert architecture_of(network).name == f"torchvision:{name}"
    assert architecture_of(network).options == {"num_classes": 1000, "in_channels": 3, "stem": "imagenet"}


def test_resnet18_with_a_small_stem_is_the_known_cifar_one() -> None:
    """The ResNet-18 that public CIFAR-10 code uses: 11,173,962 parameters, 0.56 G multiply-accumulates at 32x32."""
    with torch.device("meta"):
        network = build_network("torchvision:resnet18", stem="small")
    measured = complexity(network)
    assert measured.parameters == 11_173_962
    assert measured.macs == 555_422_720


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnet18", {"in_channels": 1}),
        ("mobilenet_v2", {}),
        ("densenet121", {}),
        ("squeezenet1_1", {}),
        ("shufflenet_v2_x0_5", {}),
        ("googlenet", {}),
    ],
)
def test_the_small_stem_keeps_the_image_size(name: str, options: dict[str, Any]) -> None:
    with torch.device("meta"):
        network = build_network(f"torchvision:{name}", num_classes=4, stem="small", **options).eval()
    sizes: list[tuple[int, ...]] = []
    convs = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    for conv in convs[:2]:
        conv.register_forward_hook(lambda _m, inputs, _o: sizes.append(tuple(inputs[0].shape[2:])))
    out = network(torch.empty(2, options.get("in_channels", 3), 32, 32, device="meta"))
    assert out.shape == (2, 4)
    assert sizes == [(32, 32), (32, 32)]


def test_only_the_first_layers_differ() -> None:
    with torch.device("meta"):
        usual = {name: p.shape for name, p in build_network("torchvision:resnet18").named_parameters()}
        small = {name: p.shape for name, p in build_network("torchvision:resnet18", stem="small").named_parameters()}
    assert {name for name in usual if usual[name] != small[name]} == {"conv1.weight"}
    assert small["conv1.weight"] == (64, 3, 3, 3)


def test_a_network_without_a_strided_stem_stays_as_it_is() -> None:
    with torch.device("meta"):
        usual, small = (build_network("torchvision:vgg11_bn", stem=stem) for stem in ("imagenet", "small"))
    assert [p.shape for p in usual.parameters()] == [p.shape for p in small.parameters()]
