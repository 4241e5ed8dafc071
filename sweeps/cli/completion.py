"""What the Tab key offers: names that ship, and files of the user's. Registries are imported when a name is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from glob import escape
from pathlib import Path

import click

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def study_names(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the shipped studies, study files and folders that begin so."""
    from sweeps.study.yaml import shipped_studies

    return [*_beginning(shipped_studies(), begun), *_study_files(begun)]


def network_names(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the networks that begin so."""
    from prune_core.networks import NETWORKS

    return _beginning(NETWORKS, begun)


def method_names(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the pruning methods that begin so."""
    from prune_core.pruning import METHODS

    return _beginning(METHODS, begun)


def dataset_names(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the datasets that begin so; one that takes a path ends with a colon."""
    from prune_core.data import DATASETS, source_of

    return _beginning((f"{name}:" if source_of(name).argument else name for name in DATASETS), begun)


def corruption_names(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the corruptions that begin so; behind commas the next one."""
    from prune_core.corruptions import CORRUPTIONS

    before, comma, last = begun.rpartition(",")
    return [f"{before}{comma}{name}" for name in _beginning(CORRUPTIONS, last)]


def _beginning(names: Iterable[str], begun: str) -> list[str]:
    return sorted(name for name in names if name.startswith(begun))


def _study_files(begun: str) -> list[str]:
    folder, _, name = begun.rpartition("/")
    place = Path(folder) if folder else Path("/" if begun.startswith("/") else ".")
    found = place.glob(f"{escape(name)}*") if place.is_dir() else ()
    able = (path for path in found if not path.name.startswith(".") and (path.is_dir() or path.suffix in (".yaml", ".yml")))
    return sorted(f"{path}/" if path.is_dir() else str(path) for path in able)
