"""One file per network: tensors, and in the header as JSON how to build the network that takes them.

The format is safetensors: nothing in it can be executed. A tied weight is in it once. Header keys: ``architecture`` (name,
options, kept channels per group), ``outcome`` when the network was pruned, ``module`` when a module of the user's own builds
it (its name and digests of its code, which is not in the file: it must be imported before the file is loaded), and whatever
``metadata`` the caller adds. The same network gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from prune_core.base.errors import BadInput
from prune_core.base.files import parse_json, replacing
from prune_core.base.own_code import OwnCodeFailed
from prune_core.networks import Architecture, architecture_of, build_network
from prune_core.networks.computed import compute_weights, computed_weights
from prune_core.networks.defining_module import HEADER_KEY, DefiningModule, defining_module
from prune_core.networks.registry import is_known
from prune_core.networks.tied import tie_again, tied_names, with_tied_names
from prune_core.pruning.masks import masks_from_zeros
from prune_core.pruning.outcome import PruningOutcome
from prune_core.pruning.surgery import remove_channels

RESERVED = ("architecture", "outcome", HEADER_KEY)


def save_network(network: nn.Module, path: str | Path, *, metadata: dict[str, str] | None = None) -> None:
    """Write a network, dense or pruned, to one ``.safetensors`` file that `load_network` reads back.

    Args:
        network: carries an `Architecture` (`build_network` and `prune` see to that).
        path: the target; replaced atomically.
        metadata: further text for the header.

    Raises:
        BadInput: the network does not know its architecture, or ``metadata`` uses a reserved key.
    """
    from safetensors.torch import save

    architecture = architecture_of(network)
    header = {"architecture": architecture.header_text()}
    built_by = defining_module(architecture.name)
    if built_by is not None:
        header[HEADER_KEY] = built_by.header_text()
    outcome = getattr(network, "outcome", None)
    if isinstance(outcome, PruningOutcome):
        header["outcome"] = outcome.header_text()
    for key, value in (metadata or {}).items():
        if key in RESERVED or not isinstance(value, str):
            raise BadInput(f"metadata key {key!r} is reserved or its value is no text (reserved: {', '.join(RESERVED)})")
        header[key] = value
    tied = tied_names(network)
    tensors = {
        name: tensor.detach().cpu().contiguous().clone() for name, tensor in network.state_dict().items() if name not in tied
    }
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(_ordered(save(tensors, metadata=header)))


def load_network(path: str | Path) -> nn.Module:
    """Return the network that `save_network` wrote, on the CPU, in training mode; torch's random state is not touched.

    Raises:
        BadInput: no such file, truncated, of another kind, with tensors that do not fit the architecture it names, or of a
            network that a module builds which is not imported here.
    """
    header, tensors = read_file(Path(path))
    if "architecture" not in header:
        raise BadInput(f"{path}: no architecture in the header, so this is not a file of save_network")
    try:
        architecture = Architecture.from_dict(parse_json(header["architecture"]))
        _require_module(architecture.name, module_in(header), Path(path).parent)
        network = _skeleton(architecture)
        # Outside: arithmetic of indices on the meta device imports all of torch's compiler.
        network = _shrunk(network, architecture)
        tensors = with_tied_names(network, tensors)
        _check_fit(network, tensors)
        tied = tied_names(network)
        network.load_state_dict(tensors, assign=True)
        tie_again(network, tied)
        network = _materialised(network, architecture, tensors)
        compute_weights(network)
        _restore_outcome(network, header.get("outcome"))
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError, RecursionError, OverflowError) as error:
        raise BadInput(f"{path}: the header does not describe a network ({str(error).splitlines()[:1]})") from error
    return network


def module_in(header: dict[str, str]) -> DefiningModule | None:
    """Return the user's module that builds the network of a file, as its header says; None for a network that ships.

    Raises:
        BadInput: the header names none that could be imported.
    """
    if HEADER_KEY not in header:
        return None
    try:
        return DefiningModule.from_header_text(header[HEADER_KEY])
    except ValueError as error:
        raise BadInput(f"the header's {HEADER_KEY!r} cannot be read ({error})") from None


def _require_module(name: str, built_by: DefiningModule | None, folder: Path) -> None:
    if built_by is not None and not is_known(name):
        raise BadInput(f"network {name!r} is not known here: {built_by.missing(folder)}")


def read_file(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return header texts and tensors of a safetensors file.

    Raises:
        BadInput: it is missing, truncated or not safetensors at all.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt") as opened:
            # A copy in memory of our own: mapped tensors would change with the file, and are not aligned.
            tensors = {name: opened.get_tensor(name).clone() for name in opened.keys()}  # noqa: SIM118 (not a dict)
            return dict(opened.metadata() or {}), tensors
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError, MemoryError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise BadInput(f"{path}: truncated, or not a .safetensors file ({said})") from error


class _WithoutInitialisation(TorchFunctionMode):
    """Skip random fills: the values come from the file, and a fill on the meta device imports all of torch's compiler."""

    FILLS = (Tensor.normal_, Tensor.uniform_)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Return the tensor as it is for a fill, and what the function returns otherwise."""
        return args[0] if func in self.FILLS else func(*args, **(kwargs or {}))


def _skeleton(architecture: Architecture) -> nn.Module:
    """Build on the meta device, for the shapes: a header that lies about widths must not cost memory.

    A network that looks at values while it is built, as some parametrizations do, is built for real.
    """
    try:
        with torch.device("meta"), _WithoutInitialisation():
            network = build_network(architecture.name, **architecture.options)
        if not computed_weights(network):
            return network
    except (RuntimeError, OwnCodeFailed):
        pass
    with torch.random.fork_rng(devices=[]):
        return build_network(architecture.name, **architecture.options)


def _shrunk(network: nn.Module, architecture: Architecture) -> nn.Module:
    if architecture.kept:
        remove_channels(network, architecture.kept)
    return network


def _materialised(network: nn.Module, architecture: Architecture, tensors: dict[str, Tensor]) -> nn.Module:
    """Return the network with every tensor real; buffers that no file holds need a build off the meta device."""
    rest = [*network.parameters(), *network.buffers()]
    if any(tensor.is_meta for tensor in rest):
        with torch.random.fork_rng(devices=[]):
            network = _shrunk(build_network(architecture.name, **architecture.options), architecture)
        network.load_state_dict(tensors)
    return network


def _check_fit(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    missing = sorted(set(wanted) - set(tensors))
    unexpected = sorted(set(tensors) - set(wanted))
    reshaped = sorted(name for name in set(wanted) & set(tensors) if wanted[name] != tuple(tensors[name].shape))
    found = {"missing": missing, "unexpected": unexpected, "of another shape": reshaped}
    if missing or unexpected or reshaped:
        texts = [f"{word}: {', '.join(names[:3])} ({len(names)} in all)" for word, names in found.items() if names]
        raise BadInput(f"the tensors do not fit the architecture in the header; {'; '.join(texts)}")


def _restore_outcome(network: nn.Module, text: str | None) -> None:
    if text is None:
        return
    plain = parse_json(text)
    kept, masks = {}, {}
    if plain["granularity"] == "weights":
        masks = masks_from_zeros(network, [layer["name"] for layer in plain["layers"]])
    else:
        left = architecture_of(network).kept
        kept = {layer["name"]: list(left.get(layer["name"], range(layer["total"]))) for layer in plain["layers"]}
    network.outcome = PruningOutcome.from_dict({**plain, "kept": kept}, masks)  # type: ignore[assignment]


def _ordered(data: bytes) -> bytes:
    """Return the same file with its header in a fixed order: the library writes metadata in random order."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    text = json.dumps({"__metadata__": dict(sorted(metadata.items())), **header}, separators=(",", ":"), ensure_ascii=False)
    encoded = text.encode()
    encoded += b" " * (-len(encoded) % 8)
    return len(encoded).to_bytes(8, "little") + encoded + data[8 + length :]
