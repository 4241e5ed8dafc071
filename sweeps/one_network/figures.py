"""The pictures of ``evaluate --plot``: asked for here, drawn in the room above."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prune_core.base.errors import BadInput
from sweeps.folder.pages import JudgedNetwork, Pictures
from sweeps.one_network.images import images_title

if TYPE_CHECKING:
    from sweeps.one_network.judged import Judgement


def plotter(folder: Path, draw: Pictures | None) -> Pictures:
    """Return what draws, and make the folder: before a network is judged for an hour, not after it.

    Raises:
        BadInput: the folder cannot be made, or nothing draws.
    """
    if draw is None:
        raise BadInput("--plot: the code that draws is not loaded (allowed: the command prunefront, which loads it)")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    return draw


def write_figures(judged: Judgement, draw: Pictures, folder: Path) -> list[Path]:
    """Write a picture for each figure; return the files.

    Raises:
        BadInput: the folder cannot be written.
    """
    title = f"{judged.network} on {images_title(judged.dataset)}"
    images = "test images" if judged.shown.test else "images"
    try:
        return draw(JudgedNetwork(title, images, judged.logits, judged.record, judged.bins, judged.corruptions), folder)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(folder: Path, error: OSError) -> BadInput:
    return BadInput(f"--plot: {folder} cannot be written: {error.strerror or error}")
