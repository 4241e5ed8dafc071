"""What `dashboards` draws and `sweeps` asks for: imports go the other way, so that the command line hands it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prune_core.evaluation.logits import LogitSet


@dataclass(frozen=True)
class JudgedNetwork:
    """One network to be drawn.

    Attributes:
        title: what it is called; shown as it stands.
        images: what it was judged on, in the plural: "report images".
        logits: what it says about them.
        record: the columns of its record; the pictures show these numbers.
        bins: of every ECE of the record.
        corruptions: what the corrupted images are called; None where there are none.
    """

    title: str
    images: str
    logits: LogitSet
    record: Mapping[str, object]
    bins: int
    corruptions: str | None


Report = Callable[[Path], Path]
"""Builds the report of an output folder and returns its path."""
Picture = Callable[[JudgedNetwork, Path], None]
"""Draws one network into one PNG."""
Pictures = Callable[[JudgedNetwork, Path], list[Path]]
"""Draws one network into a folder, a PNG for each figure, and returns the files."""


@dataclass(frozen=True)
class Pages:
    """What the commands of `sweeps` have drawn; None leaves it out.

    Attributes:
        report: what a run ends with.
        picture: one network of the front, for its run in MLflow.
        pictures: the network of ``evaluate --plot``.
    """

    report: Report | None = None
    picture: Picture | None = None
    pictures: Pictures | None = None
