"""One checkpoint pruned from the command line: pruned, proven, measured against what it was, and only then written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prune_core.base.errors import BadInput, Diverged
from prune_core.base.memory_format import NotLogits
from prune_core.base.seeds import numpy_generator
from prune_core.data import balanced_subset
from prune_core.evaluation.uncertainty import intervals, paired_intervals
from prune_core.metrics import METRICS
from prune_core.networks import architecture_of
from prune_core.networks.answers import refuse_unable
from prune_core.networks.class_names import classes_text
from prune_core.pruning import METHODS, outcome_of, prune, save_network
from prune_core.pruning.again import earlier_outcome, summary
from prune_core.pruning.normalisation import DEFAULT, INPUT_KEY, Normalisation, input_text, normalisation_text
from prune_core.pruning.probe import for_images
from prune_core.verification import verify
from sweeps.one_network.against import falling_ece_line
from sweeps.one_network.cost import cost_lines
from sweeps.one_network.images import images_title, report_images
from sweeps.one_network.judged import judged_logits
from sweeps.one_network.normalisation import contradiction, normalised
from sweeps.one_network.open import described
from sweeps.one_network.table import recorded_on, shown_value, value_text
from sweeps.one_network.text import aligned, percent, within

if TYPE_CHECKING:
    from torch import Tensor, nn

    from prune_core.data import Dataset
    from prune_core.pruning import PruningOutcome
    from sweeps.one_network.open import Opened

SIZE = 32
"""Height and width of the images that costs are measured with where there is no dataset."""
BINS = 15
SCORE_IMAGES = 512
_BATCH = 64


class Unproven(RuntimeError):
    """A pruned network failed its verification: nothing was written."""


def check_output(output: Path, checkpoint: Path) -> None:
    """Raise `BadInput` unless a pruned network can go there."""
    if output.suffix != ".safetensors":
        raise BadInput(f"--output {str(output)!r} is not allowed (allowed: a file name that ends in .safetensors)")
    if output.is_dir():
        raise BadInput(f"--output {str(output)!r} is a folder (allowed: a file name that ends in .safetensors)")
    if output.exists() and checkpoint.exists() and output.samefile(checkpoint):
        raise BadInput(f"--output {str(output)!r} is the checkpoint itself (allowed: another file)")


def prune_to_file(
    checkpoint: Path,
    opened: Opened,
    method: str,
    ratio: str | None,
    options: dict[str, Any],
    output: Path,
    *,
    data: Dataset | None,
    size: int | None,
    limit: int | None,
    given: Collection[str] = (),
) -> list[str]:
    """Prune a network, verify it, measure it, write it to one file; return what was done as lines.

    The file says which normalisation the network takes, where the user or the checkpoint's own file said it.

    Args:
        checkpoint: where the network is from; for messages.
        opened: what it holds.
        method: pruning method.
        ratio: share to remove, None where a preset brings its own.
        options: of the method.
        output: gets the pruned network.
        data: to measure accuracy on, and to score filters with where the method needs images.
        size: height and width of the images that costs are for; None is that of the data, without any 32.
        limit: so many images for the accuracy.
        given: names of the dataset's options that the user gave.

    Raises:
        BadInput: anything that is not allowed, or a target that cannot be written.
        Unproven: the pruned network failed its verification.
    """
    check_output(output, checkpoint)
    dense, source = opened.network, ""
    told = contradiction(data, given, opened.normalisation) if data is not None else []
    if data is not None:
        data, source = normalised(data, given, opened.normalisation)
    shape = _shape(dense, data, size)
    _refuse_unable(checkpoint, dense, shape, "" if size or data else "; say what it takes with --image-size, or --data")
    try:
        with for_images(*shape[1:]):
            pruned = prune(dense, method, ratio, **_with_batches(method, options, data))
    except Diverged as error:
        raise BadInput(f"{checkpoint}: {error}") from None
    proof = verify(dense, pruned, _noise(shape))
    if not proof.passed:
        raise Unproven(f"the pruned network failed its verification, nothing was written: {proof.reason}")
    metadata = {**opened.metadata, **classes_text(checkpoint)}
    if data is not None and source != DEFAULT:
        metadata[INPUT_KEY] = input_text(shape, Normalisation(data.mean, data.std))
    lines = cost_lines(dense, pruned, shape, metadata)
    if data is not None:
        lines += [
            "",
            *_accuracy_lines(checkpoint, dense, pruned, data, limit),
            f"normalised: {normalisation_text(data.mean, data.std, source)}",
        ]
    try:
        save_network(pruned, output, metadata=metadata)
    except OSError as error:
        raise BadInput(f"--output: {output} cannot be written: {error.strerror}") from None
    done = f"verified by {len(proof.checks)} checks; written to {output}"
    return [*opened.warnings, *told, *_head(dense, pruned), "", *lines, "", done]


def _shape(network: nn.Module, data: Dataset | None, size: int | None) -> tuple[int, int, int]:

    channels = int(architecture_of(network).options["in_channels"])
    if size is None and data is not None:
        height, width, _ = data.shape
        return channels, height, width
    return channels, size or SIZE, size or SIZE


def _refuse_unable(checkpoint: Path, network: nn.Module, shape: tuple[int, int, int], remedy: str) -> None:
    channels, height, width = shape
    try:
        refuse_unable(network, (height, width, channels), None)
    except NotLogits as error:
        raise BadInput(f"{checkpoint}: {error}") from None
    except BadInput as error:
        raise BadInput(f"{checkpoint}: {described(network)} cannot be measured: {error}{remedy}") from None


def _noise(shape: tuple[int, int, int]) -> Tensor:
    import torch

    return torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))


def _with_batches(method: str, options: dict[str, Any], data: Dataset | None) -> dict[str, Any]:
    """Add training images where the method scores by them."""
    if not METHODS.get(method).needs_batches:
        return options
    if data is None:
        raise BadInput(f"method {method} scores by training images: name them with --data")
    return {**options, "batches": _batches(data)}


def _batches(data: Dataset) -> list[tuple[Tensor, Tensor]]:
    import torch

    count = min(SCORE_IMAGES, len(data.train_labels))
    chosen = balanced_subset(data.train_labels, count, "scored from the command line")
    numpy_generator("scored from the command line", "order").shuffle(chosen)
    mean, std = np.array(data.mean, np.float32), np.array(data.std, np.float32)
    pixels = (data.train_images[chosen] / np.float32(255) - mean) / std
    images = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), dtype=np.float32))
    labels = torch.from_numpy(np.asarray(data.train_labels[chosen]))
    return [(images[at : at + _BATCH], labels[at : at + _BATCH]) for at in range(0, count, _BATCH)]


def _accuracy_lines(checkpoint: Path, dense: nn.Module, pruned: nn.Module, data: Dataset, limit: int | None) -> list[str]:
    """Accuracy, NLL and ECE before and after, on the same images."""
    shown = report_images(data, limit)
    before, after = (judged_logits(checkpoint, network, data, shown) for network in (dense, pruned))
    several = len(shown.labels) > 1
    one, two = (intervals(each, bins=BINS) if several else {} for each in (before, after))
    change = paired_intervals(after, before, bins=BINS) if several else {}
    rows = [(f"{images_title(data)}, {len(shown.labels):,} images", "before", "95 %", "after", "95 %", "change, 95 %")]
    for name in (name for name in recorded_on("images") if METRICS.get(name).table):
        metric = METRICS.get(name)
        values = [shown_value(metric, each.predictions(), BINS) for each in (before, after)]
        texts = [value_text(name, value) for value in values]
        ends = [within(each.get(name), metric.unit) for each in (one, two, change)]
        title = f"{metric.title} ({BINS} bins)" if name == "ece" else metric.title
        rows.append((title, texts[0], ends[0], texts[1], ends[1], ends[2]))
    records = [
        {name: METRICS.get(name).function(each.predictions(), BINS) for name in ("accuracy", "ece", "mean_confidence")}
        for each in (after, before)
    ]
    return [*aligned(rows), *falling_ece_line(*records), "not fine-tuned: pruning is judged after fine-tuning, in a study"]


def _head(dense: nn.Module, pruned: nn.Module) -> list[str]:

    outcome = outcome_of(pruned)
    lines = [
        f"{described(dense)}: {outcome.method} at ratio {outcome.ratio}, {_pool(outcome)}",
        *_before(dense, outcome),
    ]
    for reason, count in Counter(outcome.left_alone.values()).items():
        names = [name for name, why in outcome.left_alone.items() if why == reason]
        lines.append(f"left alone: {', '.join(names[:3])}{f' and {count - 3} more' if count > 3 else ''} ({reason})")
    return lines


def _before(dense: nn.Module, outcome: PruningOutcome) -> list[str]:
    """Say what an earlier pruning did, and what the ratio counts then; nothing for a network that was not pruned."""
    before = earlier_outcome(dense)
    if before is not None and before.granularity == outcome.granularity:
        more = outcome.removed - sum(
            layer.total - layer.kept for layer in before.layers if layer.name in {each.name for each in outcome.layers}
        )
        counted = f"the ratio counts the unpruned network's {outcome.granularity}, those gone included: {more:,} more went"
    elif before is not None:
        counted = f"the ratio counts the {outcome.granularity} that were left"
    else:
        weights = [dense.get_parameter(layer.name) for layer in outcome.layers if outcome.granularity == "weights"]
        zeros = sum(int((weight == 0).sum()) for weight in weights)
        if not zeros:
            return []
        counted = f"{zeros:,} of these weights ({percent(zeros / outcome.total)}) were zero already"
        return [f"{counted}; the ratio counts all weights, zeros included"]
    return [f"pruned before: {summary(before)}; {counted}"]


def _pool(outcome: PruningOutcome) -> str:
    share = outcome.removed / max(outcome.total, 1)
    text = f"{outcome.removed:,} of {outcome.total:,} {outcome.granularity} gone ({percent(share)})"
    return text + (f", {outcome.rescued} rescued so that no layer is empty" if outcome.rescued else "")
