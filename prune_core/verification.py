"""A pruned network proves itself before it counts: five checks, each against a second source.

`verify` costs a few forward passes of a handful of images; it runs on every trial.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prune_core.base.copies import copied
from prune_core.base.errors import BadInput
from prune_core.base.memory_format import ORDINARY, in_format
from prune_core.cost.complexity import complexity
from prune_core.cost.operator_macs import products_by_functions, products_by_torch
from prune_core.networks import architecture_of
from prune_core.pruning.masked import masked_copy
from prune_core.pruning.outcome import PruningOutcome, outcome_of
from prune_core.pruning.saving import load_network, save_network
from prune_core.pruning.surgery import channel_count

TOLERANCE = 1e-9
"""Largest difference of outputs in float64, relative to the largest output, at which removed equals masked."""

IMAGES = 2
"""How many of the given images are looked at."""


@dataclass(frozen=True)
class Check:
    """One check: ``reason`` is None when it passed; ``numbers`` are what was measured, plain JSON types."""

    name: str
    reason: str | None
    numbers: dict[str, Any]


@dataclass(frozen=True)
class Verification:
    """What all the checks found."""

    checks: tuple[Check, ...]
    left_alone: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return self.reason is None

    @property
    def reason(self) -> str | None:
        """The failed checks in one line, or None."""
        failed = [f"{check.name}: {check.reason}" for check in self.checks if check.reason is not None]
        return "; ".join(failed) or None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        checks = {
            check.name: {"passed": check.reason is None, "reason": check.reason, **check.numbers} for check in self.checks
        }
        return {"passed": self.passed, "reason": self.reason, "checks": checks, "left_alone": self.left_alone}


@dataclass(frozen=True)
class Case:
    """What the checks look at: copies on the CPU in evaluation mode, and two images."""

    dense: nn.Module
    pruned: nn.Module
    outcome: PruningOutcome
    images: Tensor


Finding = tuple[str | None, dict[str, Any]]


def verify(dense: nn.Module, pruned: nn.Module, images: Tensor) -> Verification:
    """Check a freshly pruned network against the one it was pruned from.

    Args:
        dense: the network that `prune` was given, unchanged.
        pruned: what `prune` returned, not yet fine-tuned.
        images: float ``(N, C, H, W)``, N >= 1, normalised as in training; the first `IMAGES` are used.

    Returns:
        The findings; ``passed`` says whether the network may count. Neither network is changed, nor torch's random state.

    Raises:
        BadInput: ``pruned`` carries no outcome, or ``images`` have no such shape.
    """
    outcome = outcome_of(pruned)
    if images.ndim != 4 or images.shape[0] == 0:
        raise BadInput(f"images of shape {tuple(images.shape)} are not (N, C, H, W) with N >= 1")
    # The caller may be in no_grad or inference mode; one of the checks needs gradients.
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad():
        few = images[:IMAGES].detach().cpu().float().clone()
        few = in_format(few.repeat(2, 1, 1, 1) if few.shape[0] == 1 else few, ORDINARY)
        case = Case(copied(dense).cpu().eval(), copied(pruned).cpu().eval(), outcome, few)
        checks = tuple(_run(name, check, case) for name, check in CHECKS.items())
    return Verification(checks, dict(outcome.left_alone))


def _run(name: str, check: Callable[[Case], Finding], case: Case) -> Check:
    """Run one check; a network that cannot even compute has failed it."""
    try:
        reason, numbers = check(case)
    except (RuntimeError, ValueError, IndexError, KeyError, AttributeError, TypeError) as error:
        reason, numbers = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}", {}
    return Check(name, reason, numbers)


@torch.no_grad()
def _removed_equals_masked(case: Case) -> Finding:
    images = case.images.double()
    expected = masked_copy(case.dense, case.pruned)(images)
    got = copied(case.pruned).double()(images)
    if got.shape != expected.shape:
        return f"outputs of shape {tuple(got.shape)} instead of {tuple(expected.shape)}", {}
    scale = float(expected.abs().max())
    difference = float((got - expected).abs().max()) / (scale or 1.0)
    numbers = {"relative_difference": difference, "tolerance": TOLERANCE, "dtype": "float64", "images": len(images)}
    if not difference <= TOLERANCE:  # written so that NaN fails
        return f"outputs differ by {difference:.3g} of the largest output (tolerance {TOLERANCE:g})", numbers
    return None, numbers


def _ratio(case: Case) -> Finding:
    outcome = case.outcome
    got = {layer.name: _measured(case, layer.name) for layer in outcome.layers}
    wrong = [layer.name for layer in outcome.layers if got[layer.name] != (layer.total, layer.kept)]
    removed = sum(total - kept for total, kept in got.values())
    layers = {
        layer.name: {"total": layer.total, "kept": got[layer.name][1], "asked": layer.asked, "note": layer.note}
        for layer in outcome.layers
    }
    numbers = {
        "asked": outcome.ratio,
        "got": removed / outcome.total,
        "asked_removed": outcome.asked_removed,
        "removed": removed,
        "rescued": outcome.rescued,
        "layers": layers,
    }
    if wrong:
        return f"counts differ from the outcome in {', '.join(wrong[:3])}", numbers
    return _asked_against_got(outcome, removed), numbers


def _asked_against_got(outcome: PruningOutcome, removed: int) -> str | None:
    """Recompute with fractions what was asked, and allow only the differences that have a reason."""
    exact = outcome.options.get("rule") == "exact"
    pooled = outcome.granularity != "filters" and outcome.options.get("scope") != "layerwise"
    if pooled and exact and Fraction(outcome.ratio) * outcome.total // 1 != outcome.asked_removed:
        return f"{outcome.asked_removed} were to go, the ratio asks for another number"
    off = [layer.name for layer in outcome.layers if layer.asked not in (None, layer.kept) and not layer.note]
    if off and exact:
        return f"asked and got differ without a reason in {', '.join(off[:3])}"
    excused = outcome.rescued or outcome.options.get("round_to", 1) > 1
    too_few = removed < outcome.asked_removed and not excused
    too_many = removed > outcome.asked_removed and exact
    return f"{removed} went, {outcome.asked_removed} were to go" if too_few or too_many else None


def _measured(case: Case, name: str) -> tuple[int, int]:
    """Return (total, kept) of one layer, from the networks and not from the outcome's counts."""
    if case.outcome.granularity == "weights":
        before, after = case.dense.get_parameter(name).detach(), case.pruned.get_parameter(name).detach()
        # A kept weight that was zero before is no pruned one; a kept weight that changed makes the counts differ.
        kept = case.outcome.masks[name].cpu() & (before == after)
        return before.numel(), int((kept | (after != 0)).sum())
    earlier = architecture_of(case.dense).kept.get(name)
    known = next(layer.total for layer in case.outcome.layers if layer.name == name)
    listed, found = len(case.outcome.kept[name]), channel_count(case.pruned, name)
    # What the outcome lists must be there; a number that differs fails the comparison with the outcome's counts.
    return known if earlier else channel_count(case.dense, name), found if found == listed else -1


