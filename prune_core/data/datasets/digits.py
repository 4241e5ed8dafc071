"""``digits``: the 1,797 8x8 digits that ship inside scikit-learn, enlarged; small and quick, for tests."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from prune_core.base.errors import BadInput
from prune_core.data.dataset import DATASETS, Arrays, Request
from prune_core.data.options import refuse_argument, refuse_rest

_OWN_SIZE = 8
_SIZES = (8, 16, 24, 32)


@DATASETS.register("digits")
def digits(argument: str, options: dict[str, Any], cache: Path) -> Request:
    """Open the digits (1797, size, size, 1); option ``size`` 8, 16 (default, the least that can be corrupted), 24 or 32."""
    refuse_argument("digits", argument)
    size = options.pop("size", 16)
    if isinstance(size, bool) or size not in _SIZES:
        raise BadInput(f"dataset option 'size' of 'digits' is {size!r} (allowed: {', '.join(map(str, _SIZES))})")
    refuse_rest("digits", options, ("mean", "size", "std"))
    return Request(
        title="Digits",
        licence="CC BY 4.0 (UCI)",
        source="Optical recognition of handwritten digits (Alpaydin and Kaynak 1998), as shipped by scikit-learn",
        fingerprint={"scikit-learn": version("scikit-learn"), "size": size},
        decode=lambda: _decode(size),
    )


def _decode(size: int) -> Arrays:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    # 0..16 to 0..255; each pixel becomes a square of pixels, so that nothing is invented.
    images = np.round(pixels.reshape(-1, _OWN_SIZE, _OWN_SIZE, 1) * (255 / 16)).astype(np.uint8)
    factor = size // _OWN_SIZE
    return Arrays(
        classes=tuple("0123456789"),
        train_images=images.repeat(factor, axis=1).repeat(factor, axis=2),
        train_labels=labels.astype(np.int64),
    )
