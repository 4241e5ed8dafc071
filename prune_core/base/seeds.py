"""Random streams that depend on what they are for, never on the order in which things run."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def derive_seed(*parts: object) -> int:
    """Return a seed in [0, 2**63) that depends on every part and on nothing else.

    Parts are joined by their ``repr``: use only strings, integers and tuples of them, for example
    ``derive_seed(study_seed, key, "augment", epoch)``.
    """
    digest = hashlib.sha256("\x1f".join(repr(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def torch_generator(*parts: object, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a torch generator seeded by the parts."""
    import torch  # 1.4 s of CPU, which who draws with NumPy need not wait for

    generator = torch.Generator(device=device)
    generator.manual_seed(derive_seed(*parts))
    return generator


def numpy_generator(*parts: object) -> np.random.Generator:
    """Return a NumPy generator (PCG64) seeded by the parts."""
    return np.random.default_rng(derive_seed(*parts))
