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

pytestmark = pytest.mark.timeout(600)  # on a loaded machine; 33 s of CPU

DOCS = ROOT / "docs"
GUIDES = [DOCS / "index.md", *sorted(DOCS.glob("guides/*.md"))]
PAGES = [*GUIDES, ROOT / "README.md", DOCS / "columns.md", DOCS / "export.md"]
NOT_RUN = {
    "prunefront run": "a sweep; what it does is run in tests/end_to_end",
    "dashboard": "a server; tests/dashboards/live",
    "plan paper": "the calibration of a large network",
    "/shared": "a cluster's folder",
    "runs/my-study": "what `run` of a study of one's own leaves",
    "cifar10": "its images are not at hand everywhere",
    "--int8": "over 10 s; tests/sweeps/export",
}
"""Part of a command of the command line -> why it is not run."""
NETWORK = """
import torch, my_network
torch.manual_seed(0)
torch.save(my_network.build(num_classes=10, in_channels=1).state_dict(), "tiny.pth")
from prune_core import build_network
torch.save(build_network("resnet56").state_dict(), "model.pth")
"""
TOO_LONG = {"prunefront export runs/quickstart"}
"""Whole commands that take over 30 s; run in tests/sweeps/export."""


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
            if words[0] == "prunefront" and line not in TOO_LONG and not any(part in line for part in NOT_RUN):
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
    assert count["bash"] >= 20 and count["python"] >= 8 and count["yaml"] >= 6 and count["file"] >= 3, count
