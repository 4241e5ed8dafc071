"""How the images of one network are normalised: as the user says, else as its file does, else as the dataset does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from prune_core.base.errors import BadInput
from prune_core.pruning.normalisation import DEFAULT, FILE, channel_text, source_of

if TYPE_CHECKING:
    from prune_core.data import Dataset
    from prune_core.pruning.normalisation import Normalisation

SAME = 1e-3
"""Values that differ by so much are one, rounded."""


def normalised(dataset: Dataset, given: Collection[str], file: Normalisation | None) -> tuple[Dataset, str]:
    """Return the dataset with the mean and the standard deviation to be used, and where they come from.

    Args:
        dataset: loaded with the user's options.
        given: names of those options; ``mean`` and ``std`` among them win over the file.
        file: what the header of the network's file says; None where it says nothing.

    Raises:
        BadInput: the file is for images with another number of channels.
    """
    source = source_of(given, DEFAULT if file is None else FILE)
    rest = [name for name in ("mean", "std") if name not in given]
    if file is None or not rest:
        return dataset, source
    channels = len(dataset.mean)
    if len(file.mean) != channels:
        raise BadInput(
            f"the file's header normalises {len(file.mean)} channels, the images of {dataset.name!r} have {channels}"
        )
    return replace(dataset, **{name: getattr(file, name) for name in rest}), source


def contradiction(dataset: Dataset, given: Collection[str], file: Normalisation | None) -> list[str]:
    """Return a warning where the user's values are others than the file's, nothing where they agree."""
    if file is None:
        return []
    given = [name for name in ("mean", "std") if name in given]
    differing = [name for name in given if not _close(getattr(dataset, name), getattr(file, name))]
    if not differing:
        return []
    said = "; ".join(f"{name} {channel_text(getattr(file, name))}" for name in differing)
    return [f"warning: {' and '.join(differing)} as given, but the header of the network's file says {said}"]


def _close(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(abs(first - second) <= SAME for first, second in zip(one, other, strict=False))
