"""Counts after filter pruning, whatever the weights; VGG-16 at 50 % and the presets are in Li et al. 2017, table 1."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch
from torch import nn

from prune_core.cost.complexity import complexity
from prune_core.networks import build_network
from prune_core.pruning import outcome_of, prune

VGG16 = {
    "0": (64, 512, 14_987_722, 313_463_808),
    "0.1": (57, 460, 12_561_951, 287_182_528),
    "0.2": (51, 409, 10_419_738, 264_021_196),
    "0.3": (44, 358, 8_511_010, 242_302_384),
    "0.4": (38, 307, 6_836_977, 223_261_036),
    "0.5": (32, 256, 5_397_034, 206_279_680),
    "0.6": (25, 204, 4_169_343, 190_541_504),
    "0.7": (19, 153, 3_202_170, 177_720_524),
}
RESNET110 = {
    "stage1": {
        "0.1": (1_718_102, 242_860_672),
        "0.2": (1_708_242, 232_833_664),
        "0.3": (1_703_312, 227_820_160),
        "0.4": (1_693_452, 217_793_152),
        "0.5": (1_688_522, 212_779_648),
        "0.6": (1_678_662, 202_752_640),
        "0.7": (1_668_802, 192_725_632),
    },
    "stage1_no_skip": {
        "0.1": (1_717_522, 242_270_848),
        "0.2": (1_707_082, 231_654_016),
        "0.3": (1_701_862, 226_345_600),
        "0.4": (1_691_422, 215_728_768),
        "0.5": (1_686_202, 210_420_352),
        "0.6": (1_675_762, 199_803_520),
        "0.7": (1_665_322, 189_186_688),
    },
    "all_stages": {
        "0.1": (1_541_472, 224_060_032),
        "0.2": (1_384_426, 198_992_512),
        "0.3": (1_212_692, 177_685_120),
        "0.4": (1_055_646, 152_617_600),
        "0.5": (903_530, 132_563_584),
        "0.6": (717_040, 103_735_936),
        "0.7": (559_994, 78_668_416),
    },
}
PRESETS = {
    "resnet56_a": (773_336, 112_435_840, {1: 14, 2: 28, 3: 57}),
    "resnet56_b": (735_712, 90_907_264, {1: 6, 2: 22, 3: 57}),
    "resnet110_a": (1_688_522, 212_779_648, {1: 8, 2: 32, 3: 64}),
    "resnet110_b": (1_168_424, 155_124_352, {1: 8, 2: 19, 3: 44}),
}


@functools.cache
def dense(name: str, **options: Any) -> nn.Module:
    torch.manual_seed(0)
    return build_network(name, **options)


def counts(network: nn.Module) -> tuple[int, int]:
    found = complexity(network)
    return found.parameters, found.macs


@pytest.mark.parametrize("ratio", VGG16)
def test_vgg16_layers_1_and_8_to_13(ratio: str) -> None:
    pruned = prune(dense("vgg16", head="mlp"), "l1_filter", ratio, layers=[1, 8, 9, 10, 11, 12, 13])
    first, late, parameters, macs = VGG16[ratio]
    assert [layer.kept for layer in outcome_of(pruned).layers] == [first] + [late] * 6
    assert counts(pruned) == (parameters, macs)


def test_vgg16_preset_brings_half() -> None:
    assert counts(prune(dense("vgg16", head="mlp"), "l1_filter", None, layers="vgg16_a")) == VGG16["0.5"][2:]


@pytest.mark.parametrize(("layers", "ratio"), [(layers, ratio) for layers, rows in RESNET110.items() for ratio in rows])
def test_resnet110_in_three_readings(layers: str, ratio: str) -> None:
    pruned = prune(dense("resnet110", shortcut="a_pool"), "l1_filter", ratio, layers=layers)
    assert counts(pruned) == RESNET110[layers][ratio]


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_with_ratios_of_their_own(preset: str) -> None:
    pruned = prune(dense(preset.split("_")[0], shortcut="a_pool"), "l1_filter", None, layers=preset)
    parameters, macs, per_stage = PRESETS[preset]
    assert counts(pruned) == (parameters, macs)
    for stage, kept in per_stage.items():
        widths = {len(k) for name, k in outcome_of(pruned).kept.items() if name.startswith(f"layer{stage}.")}
        assert widths <= {kept}


def test_the_studys_zeros_are_one_more() -> None:
    network = dense("preresnet110")
    zeros = {}
    for rule in ("exact", "paper"):
        pruned = prune(network, "unstructured", "0.5", rule=rule)
        zeros[rule] = sum(int((m.weight == 0).sum()) for m in pruned.modules() if isinstance(m, nn.Conv2d))
    assert zeros == {"exact": 564_056, "paper": 564_057}
