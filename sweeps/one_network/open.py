"""One checkpoint from the command line, opened whatever it is."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.errors import BadInput
from prune_core.networks import architecture_of, build_network, load_weights
from prune_core.networks.class_names import check_class_names
from prune_core.pruning import load_network
from prune_core.pruning.saving import read_file
from sweeps.storage.files import bring_back
from sweeps.study.yaml import parse_yaml

if TYPE_CHECKING:
    from torch import nn

    from prune_core.data import Dataset


def read_options(texts: Sequence[str], where: str) -> dict[str, Any]:
    """Return ``KEY=VALUE`` texts as a mapping, values read as YAML.

    Raises:
        BadInput: no ``=``, a key twice, or a value that is no YAML.
    """
    found: dict[str, Any] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key.strip() or key.strip() in found:
            raise BadInput(f"{where} {text!r}: allowed is KEY=VALUE, each key once")
        found[key.strip()] = parse_yaml(value, f"{where} {key.strip()}")
    return found


def open_network(
    checkpoint: Path,
    name: str | None,
    options: dict[str, Any],
    *,
    num_classes: int | None = None,
    in_channels: int | None = None,
    dataset: Dataset | None = None,
) -> nn.Module:
    """Return the network of a checkpoint: of a file of ours, or of weights from anywhere with the network's name.

    Args:
        checkpoint: path of the file.
        name: the network's; may be None for a file of ours.
        options: of the network; for a file of ours they must be what it says of itself.
        num_classes: length of its output; None is that of the dataset, without one 10.
        in_channels: of its input; None is that of the dataset, without one 3.
        dataset: what it will be shown; the network must fit it.

    Raises:
        BadInput: no such file, weights that do not fit, no name where one is needed, or another network than said.
    """
    import torch

    bring_back(checkpoint.parent, [checkpoint.name])
    if not checkpoint.is_file():
        raise BadInput(f"there is no file {str(checkpoint)!r} (allowed: a readable checkpoint)")
    said = {"num_classes": num_classes, "in_channels": in_channels}
    said = {key: value for key, value in said.items() if value is not None}
    network = _own_file(checkpoint)
    if network is not None:
        _check_own(checkpoint, network, name, {**options, **said})
    elif name is None:
        raise BadInput(f"--network is missing: {checkpoint.name} does not say which network it is of")
    else:
        shape = {} if dataset is None else {"num_classes": len(dataset.classes), "in_channels": dataset.shape[2]}
        with torch.random.fork_rng(devices=[]):
            network = build_network(name, **{**shape, **said, **options})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns about files that it then refuses; one line is enough
            load_weights(network, checkpoint)
    if dataset is not None:
        _check_fit(network, dataset)
        check_class_names(checkpoint, dataset.classes, dataset.name)
    return network


def described(network: nn.Module) -> str:
    """Return a network's name and what it was given beyond the defaults: ``resnet8 (width 8), pruned``."""
    known = architecture_of(network)
    width = known.options.get("width")
    return f"{known.name}{f' (width {width})' if width else ''}{', pruned' if hasattr(network, 'outcome') else ''}"


def _own_file(path: Path) -> nn.Module | None:
    """Return the network of a file that says itself what it is, None for other files."""
    if path.suffix != ".safetensors":
        return None

    header, _ = read_file(path)
    return load_network(path) if "architecture" in header else None


def _check_own(path: Path, network: nn.Module, name: str | None, options: dict[str, Any]) -> None:

    known = architecture_of(network)
    if name is not None and name != known.name:
        raise BadInput(f"--network is {name!r}, {path.name} holds {known.name!r} (allowed: {known.name}, or no --network)")
    for key, value in options.items():
        if key not in known.options:
            raise BadInput(f"--option {key}: {known.name} has no such option (allowed: {', '.join(known.options)})")
        if known.options[key] != value:
            raise BadInput(f"{key} is {value!r}, {path.name} holds a network with {known.options[key]!r}")


def _check_fit(network: nn.Module, dataset: Dataset) -> None:

    known = architecture_of(network).options
    channels = dataset.shape[2]
    if known["in_channels"] != channels:
        raise BadInput(f"the network takes {known['in_channels']} channels, the images of {dataset.name!r} have {channels}")
    if known["num_classes"] < len(dataset.classes):
        raise BadInput(f"the network knows {known['num_classes']} classes, {dataset.name!r} has {len(dataset.classes)}")
