"""The proof of an export: its files, loaded again in a clean process, answer as the network that was judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from prune_core.base.trial_folder import REPORT, SELECTION
from prune_core.evaluation.logits import LogitSet
from prune_core.trial.data import TrialData
from sweeps.export.check import TOLERANCE
from sweeps.export.choice import Choice
from sweeps.export.files import INT8

_CHECKED_IMAGES = 64
_CHECK_SECONDS = 600
_KEPT_TOLERANCE = 1e-2
"""Between the CPU here and the logits that the trial kept, maybe on a GPU: more means that these are other weights."""


class ExportFailed(RuntimeError):
    """Files could not be made, or did not do what the network does; nothing of that network is left behind.

    Its arguments are lines that say why, by default one.
    """

    def __str__(self) -> str:
        """The lines, as one."""
        return "; ".join(map(str, self.args))


def sample_of(
    network: torch.nn.Module, choice: Choice, data: TrialData
) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, Any] | None]:
    """Return images with the network's logits, and how far those are from the logits that the trial kept.

    Raises:
        ExportFailed: they are far away, so these are not the weights that were judged.
    """
    subset, kept = (data.split.test, REPORT) if len(data.split.test.labels) >= 3 else (data.split.validation, SELECTION)
    # A copy: images of one channel keep strides that torch takes for channels last, which not every network computes.
    images = np.array(data.normalised(subset.images[subset.index[:_CHECKED_IMAGES]]), order="C")
    with torch.inference_mode():
        logits = network(torch.from_numpy(images)).numpy()
    if not (choice.folder / kept).exists():
        return {"images": images, "logits": logits}, None
    before = LogitSet.load(choice.folder / kept).clean[: len(logits)]
    largest = float(np.abs(before - logits).max()) / max(1.0, float(np.abs(before).max()))
    if not largest <= _KEPT_TOLERANCE:
        raise ExportFailed(f"the weights do not give the logits that were judged (they differ by {largest:.2g})")
    return {"images": images, "logits": logits}, {"relative_difference": largest, "images": len(logits)}


def checked(
    folder: Path,
    names: Sequence[str],
    sample: Mapping[str, np.ndarray[Any, Any]],
    plugins: Sequence[str] = (),
    paths: Sequence[str] = (),
) -> dict[str, dict[str, Any]]:
    """Load every file again in a clean process, which works in the folder of the files.

    Args:
        folder: holds the files.
        names: theirs.
        sample: what `sample_of` returned.
        plugins: modules to import before a safetensors file is loaded.
        paths: folders to look for them in.

    Raises:
        ExportFailed: a file cannot be loaded, or its answers are too far from the network's.
    """
    with tempfile.TemporaryDirectory() as place:
        np.savez(Path(place) / "sample.npz", allow_pickle=False, **sample)
        asked = {
            "folder": str(folder.resolve()),
            "files": list(names),
            "sample": str(Path(place) / "sample.npz"),
            "plugins": list(plugins),
            "plugin_paths": list(paths),
        }
        ran = _clean_process(asked, folder)
    if ran.returncode != 0:
        raise ExportFailed(f"cannot be loaded in a clean process: {first_line(ran.stderr.strip().splitlines()[-1:])}")
    found: dict[str, dict[str, Any]] = json.loads(ran.stdout.splitlines()[-1])  # plugins may print when imported
    for name in names:
        worst = max(found[name]["relative_difference"], found[name]["batch_difference"])
        if name != INT8 and not worst <= TOLERANCE:
            raise ExportFailed(
                f"{name} differs from the network by {worst:.2g} of the largest logit (allowed {TOLERANCE:g})"
            )
    return found


def _clean_process(asked: Mapping[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [sys.executable, "-m", "sweeps.export.check"],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=_CHECK_SECONDS,
            check=False,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": _import_path()},
        )
    except subprocess.TimeoutExpired:
        raise ExportFailed(f"the files did not answer within {_CHECK_SECONDS} s in a clean process") from None


def _import_path() -> str:
    """Return the import path under which a new process finds this package, wherever it was started."""
    own = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join([own, *filter(None, [os.environ.get("PYTHONPATH")])])


def first_line(found: object) -> str:
    """Return what an error says (or the first of some lines) on one line, 300 characters at most."""
    if isinstance(found, list):
        found = found[0] if found else "it said nothing"
    return " ".join(str(found).split())[:300]
