"""FrontGPSampler for Optuna; imports optuna, torch and numpy when it is asked for."""

from __future__ import annotations

from typing import Any

__all__ = ["FrontGPSampler"]
_OF_WALKING = ("Look", "front_chances")


def __getattr__(name: str) -> Any:
    if name not in (*__all__, *_OF_WALKING):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import sampler, walking

    return getattr(walking if name in _OF_WALKING else sampler, name)
