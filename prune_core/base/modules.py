"""What is registered by its file: every module of a package is imported, and so registers what it defines."""

from __future__ import annotations

import importlib
import pkgutil


def import_modules(package: str) -> None:
    """Import the modules of a package in the order of their names; those that are there already stay as they are."""
    path = importlib.import_module(package).__path__
    for name in sorted(module.name for module in pkgutil.iter_modules(path)):
        importlib.import_module(f"{package}.{name}")
