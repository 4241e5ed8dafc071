from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from prunefront import StudyResults, open_study

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "study-0.1.0.tar.xz"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the output folder of the smoke study, as version 0.1.0 left it."""
    place = tmp_path_factory.mktemp("finished")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(place, filter="data")
    return place / "smoke"


@pytest.fixture(scope="session")
def opened(finished: Path) -> StudyResults:
    return open_study(finished)
