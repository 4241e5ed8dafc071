"""Shipped additions are found by their file: whoever drops a module into such a folder has nothing else to edit."""

from __future__ import annotations

import importlib
import pkgutil


def import_modules(package: str, path: list[str]) -> None:
    """Import every module of a package in the order of their names, so that each registers what it defines.

    Args:
        package: the package's ``__name__``.
        path: its ``__path__``.
    """
    for name in sorted(module.name for module in pkgutil.iter_modules(path)):
        importlib.import_module(f"{package}.{name}")
