"""What the sampler expects, in plain numbers, and corrected by how such expectations came true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .choice import Outlook

SHARE = 0.75
"""Of the gain that draws promise so much came true on average: the best of many draws promises too much."""
SHARES = (0.13, 3.0)
"""Between these multiples of what draws promise, nine in ten gains came true."""
FLOOR = 0.003
"""Added to both before they are compared: a gain smaller than that is none."""
# read off searches of made-up grids 3001 to 3005, 4000, 4001, `quickstart` and `design-networks`;
# python -m benchmarks.outlook_coverage tries others


def plain(outlook: Outlook, params: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return an outlook as `FrontGPSampler.outlook` gives it.

    Args:
        outlook: as it was drawn.
        params: of all candidates.
    """
    members = np.flatnonzero(outlook.front)
    likely = sorted((-outlook.on_front[at], outlook.rows[at]) for at in members)
    promised = float(outlook.remaining.mean()) + FLOOR
    low, expected, high = (min(max(promised * share - FLOOR, 0.0), 1.0) for share in (SHARES[0], SHARE, SHARES[1]))
    return {
        "expected_gain": expected,
        "low": low,
        "high": high,
        "promised": promised - FLOOR,
        "front": [[dict(params[row]), float(-share)] for share, row in likely],
    }
