from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.running import prunefront


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the output folder of the smoke study, run once by the command line and not disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    ran = prunefront("run", "smoke", "--out", folder / "runs" / "smoke", cwd=folder)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (folder / "said.txt").write_text(ran.stdout)
    return folder / "runs" / "smoke"
