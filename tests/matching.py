"""What a pattern finds in a text: a test that does not find it fails there."""

from __future__ import annotations

import re


def find(pattern: str | re.Pattern[str], text: str) -> re.Match[str]:
    """Return the first match of the pattern, which must be in the text."""
    found = re.search(pattern, text)
    assert found is not None, f"no {pattern!r} in {text[:300]!r}"
    return found
