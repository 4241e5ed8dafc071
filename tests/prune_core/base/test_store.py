"""The store: computed once, raced for without locks, mended when damaged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from prune_core.base.description import content_key
from prune_core.base.store import Store, is_whole, read_meta

DESCRIPTION = {"kind": "test", "number": 1}


def write(text: str):
    def make(folder: Path):
        (folder / "data.txt").write_text(text)
        return {"seconds": 1.5}

    return make


def test_made_once_and_found_again(tmp_path):
    store = Store(tmp_path)
    assert store.find(DESCRIPTION) is None
    entry = store.get_or_make(DESCRIPTION, write("one"))
    assert entry == store.path(content_key(DESCRIPTION)) == store.find(DESCRIPTION)
    assert store.get_or_make(DESCRIPTION, lambda _: pytest.fail("made again")) == entry
    assert read_meta(entry) == {
        "description": DESCRIPTION,
        "made": {"seconds": 1.5},
        # sha256 of b"one" by sha256sum
        "files": {"data.txt": {"size": 3, "sha256": "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"}},
    }
    assert store.get_or_make({**DESCRIPTION, "number": 2}, write("two")) != entry


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: (entry / "data.txt").write_text("on"),
        lambda entry: (entry / "data.txt").write_text("onf"),
        lambda entry: (entry / "data.txt").unlink(),
        lambda entry: (entry / "meta.json").unlink(),
        lambda entry: (entry / "meta.json").write_text('{"files": {'),
        lambda entry: (entry / "meta.json").write_text("[]"),
    ],
)
def test_a_damaged_entry_is_made_again(tmp_path, damage):
    store = Store(tmp_path)
    entry = store.get_or_make(DESCRIPTION, write("one"))
    damage(entry)
    assert store.find(DESCRIPTION) is None
    assert store.get_or_make(DESCRIPTION, write("one")) == entry
    assert is_whole(entry)
    assert (entry / "data.txt").read_text() == "one"
    assert [path.name for path in tmp_path.iterdir()] == [entry.name]


def test_a_maker_that_fails_leaves_nothing(tmp_path):
    def make(folder: Path):
        (folder / "data.txt").write_text("half")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        Store(tmp_path).get_or_make(DESCRIPTION, make)
    assert list(tmp_path.iterdir()) == []


def test_the_second_of_two_racers_takes_what_is_there(tmp_path):
    store = Store(tmp_path)

    def slow(folder: Path):
        store.get_or_make(DESCRIPTION, write("first"))
        (folder / "data.txt").write_text("second")

    entry = store.get_or_make(DESCRIPTION, slow)
    assert (entry / "data.txt").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == [entry.name]


RACER = """
import sys, pathlib
from prune_core.base.store import Store, is_whole
store = Store(pathlib.Path(sys.argv[1]))
for number in range(60):
    def make(folder):
        (folder / "a").write_bytes(bytes([number]) * 5000)
        (folder / "b").write_bytes(b"b")
    entry = store.get_or_make({"number": number}, make)
    assert is_whole(entry), entry
    assert (entry / "a").read_bytes() == bytes([number]) * 5000
"""


def test_two_processes_race(tmp_path):
    """Both go through the same 60 entries at once: neither fails, every entry is whole, nothing else is left."""
    racers = [subprocess.Popen([sys.executable, "-c", RACER, str(tmp_path)]) for _ in range(2)]
    assert [racer.wait(timeout=60) for racer in racers] == [0, 0]
    entries = list(tmp_path.iterdir())
    assert len(entries) == 60
    assert all(is_whole(entry) for entry in entries)


def test_neither_store_nor_folder_names_import_torch():
    rooms = "prune_core.base.store, prune_core.base.trial_folder, prune_core.trial.description, prune_core.trial.order"
    code = f"import sys, {rooms}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
