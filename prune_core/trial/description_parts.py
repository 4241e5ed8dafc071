"""The parts of what a trial does: images, architecture, method, weights that the user brings. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from prune_core.base.described import Described

PLACES = ("root", "download")
"""Options of a dataset that say where its images are, and not which they are."""


@dataclass(frozen=True)
class DataDescription(Described):
    """The images, and how they are cut.

    Attributes:
        name: of the dataset; a path after a colon where it is the user's.
        options: as the study file gives them.
        checksum: SHA-256 of the arrays; None where nobody has looked (then the key is not the real one).
        train: images to train on; None takes what is left.
        validation: images that steer.
        test: images that are reported; None takes the dataset's own.
        code: digests of the user's modules that make the dataset (`prune_core.base.registry.Registry.code`).
    """

    FOUNDING: ClassVar[tuple[str, ...]] = ("name", "options", "checksum", "train", "validation", "test")

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    checksum: str | None = None
    train: int | None = None
    validation: int = 0
    test: int | None = None
    code: Mapping[str, str] = field(default_factory=dict)

    def keyed(self) -> dict[str, Any]:
        """Return the data without its places: the checksum says which images they are. All of it without a checksum."""
        whole = self.to_plain()
        if self.checksum is None:
            return whole
        options = {name: value for name, value in whole["options"].items() if name not in PLACES}
        return {**whole, "name": self.name.partition(":")[0], "options": options}


@dataclass(frozen=True)
class NetworkDescription(Described):
    """An architecture.

    Attributes:
        name: as `build_network` knows it.
        options: without those that follow from the data, and without later ones at their defaults.
        code: digests of the user's modules that make the network.
    """

    FOUNDING: ClassVar[tuple[str, ...]] = ("name", "options")

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MethodDescription(Described):
    """A pruning method.

    Attributes:
        name: of the method.
        options: without later ones at their defaults.
        code: digests of the user's modules that make the method.
    """

    FOUNDING: ClassVar[tuple[str, ...]] = ("name", "options")

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckpointDescription(Described):
    """Weights that the user brings.

    Attributes:
        path: of the file.
        sha256: of its content; None accepts any.
    """

    FOUNDING: ClassVar[tuple[str, ...]] = ("path", "sha256")

    path: str
    sha256: str | None = None

    def keyed(self) -> dict[str, Any]:
        """Return the file by what is in it."""
        return {name: value for name, value in self.to_plain().items() if name != "path"}
