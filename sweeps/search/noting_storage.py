"""Optuna's storage of ours. Import it late: it imports Optuna."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.storages import RDBStorage
from optuna.trial import TrialState


class NotingStorage(RDBStorage):  # type: ignore[misc]
    """A database that also takes attributes of rows that have ended.

    Optuna refuses them, since a sampler may have read the row by then. Ours are told only where else a candidate stands: its
    runs in MLflow, which are known some time after it ended.
    """

    _noting = False

    def note(self, trial_id: int, attributes: Mapping[str, Any]) -> None:
        """Set attributes of a row, whatever its state."""
        self._noting = True
        try:
            for name, value in attributes.items():
                self.set_trial_user_attr(trial_id, name, value)
        finally:
            self._noting = False

    def check_trial_is_updatable(self, trial_id: int, trial_state: TrialState) -> None:
        """Refuse writes to rows that have ended, but for notes."""
        if not self._noting:
            super().check_trial_is_updatable(trial_id, trial_state)
