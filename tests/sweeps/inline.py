"""Runs of a study by `run_study` as it is, but for its two slow neighbours: no Ray, the trials run here; no MLflow."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from dashboards.cli import PAGES
from sweeps.engine.worker import run_planned
from sweeps.run import driver
from sweeps.run.configuration import configuration
from sweeps.run.sweep import Sweep
from sweeps.study.model import load_study
from sweeps.tracking.tracker import Tracker

MOST_TRIALS = 60
"""A workload that hands out more than this, or nothing although it is not exhausted, would never end."""


class InlineSweep(Sweep):
    """The sweep with this process as its only worker."""

    def run(self, address: str | None, deadline: float | None) -> None:
        """Run what the workload gives until it is exhausted.

        Raises:
            AssertionError: it would wait for ever.
        """
        for _ in range(MOST_TRIALS):
            trial = self.workload.next()
            if trial is None:
                break
            result = run_planned(configuration(self.study, self.out, trial))
            assert result["status"] != "interrupted", result
            self.workload.finished(trial.key, self.books.trial_ended(trial, None))
        assert self.workload.exhausted, f"{self.workload.waiting} trials wait for what nobody makes"


def without_ray(patch: pytest.MonkeyPatch, *, mlflow: bool = False) -> None:
    """Let every `run_study` of this process run its trials here, and leave MLflow alone unless it is asked for."""
    patch.setattr(driver, "Sweep", InlineSweep)
    if not mlflow:
        patch.setattr(Tracker, "start", lambda self: None)
        patch.setattr(Tracker, "flush", lambda self, limit_s=0.0: True)
        patch.setattr(Tracker, "finish", lambda self, *given, **named: True)


def run_inline(study: Path, out: Path, overrides: tuple[str, ...] = (), *, report: bool = False) -> tuple[int, str]:
    """Run a study; return the exit status and what the user was told."""
    console = Console(file=StringIO(), width=200)
    status = driver.run_study(load_study(study, overrides), out, console=console, on_end=PAGES.report if report else None)
    return status, console.file.getvalue()  # type: ignore[attr-defined]
