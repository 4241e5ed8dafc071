"""The studies that ship, as a list: read from their files, without the registries that a study is checked by."""

from __future__ import annotations

from sweeps.study.yaml import SHIPPED, read_study_yaml, shipped_studies


def study_lines() -> list[str]:
    """Return a line per shipped study: its name and its title."""
    names = shipped_studies()
    width = max(map(len, names))
    return [f"{name:<{width}}  {read_study_yaml(SHIPPED / f'{name}.yaml').get('title', '')}".rstrip() for name in names]
