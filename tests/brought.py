"""A finished study whose network comes with one checkpoint for both seeds, beside a dense network that is trained."""

from __future__ import annotations

import tarfile
from pathlib import Path

ARCHIVE = Path(__file__).parent / "fixtures" / "study-with-checkpoint.tar.xz"


def brought_study(root: Path) -> Path:
    """Unpack the study into a folder; return its study file, beside which its output folder `out` lies."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(root, filter="data")
    return root / "study" / "mine.yaml"
