"""Loading a checkpoint from anywhere into a network, and saying what does not fit."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from torch import Tensor, nn

from prune_core.base.errors import BadInput
from prune_core.networks.checkpoint_files import read_state_dict
from prune_core.networks.computed import compute_weights
from prune_core.networks.families.preresnet import ChannelSelection
from prune_core.networks.folded_checkpoints import with_folded_weights
from prune_core.networks.tied import with_tied_names

WRAPPERS = ("module.", "_orig_mod.", "model.")
"""Prefixes that data parallelism, compilation and training frameworks put before every name."""

ALIASES = (
    ("linear.", "fc."),
    ("fc.", "linear."),
    ("feature.", "features."),
    ("downsample.", "shortcut."),
    ("downsample.0.", "shortcut."),
    ("select.indexes", "select.index"),
)
"""(theirs, ours): names that public CIFAR networks use for the same thing."""

SHOWN = 3
"""Names of each kind in the message about what does not fit."""


def load_weights(network: nn.Module, path: str | Path) -> None:
    """Load a checkpoint into a network, in place; on an error the network is untouched.

    A plain state dict, or one nested under ``state_dict`` or ``model``, with or without ``module.`` before the names, as
    ``.pt``, ``.pth``, ``.th`` or ``.safetensors``. Nothing in the file is executed. CIFAR ResNets whose last layer is called
    ``linear`` or ``fc`` fit ours. Weights that the checkpoint holds in parts (masks of ``torch.nn.utils.prune``, weight
    norm, spectral norm) are what such a network computes. Counters of batch norm (``num_batches_tracked``) may be missing.

    Raises:
        BadInput: one line with the names that are missing, unexpected or of another shape; or why the file cannot be read.
    """
    wanted = network.state_dict()
    found = _selections_as_indices(network, _with_our_names(read_state_dict(path), wanted))
    try:
        found = with_tied_names(network, found)
    except BadInput as error:
        raise BadInput(f"{path} does not fit {_name_of(network)}; {error}") from None
    optional = {name for name in wanted if name.endswith("num_batches_tracked")} | _selection_buffers(network)
    missing = [name for name in wanted if name not in found and name not in optional]
    unexpected = [name for name in found if name not in wanted]
    differing = [
        f"{name} {tuple(found[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]
    kinds = [
        f"{name} {found[name].dtype} instead of {tensor.dtype}"
        for name, tensor in wanted.items()
        if name in found and found[name].is_floating_point() != tensor.is_floating_point()
    ]
    problems = {"missing": missing, "unexpected": unexpected, "of another shape": differing, "of another type": kinds}
    said = [f"{kind}: {_shortened(names)}" for kind, names in problems.items() if names]
    if said:
        hint = _options_hint(network) if differing else ""
        raise BadInput(f"{path} does not fit {_name_of(network)}; {'; '.join(said)}{hint}")
    network.load_state_dict({**wanted, **found})
    compute_weights(network)


def _with_our_names(found: dict[str, Tensor], wanted: Iterable[str]) -> dict[str, Tensor]:
    """Strip what wraps all names, then rename the aliases that lead to a name of ours."""
    ours = set(wanted)
    for _ in WRAPPERS:
        for prefix in WRAPPERS:
            if all(name.startswith(prefix) for name in found) and not all(name.startswith(prefix) for name in ours):
                found = {name.removeprefix(prefix): tensor for name, tensor in found.items()}
    found = with_folded_weights(found, ours)
    free = ours - set(found)
    return {name if name in ours else _our_name(name, free): tensor for name, tensor in found.items()}


def _our_name(name: str, free: set[str]) -> str:
    renamed = (name.replace(theirs, our) for theirs, our in ALIASES if theirs in name)
    return next((candidate for candidate in renamed if candidate in free), name)


def _selections_as_indices(network: nn.Module, found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Turn selections that are given as a 0/1 vector, as in the original network slimming, into indices."""
    return {
        name: tensor.flatten().nonzero().flatten()
        if name in _selection_buffers(network) and tensor.is_floating_point()
        else tensor
        for name, tensor in found.items()
    }


def _selection_buffers(network: nn.Module) -> set[str]:
    return {f"{name}.index" for name, module in network.named_modules() if isinstance(module, ChannelSelection)}


def _shortened(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _name_of(network: nn.Module) -> str:
    return str(getattr(getattr(network, "architecture", None), "name", type(network).__name__))


def _options_hint(network: nn.Module) -> str:
    """Say which options the network was built with: another width is the usual reason for other shapes."""
    options = dict(getattr(getattr(network, "architecture", None), "options", {}))
    named = ", ".join(f"{name}={value}" for name, value in sorted(options.items()))
    return f" (built with {named}; another one: --option KEY=VALUE, in a study options: {{KEY: VALUE}})" if named else ""
