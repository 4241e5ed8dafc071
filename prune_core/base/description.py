"""Frozen descriptions and their content keys: same description, same key, same path."""

from __future__ import annotations

import hashlib
import json
from typing import Any

FORMAT = 1
"""Raised by any change of the code that changes numbers; part of every key."""

GENERATOR_FORMAT = 3
"""Raised by any change that changes a generated corrupted image: part of the key of each generated set and, in a trial's
description, of each trial that is judged on one. Baselines that were trained before stay."""


def canonical_json(description: Any) -> str:
    """Return the one JSON text of a plain description (dicts, lists, strings, numbers, booleans, None)."""
    return json.dumps(description, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def content_key(description: Any, *, length: int = 16) -> str:
    """Return the first ``length`` hexadecimal digits of the SHA-256 of the canonical JSON, ``FORMAT`` included."""
    text = canonical_json({"format": FORMAT, "description": description})
    return hashlib.sha256(text.encode()).hexdigest()[:length]
