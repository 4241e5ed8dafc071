"""What `dashboards` draws and `sweeps` asks for: imports go the other way, so that the command line hands it in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prune_core.evaluation.logits import LogitSet

Picture = Callable[["LogitSet", float, int, str, Path], None]
"""Draws one network: its report logits, temperature, bins of a reliability diagram, title, and the PNG to write."""


@dataclass(frozen=True)
class Pages:
    """What a run ends with.

    Attributes:
        report: builds the report of an output folder and returns its path.
        picture: draws one network of the front for its run in MLflow.
    """

    report: Callable[[Path], Path] | None = None
    picture: Picture | None = None
