"""The notebook of examples/ runs on a finished study and shows what stands in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from documentation.gather import ROOT
from documentation.notebook import run_cells

NOTEBOOK = ROOT / "examples" / "read_a_study.ipynb"


def shown(outputs: list[dict[str, Any]]) -> list[Any]:
    """Return the text of outputs, and of figures that there is one."""
    texts = [each.get("text") or each["data"].get("image/png", each["data"]["text/plain"]) for each in outputs]
    return [text if isinstance(text, list) else "a figure" for text in texts]


def test_the_notebook_shows_what_it_finds(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(finished, tmp_path / "runs" / "digits")
    (tmp_path / "runs" / "digits" / "report").mkdir()
    (tmp_path / "runs" / "digits" / "report" / "index.html").touch()  # it is finished: nothing is run
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    written = [shown(cell["outputs"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    found = [shown(outputs) for outputs in run_cells(notebook)]
    assert found == written
    assert ["a figure"] in found and all(found)
