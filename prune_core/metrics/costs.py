"""What a cost is, and the registry of them: adding one is one file that calls `prune_core.metrics.file_cost`.

The functions get what `prune_core.cost.measured` gathers about a network. The shipped ones are the files of
`prune_core.cost.costs`; they import no torch either, so that tables and pages know them without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from prune_core.base.registry import Registry
from prune_core.metrics.quantity import Direction, Format, Quantity, facts_of


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One number that says what a network weighs or takes.

    Attributes:
        name: the record's column.
        title: what tables, axes and figures call it.
        function: called with a `prune_core.cost.measured.MeasuredNetwork`; None where it cannot be said, for example
            seconds of training of a network that came as a file.
        direction: which way is better; None where neither is, which then is no objective.
        unit: of the value.
        low: the smallest possible value, None where there is none.
        high: the largest possible value, None where there is none.
        source: where the definition comes from.
        recorded: whether it has a column in the records; the others stand in ``record.json`` and on cards alone.
        repeatable: False where two runs of one study measure different values; such costs stand last in a record.
        format: how values are printed (`prune_core.metrics.quantity.Format`).
        decimals: digits behind the point; None is the format's own choice.
        group: what stands together where costs are listed.
        order: where it stands in tables, after the metrics, smaller first.
        log: whether its axis is logarithmic.
        table: whether the report's table of the front has it.
        headline: whether the terminal's table has it.
        panel: whether the figure of the front has a panel of it, against accuracy.
        tracked: whether MLflow gets it, once per trial.
    """

    name: str
    title: str
    function: Callable[[Any], float | int | None]
    direction: Direction | None = "min"
    unit: str = "1"
    low: float | None = 0.0
    high: float | None = None
    source: str = ""
    recorded: bool = True
    repeatable: bool = True
    format: Format = "number"
    decimals: int | None = None
    group: str = "cost"
    order: int = 100
    log: bool = False
    table: bool = True
    headline: bool = True
    panel: bool = True
    tracked: bool = True

    @cached_property
    def facts(self) -> Quantity:
        """What readers need of it."""
        return facts_of(self, on="cost")


COSTS: Registry[Cost] = Registry("cost")
