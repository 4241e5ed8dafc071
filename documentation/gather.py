"""Gathers the pages of the site: those of docs/, the pages of the root, and the reference made from the code."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from documentation.python_page import python_page
from documentation.reference import benchmarks_page, columns_page, command_line_page, study_file_page

ROOT = Path(__file__).resolve().parents[1]
ROOT_PAGES = {"CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md", "CHANGELOG.md": "changelog.md"}
"""Pages that lie in the root, where people look for them -> what they are called in the site."""
REFERENCE = {
    "study-file.md": study_file_page,
    "command-line.md": command_line_page,
    "columns.md": columns_page,
    "python.md": python_page,
    "benchmarks.md": benchmarks_page,
}

_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]*)(#[^)\s]*)?\)")
_PAGE = re.compile(r'"([\w/-]+\.md)"')
_MERMAID = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def gather(target: Path) -> None:
    """Put the sources of the site into a folder, made anew."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / "docs", target)
    for name, page in ROOT_PAGES.items():
        (target / page).write_text(_of_root((ROOT / name).read_text(encoding="utf-8")), encoding="utf-8")
    (target / "reference").mkdir()
    for name, made in REFERENCE.items():
        (target / "reference" / name).write_text(made(), encoding="utf-8")
    for path in target.rglob("*.md"):
        depth = len(path.relative_to(target).parents) - 1
        path.write_text(_of_docs(path.read_text(encoding="utf-8"), depth), encoding="utf-8")


def write_configuration(target: Path) -> Path:
    """Write the configuration of the site beside its sources, less the pages that are not there; return it."""
    lines = (ROOT / "zensical.toml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not (named := _PAGE.search(line)) or (target / named[1]).is_file()]
    path = target.parent / "zensical.toml"
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return path


def links(text: str) -> list[str]:
    """Return the files that a page links to, without places inside them and other sites."""
    return [found[1] for found in _LINK.finditer(text) if found[1]]


def _of_root(text: str) -> str:
    """Return a page of the root with its links as they are from docs/."""
    return _LINK.sub(lambda found: f"]({found[1].removeprefix('docs/')}{found[2] or ''})", text)


def _of_docs(text: str, depth: int) -> str:
    """Return a page with its links to root pages inside the site; those to files of the repository as plain text."""

    def link(found: re.Match[str]) -> str:
        path, anchor = found[1], found[2] or ""
        name = path.removeprefix("../" * (depth + 1)) if path.startswith("../" * (depth + 1)) else path
        if name in ROOT_PAGES:
            return f"]({'../' * depth}{ROOT_PAGES[name]}{anchor})"
        if name == "README.md":
            return f"]({'../' * depth}index.md{anchor})"
        return found[0]

    # what draws mermaid would come from a CDN: the text of the graph can be read as well
    return _MERMAID.sub(r"```text\n\1```", _LINK.sub(link, text))
