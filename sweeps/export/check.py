"""What a clean process finds when it loads exported files: run as ``python -m sweeps.export.check``, JSON in and out.

It is told nothing but the files' names and images with the logits to expect. ONNX comes first, when PyTorch is not imported
yet, then the program, when this package's networks are not, and safetensors, which needs them, last.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prune_core.base.plugins import import_plugins

Array = NDArray[np.float32]
Run = Callable[[Array], Array]

TOLERANCE = 1e-4
"""Of float32 files: largest difference of a logit, relative to the largest logit (at least 1)."""
_ORDER = (".onnx", ".pt2", ".safetensors")
_LATENCY_SECONDS = 1.0
_LATENCY_RUNS = 200


def check_files(
    folder: Path, files: list[str], images: Array, logits: Array, plugins: Sequence[str] = (), paths: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Load each file and run it on all images at once, on one and on three, then time it on one.

    Args:
        folder: holds the files.
        files: their names.
        images: ``(N, C, H, W)`` float32, normalised, N at least 3.
        logits: ``(N, K)`` that the network gave.
        plugins: modules that know the network's architecture; for safetensors only.
        paths: folders to look for them in.

    Returns:
        By file: ``largest_difference``, ``relative_difference``, ``batch_difference`` (between batch sizes), ``same_class``
        (share of images), ``host_latency`` and the ``runtime`` that ran it.
    """
    ordered = sorted(files, key=lambda name: _ORDER.index(Path(name).suffix))
    return {name: _check(*_open(folder / name, plugins, paths), images, logits) for name in ordered}


def _open(path: Path, plugins: Sequence[str], paths: Sequence[str]) -> tuple[Run, str]:
    if path.suffix == ".onnx":
        return _open_onnx(path)
    import torch

    torch.set_num_threads(1)
    if path.suffix == ".pt2":
        network: Any = torch.export.load(path).module()
    else:
        import_plugins(plugins, paths)
        from prune_core.pruning import load_network  # an ONNX file is checked in a process that never saw torch

        network = load_network(path).eval()

    def run(images: Array) -> Array:
        with torch.inference_mode():
            return np.asarray(network(torch.from_numpy(images)).numpy())

    return run, f"PyTorch {torch.__version__}"


def _open_onnx(path: Path) -> tuple[Run, str]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(["logits"], {"images": images})[0], f"onnxruntime {onnxruntime.__version__}"


def _check(run: Run, runtime: str, images: Array, logits: Array) -> dict[str, Any]:
    together = run(images)
    few = np.concatenate([run(images[:1]), run(images[1:3])])
    largest = float(np.abs(together - logits).max())
    scale = max(1.0, float(np.abs(logits).max()))
    return {
        "runtime": runtime,
        "images": len(images),
        "largest_difference": largest,
        "relative_difference": largest / scale,
        "batch_difference": float(np.abs(few - together[: len(few)]).max()) / scale,
        "same_class": float((together.argmax(axis=1) == logits.argmax(axis=1)).mean()),
        "host_latency": _latency(run, images[:1]),
    }


def _latency(run: Run, image: Array) -> dict[str, float | int]:
    """Return milliseconds for one image on one thread: median and the middle 80 % of the runs."""
    for _ in range(5):
        run(image)
    taken: list[float] = []
    ends = time.perf_counter() + _LATENCY_SECONDS
    while len(taken) < 20 or (len(taken) < _LATENCY_RUNS and time.perf_counter() < ends):
        started = time.perf_counter()
        run(image)
        taken.append(1000 * (time.perf_counter() - started))
    low, middle, high = np.percentile(taken, [10, 50, 90])
    return {"median_ms": float(middle), "p10_ms": float(low), "p90_ms": float(high), "runs": len(taken), "threads": 1}


def main() -> None:
    """Read ``{folder, files, sample, plugins, plugin_paths}`` from stdin, write what was found to stdout."""
    asked = json.load(sys.stdin)
    with np.load(asked["sample"], allow_pickle=False) as sample:
        found = check_files(
            Path(asked["folder"]),
            asked["files"],
            sample["images"],
            sample["logits"],
            asked["plugins"],
            asked["plugin_paths"],
        )
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
