"""One checkpoint judged from the command line, and the images to judge with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prune_core.errors import BadInput, UnknownName
from prune_core.files import replacing
from sweeps.columns import measured_columns
from sweeps.one_network import open_network

if TYPE_CHECKING:
    from torch import nn

    from prune_core.corruptions import CorruptedSet
    from prune_core.data import Dataset

SOURCES = ("none", "generated", "official")


def judge_checkpoint(
    checkpoint: Path, name: str | None, options: dict[str, Any], *, num_classes: int | None, data: str,
    data_options: dict[str, Any], corruptions: str, corruptions_folder: Path | None, limit: int | None,
    bins: int, seed: int, device: str,
) -> dict[str, float | int | str]:  # fmt: skip
    """Return the columns of a record that one checkpoint gives on the report images of a dataset.

    Args:
        checkpoint: the file.
        name: the network's, None for a file of ours.
        options: of the network.
        num_classes: length of its output; None is the dataset's number of classes.
        data: the dataset; its test images are judged on, or all images where it has no test images of its own.
        data_options: of the dataset, ``mean`` and ``std`` among them.
        corruptions: ``none``, ``generated`` or ``official``.
        corruptions_folder: of the official files; None looks in the cache.
        limit: so many images, balanced over classes; None is all.
        bins: of every ECE.
        seed: of generated corruptions.
        device: ``cpu`` or ``cuda``.

    Raises:
        BadInput: anything of the above that is not there or not allowed.
    """
    from torch import get_num_threads

    from prune_core.data import load_dataset
    from prune_core.evaluation import evaluate_network, record_columns
    from prune_core.training import prepare_runtime

    if corruptions not in SOURCES:
        raise UnknownName("source of corruptions", corruptions, SOURCES)
    target = prepare_runtime(device=device, threads=get_num_threads())
    dataset = load_dataset(data, **data_options)
    images, labels, numbers = _report_images(dataset, limit)
    network = open_network(
        checkpoint, name, options, num_classes=num_classes or len(dataset.classes), in_channels=images.shape[3]
    )
    _check_fit(network, dataset)
    cells = _cells(dataset, images, numbers, corruptions, corruptions_folder, seed)
    judged = evaluate_network(
        network.to(target), images, labels, mean=dataset.mean, std=dataset.std, corrupted=cells, device=target
    )
    columns = record_columns(selection=None, report=judged, train=None, bins=bins)
    return _in_order({**columns, **_costs(network, images.shape[1:])})


def judgement_lines(record: dict[str, float | int | str]) -> list[str]:
    """Return a record as aligned lines, for people."""
    width = max(map(len, record))
    return [
        f"{name:<{width}}  {value:.4f}" if isinstance(value, float) else f"{name:<{width}}  {value}"
        for name, value in record.items()
    ]


def corrupt_to_folder(data: str, names: tuple[str, ...], *, limit: int | None, seed: int, output: Path) -> str:
    """Write corrupted images in the layout of CIFAR-10-C; return what was done in one line.

    ``NAME.npy`` is uint8 ``(5 N, H, W, C)``: severity 1 first. ``labels.npy`` holds the labels, repeated five times.

    Raises:
        BadInput: an unknown name, data that is not there, a folder that cannot be written.
    """
    from prune_core.corruptions import CORRUPTIONS, SEVERITIES, STANDARD, set_label
    from prune_core.data import load_dataset

    chosen = names or STANDARD
    for name in chosen:
        CORRUPTIONS.get(name)
    dataset = load_dataset(data)
    images, labels, numbers = _report_images(dataset, limit)
    try:
        for name in chosen:
            made = np.concatenate([_corrupted(images, numbers, name, severity, seed) for severity in SEVERITIES])
            with replacing(output / f"{name}.npy") as temporary, temporary.open("wb") as stream:
                np.save(stream, made, allow_pickle=False)
        with replacing(output / "labels.npy") as temporary, temporary.open("wb") as stream:
            np.save(stream, np.tile(labels, len(SEVERITIES)).astype(np.uint8), allow_pickle=False)
    except OSError as error:
        raise BadInput(f"--output: {output} cannot be written: {error.strerror}") from None
    label = set_label(dataset.name, seed, title=dataset.title, jpeg=dataset.jpeg)
    return f"{output}: {label}, {len(chosen)} corruptions of {len(images)} images"


def _report_images(dataset: Dataset, limit: int | None) -> tuple[Any, Any, Any]:
    """Images, labels, and the numbers of the images in their set."""
    from prune_core.data import balanced_subset

    own = dataset.test_images is not None
    images = dataset.test_images if own else dataset.train_images
    labels = dataset.test_labels if own else dataset.train_labels
    if images is None or labels is None:
        raise BadInput(f"dataset {dataset.name!r} has no images to judge on")
    count = len(labels)
    if limit is None or limit >= count:
        return images, labels, np.arange(count)
    chosen = balanced_subset(labels, limit, "judged from the command line")
    return np.ascontiguousarray(images[chosen]), labels[chosen], chosen


def _corrupted(images: Any, numbers: Any, name: str, severity: int, seed: int) -> Any:
    from prune_core.corruptions.apply import corrupt_numbered

    return corrupt_numbered(images, name, severity, numbers, seed=seed)


def _cells(dataset: Dataset, images: Any, numbers: Any, source: str, folder: Path | None, seed: int) -> CorruptedSet | None:
    if source == "none":
        return None
    from prune_core.corruptions import STANDARD, generated_set, official_set
    from prune_core.data.cache import default_cache

    if source == "official":
        if dataset.test_labels is None:
            raise BadInput(f"dataset {dataset.name!r} has no test images of its own, so no official corruptions")
        where = folder or default_cache()
        return official_set(where, name=dataset.name, labels=dataset.test_labels, positions=numbers)
    return generated_set(
        images, numbers, name=dataset.name, corruptions=STANDARD, seed=seed, cache=default_cache(), title=dataset.title,
        jpeg=dataset.jpeg,
    )  # fmt: skip


def _check_fit(network: nn.Module, dataset: Dataset) -> None:
    from prune_core.networks import architecture_of

    known = architecture_of(network).options
    channels = dataset.shape[2]
    if known["in_channels"] != channels:
        raise BadInput(f"the network takes {known['in_channels']} channels, the images of {dataset.name!r} have {channels}")
    if known["num_classes"] < len(dataset.classes):
        raise BadInput(f"the network knows {known['num_classes']} classes, {dataset.name!r} has {len(dataset.classes)}")


def _costs(network: nn.Module, shape: tuple[int, int, int]) -> dict[str, float | int | str]:
    from prune_core.complexity import complexity
    from prune_core.networks import convolutions

    height, width, channels = shape
    cost = complexity(network, (channels, height, width))
    weights = [module.weight.detach() for _, module in convolutions(network)]
    zeros = sum(int((weight == 0).sum()) for weight in weights)
    return {
        "parameters": cost.parameters,
        "nonzero_parameters": cost.nonzero_parameters,
        "macs": cost.macs,
        "nonzero_macs": cost.nonzero_macs,
        "sparsity": zeros / max(1, sum(weight.numel() for weight in weights)),
        "size_bytes": cost.size_bytes,
    }


def _in_order(record: dict[str, Any]) -> dict[str, float | int | str]:
    known = [column for column in measured_columns() if column in record]
    return {column: record[column] for column in [*known, *(column for column in record if column not in known)]}
