"""What is known of a search's candidates before they are tried: costs that no training moves."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sweeps import cost
from sweeps.cost.sizes import sizes_of
from sweeps.plan.arms import study_arms
from sweeps.plan.data_facts import DataFacts
from sweeps.study.model import Study

BOUNDS = frozenset({"size_bytes"})
"""Costs of which only the least is known."""


class Beforehand:
    """Costs known beforehand, computed when they are asked for: networks are built and pruned for that.

    Args:
        study: the resolved study.
        columns: what the search is told.
        data: what the plan knows of the study's images; None looks it up. Where nothing is known nothing is known here.
    """

    def __init__(self, study: Study, columns: Collection[str], data: DataFacts | None = None) -> None:
        plain = study.to_plain()
        described = {name: plain[name] for name in ("networks", "arms", "ratios", "training", "data", "rule")}
        text = json.dumps(
            [described, sorted(columns), None if data is None else data.to_plain()], sort_keys=True, default=str
        )
        self._asked = _Asked(text, study, frozenset(columns) - BOUNDS, data)

    def __call__(self, arm: str, ratio: str) -> Mapping[str, float]:
        """Return the known costs of an arm at a ratio, by column."""
        return _table(self._asked).get((arm, ratio), {})


@dataclass(frozen=True)
class _Asked:
    """What costs are asked for; two are the same when their text is."""

    text: str
    study: Study
    columns: frozenset[str]
    data: DataFacts | None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


@lru_cache(8)  # searches of one study are replayed again and again where samplers are compared
def _table(asked: _Asked) -> Mapping[tuple[str, str], Mapping[str, float]]:
    sizes = sizes_of(asked.study, asked.data)
    if sizes is None:
        return {}
    found = cost.known_costs(study_arms(asked.study), (), sizes, asked.columns)
    return {(one.name, one.ratio): one.costs for one in found}
