"""A contact sheet: corruptions down, severities across, so that one can see what is meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prune_core.base.errors import BadInput
from prune_core.base.files import replacing
from prune_core.corruptions.apply import check_images, corrupt_numbered
from prune_core.corruptions.definition import EXTRA, SEVERITIES, STANDARD, Images

_MARGIN = 4
_TEXT = 12
_CAPTION = 124
_SHOWN = 64


def contact_sheet(
    images: Images,
    path: Path,
    *,
    numbers: NDArray[np.int64] | None = None,
    corruptions: Sequence[str] = (*STANDARD, *EXTRA),
    seed: int = 0,
    title: str = "",
) -> None:
    """Write a PNG of a few images, clean and under every corruption at severities 1 to 5.

    Args:
        images: ``(N, H, W, C)`` uint8; each has its own block of columns. One to three are readable.
        path: Where to.
        numbers: ``(N,)``: of the images in their set, on which their corruption depends; None for 0 to N - 1.
        corruptions: Which, from top to bottom.
        seed: Of the corruptions.
        title: Written above.

    Raises:
        BadInput: for images that cannot be corrupted, or none, or a path that cannot be written.
    """
    check_images(images)
    if not 1 <= len(images) <= 8:
        raise BadInput(f"a contact sheet of {len(images)} images (allowed: 1 to 8)")
    scale = max(1, round(_SHOWN / images.shape[1]))
    which = np.arange(len(images)) if numbers is None else numbers
    rows = [
        (name, [images, *(corrupt_numbered(images, name, severity, which, seed=seed) for severity in SEVERITIES)])
        for name in corruptions
    ]
    sheet = _drawn(rows, scale, images.shape[1] * scale, images.shape[2] * scale, title)
    try:
        with replacing(Path(path)) as temporary:
            sheet.save(temporary, "PNG", optimize=True)
    except OSError as error:
        raise BadInput(f"cannot write the contact sheet {path}: {error.strerror or error}") from error


def _drawn(rows: list[tuple[str, list[Images]]], scale: int, height: int, width: int, title: str) -> Any:
    from PIL import Image, ImageDraw

    count = len(rows[0][1][0])
    columns = len(rows[0][1])
    top = 2 * _TEXT + 3 * _MARGIN
    block = columns * (width + _MARGIN) + 2 * _MARGIN
    sheet = Image.new("RGB", (_CAPTION + count * block, top + len(rows) * (height + _MARGIN)), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN), title, fill="black")
    for number in range(count):
        for column in range(columns):
            left = _CAPTION + number * block + column * (width + _MARGIN)
            draw.text((left, top - _TEXT - _MARGIN), "clean" if column == 0 else f"severity {column}", fill="black")
    for line, (name, cells) in enumerate(rows):
        upper = top + line * (height + _MARGIN)
        draw.text((_MARGIN, upper + height // 2 - _TEXT // 2), name, fill="black")
        for column, cell in enumerate(cells):
            for number, image in enumerate(cell):
                left = _CAPTION + number * block + column * (width + _MARGIN)
                sheet.paste(_picture(image, scale), (left, upper))
    return sheet


def _picture(image: Images, scale: int) -> Any:
    from PIL import Image

    large = image.repeat(scale, axis=0).repeat(scale, axis=1)
    return Image.fromarray(np.ascontiguousarray(large[..., 0] if large.shape[2] == 1 else large))
