"""Where a trial is to be done, and how: nothing of it is in the trial's key. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from prune_core.base.errors import BadInput


@dataclass(frozen=True)
class TrialOrder:
    """What is asked of one trial.

    Attributes:
        folder: the trial's own.
        store: root of the content-addressed store of baselines.
        budgets: epochs of fine-tuning to be judged at; kinds ``baseline``, ``dense`` and ``scratch`` know only 0.
        cache: of datasets and corrupted images; None takes the default one.
        report_budgets: at which the test images are judged under corruption too; None is all. Unpruned networks are judged
            on everything at 0, once for all trials. A record that lacks what is asked here is judged again.
        ece_bins: of every ECE.
        keep: ``all``, ``front`` (thinned later, by who knows the front) or ``none`` (no weights and logits of the budgets).
        retry: try a trial again that failed or diverged; without it such a trial is left as it is.
        checkpoint_seconds: between checkpoints in mid-epoch.
        memory_fraction: share of the GPU's memory that this process may use; None is all.
        mixed_builds: ``allow``, or ``refuse`` a baseline that another build made.
    """

    folder: Path
    store: Path
    budgets: tuple[int, ...]
    cache: Path | None = None
    report_budgets: tuple[int, ...] | None = None
    ece_bins: int = 15
    keep: str = "all"
    retry: bool = False
    checkpoint_seconds: float = 120.0
    memory_fraction: float | None = None
    mixed_builds: str = "allow"

    def to_plain(self) -> dict[str, Any]:
        """Return JSON data, paths as text."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            **values,
            "folder": str(self.folder),
            "store": str(self.store),
            "cache": None if self.cache is None else str(self.cache),
            "budgets": list(self.budgets),
            "report_budgets": None if self.report_budgets is None else list(self.report_budgets),
        }

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> TrialOrder:
        """Read what `to_plain` wrote.

        Raises:
            BadInput: a field that is unknown or missing.
        """
        try:
            order = cls(**values)
        except TypeError as error:
            raise BadInput(f"TrialOrder: {error}") from None
        return cls(
            **{
                **vars(order),
                "folder": Path(order.folder),
                "store": Path(order.store),
                "cache": None if order.cache is None else Path(order.cache),
                "budgets": tuple(order.budgets),
                "report_budgets": None if order.report_budgets is None else tuple(order.report_budgets),
            }
        )
