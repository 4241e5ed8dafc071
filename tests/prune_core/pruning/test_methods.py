"""Scores and masks against outside truths: torch's own pruning, Torch-Pruning, gates by autograd, hand-made cases."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torch.nn.utils.prune as torch_prune
from torch import Tensor, nn

from prune_core.base.errors import BadInput, Diverged, UnknownName
from prune_core.networks import build_network, convolutions
from prune_core.pruning import METHODS, apply_masks_, outcome_of, prune
from prune_core.pruning.method import ScoreContext
from prune_core.pruning.methods.lamp import lamp_scores
from prune_core.pruning.surgery import groups_of

IMAGES = torch.randn(6, 3, 16, 16, generator=torch.Generator().manual_seed(5))
LABELS = torch.tensor([0, 1, 2, 3, 0, 1])


def network_of(name: str = "small_vgg", **options: Any) -> Any:
    torch.manual_seed(3)
    network = build_network(name, width=8, num_classes=4, **options)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.2, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
    return network


def weight_mask(module: nn.Module) -> Tensor:
    """The mask that ``torch.nn.utils.prune`` laid on the weight of a module."""
    mask = module.weight_mask
    assert isinstance(mask, Tensor)
    return mask


def zeros(network: nn.Module) -> dict[str, int]:
    return {name: int((module.weight == 0).sum()) for name, module in convolutions(network)}


@pytest.mark.parametrize("ratio", ["0.1", "0.37", "0.9"])
def test_global_magnitude_masks_are_those_of_torch(ratio: str) -> None:
    network, theirs = network_of("resnet8"), network_of("resnet8")
    layers = [(module, "weight") for _, module in convolutions(theirs)]
    total = sum(module.weight.numel() for module, _ in layers)
    amount = outcome_of(prune(network, "unstructured", ratio)).removed
    assert amount == int(total * float(ratio))
    torch_prune.global_unstructured(layers, torch_prune.L1Unstructured, amount=amount)
    masks = outcome_of(prune(network, "unstructured", ratio)).masks
    for name, module in convolutions(theirs):
        assert torch.equal(masks[f"{name}.weight"], weight_mask(module).bool())


def test_layerwise_magnitude_masks_are_those_of_torch() -> None:
    network, theirs = network_of(), network_of()
    outcome = outcome_of(prune(network, "unstructured", "0.4", scope="layerwise", linear=True))
    for name, module in theirs.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            torch_prune.l1_unstructured(module, "weight", amount=int(0.4 * module.weight.numel()))
            assert torch.equal(outcome.masks[f"{name}.weight"], weight_mask(module).bool())


def test_chosen_layers_only() -> None:
    counted = zeros(prune(network_of(), "unstructured", "0.5", layers=[2]))
    assert [count > 0 for count in counted.values()] == [False, True, False]


@pytest.mark.parametrize("name", ["small_vgg", "resnet8", "small_preresnet"])
def test_l1_filters_are_those_of_torch(name: str) -> None:
    network, theirs = network_of(name), network_of(name)
    outcome = outcome_of(prune(network, "l1_filter", "0.4"))
    for layer in outcome.layers:
        module = theirs.get_submodule(layer.name)
        torch_prune.ln_structured(module, "weight", amount=layer.total - layer.kept, n=1, dim=0)
        assert weight_mask(module).flatten(1).any(1).nonzero().flatten().tolist() == outcome.kept[layer.name]


@pytest.mark.parametrize("name", ["small_vgg", "resnet8"])
@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.7])
def test_l1_filters_are_those_of_torch_pruning(name: str, ratio: float) -> None:
    tp = pytest.importorskip("torch_pruning")
    network = network_of(name, **({"shortcut": "b"} if name == "resnet8" else {}))
    theirs = copy.deepcopy(network)
    outcome = outcome_of(prune(network, "l1_filter", ratio))
    oracle = tp.pruner.BasePruner(
        theirs,
        IMAGES[:1],
        importance=tp.importance.GroupMagnitudeImportance(p=1, group_reduction="first", normalizer=None),
        global_pruning=False,
        pruning_ratio=0.0,
        pruning_ratio_dict={theirs.get_submodule(layer): ratio for layer in outcome.kept},
        ignored_layers=[
            module
            for layer, module in theirs.named_modules()
            if isinstance(module, nn.Conv2d | nn.Linear) and layer not in outcome.kept
        ],
    )
    oracle.step()
    for layer, kept in outcome.kept.items():
        # Kept rows recognise themselves by their batch norm: scales are distinct numbers.
        norm = groups_of(network)[layer].norm
        assert torch.equal(theirs.get_submodule(norm).weight, network.get_submodule(norm).weight[kept])


def test_slimming_keeps_the_largest_scales_of_all() -> None:
    network = network_of("small_preresnet")
    groups = groups_of(network)
    pooled = torch.cat([network.get_submodule(g.norm).weight.detach().abs() for g in groups.values()])
    outcome = outcome_of(prune(network, "network_slimming", "0.3"))
    assert outcome.rescued == 0
    assert outcome.removed == int(0.3 * len(pooled))
    threshold = pooled.sort().values[outcome.removed]
    for name, group in groups.items():
        scales = network.get_submodule(group.norm).weight.detach().abs()
        assert (scales >= threshold).nonzero().flatten().tolist() == outcome.kept[name]


def test_slimming_rescues_the_largest_of_a_dead_layer() -> None:
    network = network_of()
    groups = list(groups_of(network).values())
    scales = network.get_submodule(groups[1].norm).weight
    with torch.no_grad():
        scales.copy_(torch.linspace(0.001, 0.002, len(scales)).roll(3))
    outcome = outcome_of(prune(network, "network_slimming", "0.5"))
    assert outcome.kept[groups[1].name] == [2]
    assert outcome.rescued == 1
    assert [layer.note for layer in outcome.layers] == ["", "one channel rescued", ""]
    assert outcome.removed == outcome.asked_removed - 1 == 56 // 2 - 1


def test_slimming_by_the_studys_rule_removes_one_more() -> None:
    network = network_of("small_preresnet")
    removed = [outcome_of(prune(network, "network_slimming", "0.3", rule=rule)).removed for rule in ("exact", "paper")]
    assert removed[1] == removed[0] + 1


def test_lamp_by_hand() -> None:
    # Squares 1, 4, 9: 1 / 14, 4 / 13, 9 / 9.
    found = lamp_scores(torch.tensor([[2.0, -3.0, 1.0]]))
    torch.testing.assert_close(found, torch.tensor([[4 / 13, 1.0, 1 / 14]], dtype=torch.float64))


def test_fpgm_by_hand() -> None:
    network = network_of()
    convolution = convolutions(network)[0][1]
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.weight[:, 0, 0, 0] = torch.tensor([0.0, 1, 2, 3, 4, 5, 6, 100])
    # On a line the sum of distances is smallest in the middle: 3 and 4, then 2 and 5.
    outcome = outcome_of(prune(network, "fpgm", "0.5", layers=[1]))
    assert outcome.kept[convolutions(network)[0][0]] == [0, 1, 6, 7]


def gate_derivatives(network: Any, norm: str, images: Tensor, labels: Tensor) -> Tensor:
    """Derivative of the loss with respect to factors laid on the channels behind the batch norm."""
    gates = torch.ones(network.get_submodule(norm).num_features, requires_grad=True)
    handle = network.get_submodule(norm).register_forward_hook(lambda _m, _i, maps: maps * gates[:, None, None])
    [gradient] = torch.autograd.grad(F.cross_entropy(network(images), labels), gates)
    handle.remove()
    return gradient


def test_taylor_is_the_squared_derivative_of_a_gate() -> None:
    network = network_of("resnet8").eval()
    batches = [(IMAGES[:3], LABELS[:3]), (IMAGES[3:], LABELS[3:])]
    groups = groups_of(network)
    method = METHODS.get("taylor")
    found = method.scores(ScoreContext(network, tuple(groups), groups, method.Options(batches=batches)))
    for name, group in groups.items():
        assert group.norm is not None
        squares = [gate_derivatives(network, group.norm, *batch).square() for batch in batches]
        expected = sum(squares, torch.zeros(())) / 2
        torch.testing.assert_close(found[name].float(), expected, rtol=1e-3, atol=1e-9)
    assert outcome_of(prune(network, "taylor", "0.5", batches=iter(batches))).removed == sum(
        layer.total // 2 for layer in outcome_of(prune(network, "l1_filter", "0.5")).layers
    )


@pytest.mark.parametrize("batches", [None, [], 3])
def test_taylor_without_images(batches: object) -> None:
    with pytest.raises(BadInput, match="batches"):
        prune(network_of(), "taylor", "0.5", batches=batches)


@pytest.mark.parametrize(("method", "model"), [("random_weights", "lamp"), ("random_channels", "network_slimming")])
def test_controls_take_the_counts_of_a_method(method: str, model: str) -> None:
    network = network_of()
    control = outcome_of(prune(network, method, "0.6", like=model, seed=1))
    counts = [(layer.name, layer.kept) for layer in outcome_of(prune(network, model, "0.6")).layers]
    assert [(layer.name, layer.kept) for layer in control.layers] == counts
    assert control.removed == outcome_of(prune(network, model, "0.6")).removed


def test_controls_depend_on_their_seed_and_on_nothing_else() -> None:
    network = network_of()
    first = outcome_of(prune(network, "random_filters", "0.5", seed=1)).kept
    torch.manual_seed(99)
    assert outcome_of(prune(network, "random_filters", "0.5", seed=1)).kept == first
    assert outcome_of(prune(network, "random_filters", "0.5", seed=2)).kept != first


def test_masks_hold_against_momentum_and_weight_decay() -> None:
    pruned = prune(network_of(), "unstructured", "0.7")
    before = zeros(pruned)
    optimizer = torch.optim.SGD(pruned.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-2)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(pruned(IMAGES), LABELS).backward()
        optimizer.step()
        apply_masks_(pruned)
    assert zeros(pruned) == before
    assert sum(before.values()) == outcome_of(pruned).removed


@pytest.mark.parametrize("method", ["unstructured", "random_weights", "l1_filter", "network_slimming"])
def test_two_rounds_end_at_the_count_of_one(method: str) -> None:
    network = network_of()
    once = prune(network, method, "0.6")
    twice = prune(prune(network, method, "0.35"), method, "0.6")
    assert outcome_of(twice).removed == outcome_of(once).removed
    assert outcome_of(twice).total == outcome_of(once).total
    if method == "unstructured":
        assert zeros(twice) == zeros(once)


def test_widths_are_rounded_up() -> None:
    outcome = outcome_of(prune(network_of(), "l1_filter", "0.7", round_to=4))
    # 8, 16, 32 filters: 2, 4, 9 are left, rounded up to a multiple of 4.
    assert [layer.kept for layer in outcome.layers] == [4, 4, 12]
    assert [layer.note for layer in outcome.layers] == ["rounded up", "", "rounded up"]


def test_the_given_network_stays_as_it_was() -> None:
    network = network_of("resnet8")
    before = copy.deepcopy(network.state_dict())
    state = torch.get_rng_state()
    for method in ("unstructured", "l1_filter", "random_channels"):
        prune(network, method, "0.5")
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not hasattr(network, "outcome")
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("name", "method", "ratio", "options", "message"),
    [
        ("small_vgg", "unstructred", "0.5", {}, "did you mean unstructured"),
        ("small_vgg", "unstructured", "1", {}, r"\[0, 1\)"),
        ("small_vgg", "unstructured", "0.5", {"scop": "global"}, "did you mean scope"),
        ("small_vgg", "unstructured", "0.5", {"scope": "local"}, "global, layerwise"),
        ("small_vgg", "unstructured", None, {}, "ratio is missing"),
        ("small_vgg", "l1_filter", "0.5", {"layers": [9]}, r"\[9\] do not exist.*1 to 3"),
        ("small_vgg", "l1_filter", "0.5", {"layers": [0]}, r"\[0\] do not exist"),
        ("small_vgg", "l1_filter", "0.5", {"layers": "vgg16_b"}, "did you mean vgg16_a"),
        ("small_vgg", "l1_filter", "0.5", {"layers": "vgg16_a"}, "not for small_vgg"),
        ("small_vgg", "l1_filter", "0.5", {"layers": []}, "not allowed"),
        ("resnet8", "l1_filter", "0.5", {"layers": [1]}, r"residual stream.*\[2, 4, 6\]"),
        ("resnet8", "l1_filter", "0.5", {"round_to": 0}, "integer from 1"),
        ("resnet8", "random_filters", "0.5", {"like": "lamp"}, "l1_filter, fpgm|fpgm, l1_filter"),
        ("resnet8", "random_filters", "0.5", {"seed": -1}, "from 0"),
    ],
)
def test_bad_input_is_one_line(name: str, method: str, ratio: str | None, options: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        prune(network_of(name), method, ratio, **options)
    assert "\n" not in str(caught.value)


def test_nothing_to_prune() -> None:
    with pytest.raises(BadInput, match="no prunable layer"):
        prune(nn.Linear(3, 2), "unstructured", "0.5")


def test_presets_with_ratios_take_no_other() -> None:
    network = build_network("resnet56", width=8)
    with pytest.raises(BadInput, match="leave the ratio out"):
        prune(network, "l1_filter", "0.5", layers="resnet56_a")
    with pytest.raises(BadInput, match="give one"):
        prune(network, "l1_filter", None, layers="stage1")
    assert outcome_of(prune(network, "l1_filter", 0, layers="resnet56_a")).removed == 0


def test_a_diverged_network_is_said_to_be_one() -> None:
    network = network_of()
    convolutions(network)[0][1].weight.data[0, 0, 0, 0] = float("nan")
    with pytest.raises(Diverged, match="not finite"):
        prune(network, "unstructured", "0.5")


def test_a_network_that_was_not_pruned_has_no_outcome() -> None:
    with pytest.raises(BadInput, match="no pruning outcome"):
        outcome_of(network_of())
    with pytest.raises(UnknownName):
        METHODS.get("magnitude")
