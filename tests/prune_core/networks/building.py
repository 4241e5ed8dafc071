"""Networks without their weights, or without their types."""

from __future__ import annotations

from typing import Any

import torch

from prune_core.networks import build_network


def on_meta(name: str, **options: Any) -> Any:
    with torch.device("meta"):
        return build_network(name, **options)


def any_network(name: str, **options: Any) -> Any:
    """A network whose parts can be named: to torch's types each is a tensor or a module, nothing more."""
    return build_network(name, **options)
