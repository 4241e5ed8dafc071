"""Shipped additions are found by their file alone."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from prune_core.base.discovery import import_modules

FOLDERS = (
    "prune_core.networks.families",
    "prune_core.data.datasets",
    "prune_core.corruptions.families",
    "prune_core.pruning.methods",
    "sweeps.samplers.shipped",
    "sweeps.stopping_rules.shipped",
)


def test_every_file_is_imported_in_the_order_of_the_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "dropped_in"
    package.mkdir()
    (package / "__init__.py").write_text("order = []\n")
    for name in ("b", "a", "c"):
        (package / f"{name}.py").write_text("import dropped_in\ndropped_in.order.append(__name__)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    dropped_in = importlib.import_module("dropped_in")
    import_modules("dropped_in", list(dropped_in.__path__))
    assert dropped_in.order == ["dropped_in.a", "dropped_in.b", "dropped_in.c"]
    for name in [name for name in sys.modules if name.partition(".")[0] == "dropped_in"]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_in_a_folder_of_additions_is_one_that_is_imported(folder: str) -> None:
    package = importlib.import_module(folder)
    files = {path.stem for path in Path(str(package.__file__)).parent.glob("*.py")} - {"__init__"}
    assert files and {f"{folder}.{name}" for name in files} <= set(sys.modules)
    text = Path(str(package.__file__)).read_text(encoding="utf-8")
    assert not [name for name in files if f"{folder}.{name}" in text], "no list to keep beside the files"