def _counts(case: Case) -> Finding:
    """Count parameters by module and by state dict, products by operator and by torch's functions (or its FLOP counter)."""
    counted = complexity(case.pruned, tuple(case.images.shape[1:]))
    buffers = {name for name, _ in case.pruned.named_buffers(remove_duplicate=False)}
    stored = case.pruned.state_dict(keep_vars=True)
    parameters = sum({id(one): one.numel() for name, one in stored.items() if name not in buffers}.values())
    products = counted.macs + counted.attention_macs + counted.weight_macs
    second = products_by_functions(case.pruned, case.images[:1])
    if second != products:
        second = products_by_torch(case.pruned, case.images[:1])
    numbers = {
        "parameters": counted.parameters,
        "parameters_by_state_dict": parameters,
        "macs": counted.macs,
        "macs_by_operator": second - counted.attention_macs - counted.weight_macs,
    }
    same = (counted.parameters, products) == (parameters, second)
    return (None if same else f"two counters disagree: {numbers}"), numbers


def _gradients(case: Case) -> Finding:
    without, broken = _backward(case.pruned, case.images)
    if broken:
        return f"gradients are not finite in {', '.join(broken[:3])}", {}
    if without:
        without = sorted(set(without) - set(_backward(case.dense, case.images)[0]))
    return (f"no gradient reaches {', '.join(without[:3])}" if without else None), {}


def _backward(network: nn.Module, images: Tensor) -> tuple[list[str], list[str]]:
    """Return the names of parameters without a gradient, and of those with one that is not finite."""
    training = copied(network).train()
    training.zero_grad()
    logits = training(images)
    F.cross_entropy(logits, torch.arange(len(images)) % logits.shape[1]).backward()  # type: ignore[no-untyped-call]
    named = [(name, parameter.grad) for name, parameter in training.named_parameters() if parameter.requires_grad]
    without = [name for name, gradient in named if gradient is None]
    return without, [name for name, gradient in named if gradient is not None and not bool(gradient.isfinite().all())]


@torch.no_grad()
def _round_trip(case: Case) -> Finding:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        save_network(case.pruned, path)
        loaded = load_network(path).eval()
        size = path.stat().st_size
    same = torch.equal(case.pruned(case.images), loaded(case.images))
    return (None if same else "outputs after saving and loading are not the same bits"), {"size_bytes": size}


CHECKS: dict[str, Callable[[Case], Finding]] = {
    "removed_equals_masked": _removed_equals_masked,
    "ratio": _ratio,
    "counts": _counts,
    "gradients": _gradients,
    "round_trip": _round_trip,
}
"""Every check by the name under which its finding is written."""
