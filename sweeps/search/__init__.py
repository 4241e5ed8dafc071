"""What to try next."""

from __future__ import annotations

from sweeps.samplers import SAMPLERS
from sweeps.stopping_rules import STOPPING_RULES

__all__ = ["SAMPLERS", "STOPPING_RULES"]
