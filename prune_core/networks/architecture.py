"""What a network says about itself: how it was built, which channels can go, in which order its convolutions run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import nn

from prune_core.base.errors import BadInput

SHORTCUT_NAMES = frozenset({"shortcut", "downsample"})
"""Names of modules that hold the convolutions beside the main path."""


@dataclass(frozen=True)
class Architecture:
    """How to build a network again, without its weights.

    Attributes:
        name: the name that `build_network` knows.
        options: every option with its default resolved, ``num_classes`` and ``in_channels`` included.
        kept: channel indices of the *dense* network that are still there, by the name of the channel group;
            empty for a network that was not pruned.
    """

    name: str
    options: dict[str, Any]
    kept: dict[str, list[int]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        kept = {group: list(channels) for group, channels in self.kept.items()}
        return {"name": self.name, "options": dict(self.options), "kept": kept}

    def header_text(self) -> str:
        """Return the description as one line of JSON, as the header of a saved file holds it."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Architecture:
        """Read what `to_dict` wrote.

        Raises:
            BadInput: when it is not the description of a network.
        """
        name, options, kept = plain.get("name"), plain.get("options"), plain.get("kept", {})
        if not isinstance(name, str) or not isinstance(options, dict) or not isinstance(kept, dict):
            raise BadInput("not the description of a network: 'name' (text), 'options' and 'kept' (mappings) are needed")
        for group, channels in kept.items():
            if not isinstance(channels, list) or not all(isinstance(channel, int) for channel in channels):
                raise BadInput(f"kept channels of {group!r} are not a list of whole numbers")
        return cls(name, dict(options), {str(group): list(channels) for group, channels in kept.items()})


@dataclass(frozen=True)
class Consumer:
    """A convolution or linear layer that reads the channels of a group.

    Attributes:
        name: dotted module name.
        positions: spatial positions per channel where a flatten lies between: input column ``c * positions + p``
            belongs to channel ``c``.
    """

    name: str
    positions: int = 1


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that can be removed without touching a residual stream.

    Attributes:
        name: name of the convolution, or of the norm for a selection.
        convolution: produces the channels (kind "filters"), else None.
        norm: the batch norm right after it, or the one whose output a selection picks from.
        consumers: what reads the channels.
        selection: the `ChannelSelection` module (kind "selection"), else None.
        kind: "filters" are removed from the convolution; a "selection" leaves the stream as wide as it is.
    """

    name: str
    convolution: str | None
    norm: str | None
    consumers: tuple[Consumer, ...]
    selection: str | None = None
    kind: Literal["filters", "selection"] = "filters"


def architecture_of(network: nn.Module) -> Architecture:
    """Return the network's `Architecture`.

    Raises:
        BadInput: when the network does not come from `build_network`.
    """
    found = getattr(network, "architecture", None)
    if not isinstance(found, Architecture):
        raise BadInput(f"{type(network).__name__} does not say how it was built: build it with build_network")
    return found


def convolutions(network: nn.Module) -> list[tuple[str, nn.Conv2d]]:
    """Return the convolutions with their names in forward order: position i is number i + 1 of the option ``layers``.

    Those in shortcuts come after all the others, so that in basic-block ResNets the stem is 1 and block b has 2b and 2b + 1.
    The order is the one in which the modules were registered.
    """
    found = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    return sorted(found, key=lambda entry: not SHORTCUT_NAMES.isdisjoint(entry[0].split(".")))
