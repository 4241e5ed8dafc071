"""Whoever follows README and guides from top to bottom gets what they say: their commands and blocks are run as they stand.

What takes longer than 30 s, a cluster or a server, and the pages in depth, are checked in ``test_blocks`` without being run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from documentation.blocks import Block, blocks, commands
from documentation.gather import ROOT
from tests.end_to_end.plugins_page import write_files

PAGES = [
    ROOT / "docs" / "index.md",
    *sorted(ROOT.glob("docs/guides/*.md")),
    ROOT / "README.md",
    ROOT / "docs" / "columns.md",
]
NOT_RUN = {
    "prunefront run": "a sweep; what it does is run in tests/end_to_end",
    "dashboard": "a server",
    "prunefront report": "run in tests/dashboards/report",
    "plan paper": "the calibration of a large network",
    "plan quickstart-search": "as `plan quickstart`",
    "--out /shared": "a cluster's folder",
    "status /shared": "a cluster's folder",
    "status runs/my-study": "what `run` of a study of one's own leaves",
    "model.pth": "a file of the reader's",
    "pruned.safetensors": "made of it",
}
"""Part of a command of the command line -> why it is not run."""
NETWORK = """
import torch, my_network
torch.manual_seed(0)
torch.save(my_network.build(num_classes=10, in_channels=1).state_dict(), "tiny.pth")
"""


def steps() -> Iterator[dict[str, str]]:
    """Yield what a reader does, page by page; the guide on networks first, since others use what it makes."""
    yield {"kind": "python", "text": NETWORK, "place": "preparation"}
    for path in sorted(PAGES, key=lambda page: (page.name != "own-network.md", PAGES.index(page))):
        for block in blocks(path):
            yield from _of(block)


def _of(block: Block) -> Iterator[dict[str, str]]:
    place = f"{block.page}:{block.line}"
    if block.file:
        yield {"kind": "file", "text": block.text, "file": block.file, "place": place}
    elif block.language in ("python", "yaml"):
        yield {"kind": block.language, "text": block.text, "place": place}
    elif block.language == "bash":
        for words in commands(block.text):
            line = " ".join(words)
            if words[0] == "prunefront" and not any(part in line for part in NOT_RUN):
                yield {"kind": "bash", "text": line, "place": place}


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory, finished: Path) -> list[dict[str, Any]]:
    place = tmp_path_factory.mktemp("reader")
    write_files(place, "my_network.py")
    for name in ("quickstart", "other", "mine"):
        shutil.copytree(finished, place / "runs" / name)
    (place / "steps.json").write_text(json.dumps(list(steps())))
    ran = subprocess.run(
        [sys.executable, "-m", "tests.docs.follow", "steps.json", "results.json"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return list(json.loads((place / "results.json").read_text()))


def test_whoever_follows_the_pages_gets_what_they_say(followed: list[dict[str, Any]]) -> None:
    wrong = [f"{each['place']}\n{each['text']}\n{each['said']}" for each in followed if each["status"] != 0]
    assert wrong == []


def test_what_is_run_is_counted(followed: list[dict[str, Any]]) -> None:
    count = {kind: sum(each["kind"] == kind for each in followed) for kind in ("bash", "python", "yaml", "file")}
    assert count["bash"] >= 14 and count["python"] >= 6 and count["yaml"] >= 6 and count["file"] >= 3, count
