"""One checkpoint from the command line, opened whatever it is."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.errors import BadInput
from prune_core.networks import architecture_of, build_network, load_weights
from prune_core.networks.class_names import check_class_names
from prune_core.pruning import load_network
from prune_core.pruning.normalisation import INPUT_KEY, Normalisation, normalisation_in
from prune_core.pruning.saving import module_in, read_file
from sweeps.storage.files import bring_back
from sweeps.study.yaml import parse_yaml

if TYPE_CHECKING:
    from torch import nn

    from prune_core.data import Dataset

PROGRAMS = (".onnx", ".pt2")
"""Files that run by themselves: nothing here opens them."""
CARRIED = (INPUT_KEY, "classes")
"""What a header says of the images and the classes: true of a network that is made of this one, too."""


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


@dataclass(frozen=True)
class Opened:
    """A checkpoint.

    Attributes:
        network: what it holds.
        normalisation: of the images that the network takes, where its file says it.
        metadata: what the file says of its input and its classes, as its header holds it; empty for files of others.
        warnings: what makes numbers of this network doubtful, a line each.
    """

    network: nn.Module
    normalisation: Normalisation | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def open_checkpoint(
    checkpoint: Path,
    name: str | None,
    options: dict[str, Any],
    *,
    num_classes: int | None = None,
    in_channels: int | None = None,
    dataset: Dataset | None = None,
) -> Opened:
    """Open a checkpoint: a file of ours, or weights from anywhere with the network's name.

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
    if checkpoint.suffix in PROGRAMS:
        raise BadInput(
            f"{checkpoint} is a program, not a checkpoint (allowed: the .safetensors file beside it, or .pt, .pth, .th)"
        )
    said = {"num_classes": num_classes, "in_channels": in_channels}
    said = {key: value for key, value in said.items() if value is not None}
    opened = _own_file(checkpoint)
    if opened is not None:
        _check_own(checkpoint, opened.network, name, {**options, **said})
    elif name is None:
        raise BadInput(f"--network is missing: {checkpoint.name} does not say which network it is of")
    else:
        shape = {} if dataset is None else {"num_classes": len(dataset.classes), "in_channels": dataset.shape[2]}
        with torch.random.fork_rng(devices=[]):
            network = build_network(name, **{**shape, **said, **options})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns about files that it then refuses; one line is enough
            load_weights(network, checkpoint)
        opened = Opened(network)
    if dataset is not None:
        _check_fit(opened.network, dataset)
        check_class_names(checkpoint, dataset.classes, dataset.name)
    return opened


def described(network: nn.Module) -> str:
    """Return a network's name and what it was given beyond the defaults: ``resnet8 (width 8), pruned``."""
    known = architecture_of(network)
    width = known.options.get("width")
    return f"{known.name}{f' (width {width})' if width else ''}{', pruned' if hasattr(network, 'outcome') else ''}"


def _own_file(path: Path) -> Opened | None:
    """Return what a file holds that says itself what it is, None for other files."""
    if path.suffix != ".safetensors":
        return None
    header, _ = read_file(path)
    if "architecture" not in header:
        return None
    network = load_network(path)
    built_by = module_in(header)
    changed = built_by.changed(architecture_of(network).name) if built_by is not None else None
    try:
        normalisation = normalisation_in(header)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    carried = {key: header[key] for key in CARRIED if key in header}
    return Opened(network, normalisation, carried, () if changed is None else (f"warning: {path.name}: {changed}",))


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
