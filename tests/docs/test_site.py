"""The sources of the site: the reference says what the code says, and links end inside it.

The site itself is built by ``make docs``, in which a warning is an error.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import prunefront
from dashboards.cli import cli
from documentation.blocks import commands
from documentation.elsewhere import loaded_from_elsewhere
from documentation.gather import ROOT, gather, links, write_configuration
from sweeps.study.model import Study


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site") / "docs"
    gather(place)
    return place


def test_the_reference_has_every_command_and_option(gathered: Path) -> None:
    text = (gathered / "reference" / "command-line.md").read_text(encoding="utf-8")
    for name, command in cli.commands.items():
        part = text.partition(f"## {name}\n")[2].partition("\n## ")[0]
        assert part, name
        assert [
            option for one in command.params for option in one.opts if option.startswith("--") and option not in part
        ] == []


def test_the_reference_has_every_key_column_and_name(gathered: Path) -> None:
    keys = (gathered / "reference" / "study-file.md").read_text(encoding="utf-8")
    assert [name for name in Study.model_fields if f"| `{name}` |" not in keys] == []
    columns = (gathered / "reference" / "columns.md").read_text(encoding="utf-8")
    assert [name for name in ("accuracy", "val_ece_t", "mpc", "size_bytes") if f"| `{name}` |" not in columns] == []
    names = (gathered / "reference" / "python.md").read_text(encoding="utf-8")
    assert [each for each in prunefront.__all__ if each[0] != "_" and f"### `prunefront.{each}`" not in names] == []
    assert "#### `StudyResults.front`" in names and "`budget`: epochs of fine-tuning" in names


def test_links_of_the_site_end_in_it(gathered: Path) -> None:
    broken = [
        f"{path.relative_to(gathered)}: {target}"
        for path in gathered.rglob("*.md")
        for target in links(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_every_page_is_in_the_navigation(gathered: Path) -> None:
    project = tomllib.loads(write_configuration(gathered).read_text(encoding="utf-8"))["project"]

    def named(entry: Any) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        parts = entry.values() if isinstance(entry, dict) else entry
        return [name for part in parts for name in named(part)]

    assert sorted(named(project["nav"])) == sorted(path.relative_to(gathered).as_posix() for path in gathered.rglob("*.md"))


def test_tables_of_the_reference_have_the_same_number_of_cells_in_every_row(gathered: Path) -> None:
    for path in (gathered / "reference").glob("*.md"):
        for table in re.findall(r"(?:^\|.*\|\n)+", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table[:200]


@pytest.mark.parametrize(
    "page, found",
    [
        ('<script src="https://cdn.example/x.js"></script>', ["a.html: https://cdn.example/x.js"]),
        ('<link rel="stylesheet" href="//fonts.example/css">', ["a.html: //fonts.example/css"]),
        ('<link rel="canonical" href="https://site.example/a">', []),
        ('<img src="images/a.png"><a href="https://example.org">x</a>', []),
        ('<p style="background: url(https://x.example/a.png)">', ["a.html: https://x.example/a.png"]),
        ("<style>@import 'https://x.example/a.css';</style>", ["a.html: https://x.example/a.css"]),
        ('<pre class="mermaid"></pre>', ["a.html: mermaid: a script from a CDN would draw it"]),
    ],
)
def test_what_is_loaded_from_elsewhere_is_found(page: str, found: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(page)
    assert loaded_from_elsewhere(tmp_path) == found


def test_fonts_from_elsewhere_are_found_in_style_sheets(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@font-face { src: url('https://fonts.example/a.woff2') } b { src: url(a.woff2) }")
    assert loaded_from_elsewhere(tmp_path) == ["a.css: https://fonts.example/a.woff2"]


def test_the_version_is_the_same_wherever_it_stands() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == version
    released = re.findall(
        r"^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M
    )
    assert released[0] == version


def test_every_workflow_and_template_can_be_read_and_names_tools_that_are_there() -> None:
    for path in [*ROOT.glob(".github/**/*.yml"), ROOT / ".pre-commit-config.yaml", ROOT / "CITATION.cff"]:
        assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict), path
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    named = re.findall(r"tests/\S+\.py", " ".join(hook["entry"] for hook in hooks))
    assert named and all((ROOT / name).is_file() for name in named)
    steps = [
        step.get("run", "")
        for path in ROOT.glob(".github/workflows/*.yml")
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
        for step in job["steps"]
    ]
    for command in (words for text in steps for words in commands(text) if words[0] in ("make", "bash")):
        assert command[0] == "make" or (ROOT / command[1]).is_file(), command
