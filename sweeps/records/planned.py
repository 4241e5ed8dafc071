"""What the table of records needs to know of a planned trial, so that it needs no plan."""

from __future__ import annotations

from typing import Protocol

from prune_core.trial.description import TrialDescription


class PlannedRow(Protocol):
    """What a record repeats of its planned trial (`sweeps.plan.trials.PlannedTrial`), so that tables need no plan."""

    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def arm(self) -> str: ...  # noqa: D102
    @property
    def network(self) -> str: ...  # noqa: D102
    @property
    def method(self) -> str: ...  # noqa: D102
    @property
    def ratio(self) -> str: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def budgets(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def report_budgets(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def description(self) -> TrialDescription: ...  # noqa: D102
    @property
    def baseline_key(self) -> str: ...  # noqa: D102
