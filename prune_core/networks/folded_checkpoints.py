"""Checkpoints that hold what a weight is computed from, for a network that holds the weight itself.

The names are those of torch: ``weight_orig`` and ``weight_mask`` (`torch.nn.utils.prune`), ``weight_g`` and ``weight_v``
(`torch.nn.utils.weight_norm`), ``weight_orig``, ``weight_u`` and ``weight_v`` (`torch.nn.utils.spectral_norm`), and the same
under ``parametrizations.weight``. Each is folded into the weight that such a network computes in evaluation mode.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

PARAMETRIZED = "parametrizations."


def with_folded_weights(found: Mapping[str, Tensor], wanted: Collection[str]) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint, those that stand for one weight folded into it.

    Args:
        found: the checkpoint.
        wanted: the names of the network's state dict; what has such a name is left as it is.
    """
    tensors = _renamed(found, wanted)
    for name in list(tensors):
        for ends, fold in (
            (("_orig", "_mask"), _masked),
            (("_orig", "_u", "_v"), _spectral),
            (("_g", "_v"), _normed),
            ((".original0", ".original1"), _normed),
            ((".original", ".0._u", ".0._v"), _spectral),
        ):
            stem = name.removesuffix(ends[0])
            parts = [stem + end for end in ends]
            weight = stem.replace(PARAMETRIZED, "")
            if stem == name or weight in tensors or not all(part in tensors and part not in wanted for part in parts):
                continue
            value = fold(*(tensors[part] for part in parts))
            if value is not None:
                tensors = {key: tensor for key, tensor in tensors.items() if key not in parts} | {weight: value}
    return tensors


def _renamed(found: Mapping[str, Tensor], wanted: Collection[str]) -> dict[str, Tensor]:
    """Give weight norm of the old style the names of the new one where the network has those, and the other way round."""
    pairs = (("_g", ".original0"), ("_v", ".original1"))
    renamed = {}
    for name, tensor in found.items():
        owner, dot, leaf = name.rpartition(".")
        candidates = [name]
        for old, new in pairs:
            candidates += [f"{owner}{dot}{PARAMETRIZED}{leaf.removesuffix(old)}{new}"] if leaf.endswith(old) else []
            candidates += [name.removesuffix(new).replace(PARAMETRIZED, "") + old] if name.endswith(new) else []
        renamed[next((each for each in candidates if each in wanted), name)] = tensor
    return renamed


def _masked(weight: Tensor, mask: Tensor) -> Tensor | None:
    return weight * mask.to(weight.dtype) if weight.shape == mask.shape else None


def _normed(norm: Tensor, direction: Tensor) -> Tensor | None:
    """Return g v / |v|, the norm over all dimensions but those that g has."""
    if norm.dim() not in (0, direction.dim()):
        return None
    over = [at for at in range(direction.dim()) if norm.dim() == 0 or norm.shape[at] == 1]
    length: Tensor = torch.linalg.vector_norm(direction, dim=over, keepdim=True)
    return direction * (norm / length) if norm.shape in ((), length.shape) else None


def _spectral(weight: Tensor, left: Tensor, right: Tensor) -> Tensor | None:
    """Return W / (u W v), W flattened to rows; the rows are the first dimension, of transposed layers the second."""
    rows = weight if len(left) == weight.shape[0] else weight.transpose(0, 1)
    matrix = rows.flatten(1)
    if matrix.shape != (len(left), len(right)):
        return None
    largest: Tensor = left @ matrix @ right
    return weight / largest
