"""The commands and blocks of code that the pages show, so that tests run or check each of them.

``python -m documentation.blocks`` counts them.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from documentation.gather import ROOT

LANGUAGES = ("bash", "python", "yaml", "toml", "text", "mermaid")
"""What a block may be; ``text`` is what a command prints, or a layout of files."""

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"(?:^|\n)`([\w.-]+\.(?:py|yaml))`[^\n]*:\n\n$")
_INLINE = re.compile(r"(?<!`)`prunefront ([^`]+)`(?!`)")
_COMMENT = re.compile(r"(?:^|\s)#\s.*$", re.MULTILINE)
_ENDS = {"&&", "||", "|", ";", "&", "(", ")"}


@dataclass(frozen=True)
class Block:
    """One block of code of a page.

    Attributes:
        page: the file, relative to the repository.
        line: where it begins, from 1.
        language: what stands behind its fence.
        text: what is inside, without the indentation of its list.
        file: the name that the sentence before it gives the file with this content; empty for what is no file.
    """

    page: str
    line: int
    language: str
    text: str
    file: str = ""


def pages() -> list[Path]:
    """Return the pages that are read by people: README and its neighbours, docs/, examples/, .github."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md"), *ROOT.glob(".github/**/*.md")]
    return sorted(path for path in found if path.name != "CHANGELOG.md")


def blocks(path: Path) -> Iterator[Block]:
    """Yield the blocks of a page, in order."""
    text = path.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        indent, language, inside = found.groups()
        named = _FILE.search(text, 0, found.start())
        lines = [line.removeprefix(indent) for line in inside.splitlines()]
        yield Block(
            path.relative_to(ROOT).as_posix(),
            text.count("\n", 0, found.start()) + 1,
            language,
            "\n".join(lines) + "\n",
            named[1] if named is not None else "",
        )


def all_blocks() -> list[Block]:
    """Return the blocks of every page."""
    return [block for path in pages() for block in blocks(path)]


def commands(text: str) -> list[list[str]]:
    """Return the simple commands of a piece of shell, as words; variables set before one and ``> FILE`` behind it stay."""
    joined = _COMMENT.sub("", text.replace("\\\n", " "))
    result = []
    for line in joined.splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars="&|;()>")
        words.whitespace_split, words.commenters = True, ""
        current: list[str] = []
        for word in words:
            if word in _ENDS:
                result.append(current)
                current = []
            else:
                current.append(word)
        result.append(current)
    return [each for each in result if each]


def inline_commands(path: Path) -> list[str]:
    """Return what stands behind ``prunefront`` wherever a sentence names a command."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    return [" ".join(found[1].split()) for found in _INLINE.finditer(text)]


def main() -> None:
    """Print how many blocks and commands there are."""
    known = all_blocks()
    shell = [command for block in known if block.language == "bash" for command in commands(block.text)]
    inline = sum(len(inline_commands(path)) for path in pages())
    counted = Counter(block.language for block in known)
    said = ", ".join(f"{count} {language}" for language, count in sorted(counted.items()))
    sys.stdout.write(f"{len(known)} blocks on {len(pages())} pages: {said}\n")
    sys.stdout.write(f"{len(shell)} commands in blocks, {inline} commands of prunefront in sentences\n")


if __name__ == "__main__":
    main()
