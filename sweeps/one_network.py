"""One checkpoint from the command line: opened whatever it is, pruned into one self-describing file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.errors import BadInput
from sweeps.study_yaml import parse_yaml

if TYPE_CHECKING:
    from torch import nn


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
    checkpoint: Path, name: str | None, options: dict[str, Any], *, num_classes: int | None, in_channels: int | None
) -> nn.Module:
    """Return the network of a checkpoint: of a file of ours, or of weights from anywhere with the network's name.

    Args:
        checkpoint: path of the file.
        name: the network's; may be None for a file of ours, and is then not looked at.
        options: of the network.
        num_classes: length of its output; None is 10.
        in_channels: of its input; None is 3.

    Raises:
        BadInput: no such file, weights that do not fit, or no name where one is needed.
    """
    import torch

    from prune_core.networks import architecture_of, build_network, load_weights

    if not checkpoint.is_file():
        raise BadInput(f"there is no file {str(checkpoint)!r} (allowed: a readable checkpoint)")
    own = _own_file(checkpoint)
    if own is not None:
        known = architecture_of(own).name
        if name is not None and name != known:
            raise BadInput(f"--network is {name!r}, {checkpoint.name} holds {known!r} (allowed: {known}, or no --network)")
        return own
    if name is None:
        raise BadInput(f"--network is missing: {checkpoint.name} does not say which network it is of")
    channels = {} if in_channels is None else {"in_channels": in_channels}
    classes = {} if num_classes is None else {"num_classes": num_classes}
    with torch.random.fork_rng(devices=[]):
        network = build_network(name, **classes, **channels, **options)
    load_weights(network, checkpoint)
    return network


def prune_to_file(dense: nn.Module, method: str, ratio: str | None, options: dict[str, Any], output: Path) -> str:
    """Prune a network, verify it, write it to one file; return what was done in one line.

    Raises:
        BadInput: method, ratio or options that are not allowed, a target that cannot be written, or a failed verification.
    """
    import torch

    from prune_core.complexity import complexity
    from prune_core.networks import architecture_of
    from prune_core.pruning import outcome_of, prune, save_network
    from prune_core.verification import verify

    pruned = prune(dense, method, ratio, **options)
    channels = int(architecture_of(dense).options["in_channels"])
    shape = (channels, 32, 32)
    images = torch.randn(8, *shape, generator=torch.Generator().manual_seed(0))
    proof = verify(dense, pruned, images)
    if not proof.passed:
        raise BadInput(f"the pruned network failed its verification: {proof.reason}")
    try:
        save_network(pruned, output)
    except OSError as error:
        raise BadInput(f"--output: {output} cannot be written: {error.strerror}") from None
    before, after, outcome = complexity(dense, shape), complexity(pruned, shape), outcome_of(pruned)
    return (
        f"{output}: {outcome.method} at ratio {outcome.ratio}, nonzero parameters {before.nonzero_parameters:,} -> "
        f"{after.nonzero_parameters:,}, MACs {before.macs:,} -> {after.macs:,} (nonzero {after.nonzero_macs:,})"
    )


def _own_file(path: Path) -> nn.Module | None:
    """Return the network of a file that says itself what it is, None for other files."""
    if path.suffix != ".safetensors":
        return None
    from prune_core.pruning import load_network
    from prune_core.pruning.saving import read_file

    header, _ = read_file(path)
    return load_network(path) if "architecture" in header else None
