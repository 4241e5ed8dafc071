"""The code of a card: it is run by the tests as it stands, in a process that has nothing but the files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def prepare(given: Mapping[str, Any]) -> list[str]:
    """Return the lines that make ``images`` of pixels.

    Args:
        given: the card's ``input``.
    """
    channels, height, width = given["shape"][1:]
    mean, std = ([float(f"{value:.8g}") for value in given[name]] for name in ("mean", "std"))
    return [
        "import numpy as np",
        f"pixels = np.zeros((1, {height}, {width}, {channels}), np.uint8)  # yours: (batch, height, width, channels)",
        f"mean, std = np.float32({mean}), np.float32({std})",
        'images = np.array(((pixels / np.float32(255) - mean) / std).transpose(0, 3, 1, 2), order="C")',
    ]


def load(name: str, module: str | None) -> list[str]:
    """Return the lines that load a file and run it on ``images``.

    Args:
        name: of the file, as `sweeps.export.files` calls it.
        module: of the user's own that builds the network; the programs do without.
    """
    if name.endswith(".onnx"):
        return [
            "import onnxruntime",
            f'session = onnxruntime.InferenceSession("{name}", providers=["CPUExecutionProvider"])',
            'logits = session.run(["logits"], {"images": images})[0]',
        ]
    if name.endswith(".pt2"):
        return [
            "import torch",
            f'network = torch.export.load("{name}").module()',
            "logits = network(torch.from_numpy(images)).detach().numpy()",
        ]
    return [
        "import torch",
        *([] if module is None else [f"import {module}  # builds the network"]),
        "from prune_core.pruning import load_network",
        f'network = load_network("{name}").eval()',
        "logits = network(torch.from_numpy(images)).detach().numpy()",
    ]
