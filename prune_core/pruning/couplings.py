"""What goes with the filters of a convolution in a network that describes no channel groups, and how it is removed."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from prune_core.pruning.surgery import channel_count, remove_channels


@dataclass(frozen=True)
class Member:
    """Channels of one module that follow a filter: ``pairs`` of (their index, the filter's)."""

    key: str
    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Coupling:
    """What goes with the filters of one convolution; ``norm`` is the last batch norm behind it."""

    norm: str | None
    members: tuple[Member, ...]


def remove_filters(network: nn.Module, couplings: dict[str, Coupling], kept: dict[str, list[int]]) -> None:
    """Remove, in place, the filters that are not listed, and what goes with them."""
    gone: dict[str, set[int]] = {}
    for name, indices in kept.items():
        staying = set(indices)
        for member in couplings[name].members:
            going = {index for index, filter_index in member.pairs if filter_index not in staying}
            gone.setdefault(member.key, set()).update(going)
    widths = {key: channel_count(network, key) for key in gone}
    remove_channels(network, {key: [i for i in range(widths[key]) if i not in going] for key, going in gone.items()})
