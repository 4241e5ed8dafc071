"""The files that docs/plugins.md shows, as a reader copies them."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"


def files_of_the_page() -> dict[str, str]:
    """Return the text of every file that the page shows, by its name."""
    found = re.findall(r"^`(\w+\.py)`:\n\n```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return dict(found)


def write_files(folder: Path, *names: str) -> None:
    """Put files of the page into a folder; all of them without names."""
    shown = files_of_the_page()
    for name in names or shown:
        (folder / name).write_text(shown[name], encoding="utf-8")
