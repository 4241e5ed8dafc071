"""What the pages of a built site would load from elsewhere: there must be nothing, also no font and no script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_LOADING = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "link": ("href",),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "use": ("href", "xlink:href"),
}
_NOT_LOADED = {"canonical", "alternate", "next", "prev", "license"}
"""Kinds of ``link`` that a browser does not fetch."""
_OUTSIDE = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
_STYLE = re.compile(r"(?:url\(|@import)\s*['\"]?\s*((?:https?:)?//[^'\")\s]+)", re.IGNORECASE)


def loaded_from_elsewhere(site: Path) -> list[str]:
    """Return ``file: address`` for everything that a page or a style sheet of a site would fetch from another host."""
    found = []
    for path in sorted(site.rglob("*")):
        if path.suffix == ".html":
            found += [f"{path.relative_to(site)}: {address}" for address in _of_page(path.read_text(encoding="utf-8"))]
        elif path.suffix == ".css":
            found += [f"{path.relative_to(site)}: {address}" for address in _STYLE.findall(path.read_text(encoding="utf-8"))]
    return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of what an element fetches."""
        given = dict(attrs)
        if "mermaid" in (given.get("class") or "").split():
            self.found.append("mermaid: a script from a CDN would draw it")
        if tag == "link" and (given.get("rel") or "") in _NOT_LOADED:
            return
        named = [given.get(name) or "" for name in _LOADING.get(tag, ())]
        self.found += [address for address in named if _OUTSIDE.match(address)]
        self.found += _STYLE.findall(given.get("style") or "")


def _of_page(text: str) -> Iterator[str]:
    reader = _Reader()
    reader.feed(text)
    yield from reader.found
    for style in re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL | re.IGNORECASE):
        yield from _STYLE.findall(style)
