"""Plan and run a study from Python, as the commands ``plan`` and ``run`` do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from dashboards.cli import PAGES
from prunefront.results import StudyResults, open_study
from sweeps.plan.plan import Plan, make_plan
from sweeps.run.driver import run_study
from sweeps.study.model import Study, load_study
from sweeps.study.yaml import study_folder


class RunFailed(RuntimeError):
    """A run that could not finish: trials failed, or the work had to stop. What was finished is in the folder.

    Attributes:
        folder: the output folder; `prunefront.open_study` reads what is there.
        status: the exit status that the command ``run`` would have.
    """

    def __init__(self, folder: Path, status: int) -> None:
        super().__init__(f"{folder}: the run ended with status {status} (what it said stands above)")
        self.folder = folder
        self.status = status


def plan(
    study: Study | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    overrides: Sequence[str] = (),
) -> Plan:
    """Return what there should be of a study: arms, trials, and by ``missing(out)`` what is still to be run.

    Nothing is written. Without the data at hand it is an estimate, and the keys of its trials are not the real ones.

    Args:
        study: a study, a shipped name (``quickstart``), a study file or an output folder.
        out: the output folder; by default ``runs/<study name>``, or the study's own where it is a folder.
        overrides: ``key=value`` each, as for ``prunefront run --set``.

    Raises:
        BadInput: one line with file, key and what is allowed.
    """
    loaded = _loaded(study, overrides)
    return make_plan(loaded, _folder(study, loaded, out), data_required=False)


def run(
    study: Study | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    overrides: Sequence[str] = (),
    address: str | None = None,
    max_hours: float | None = None,
    allow_failures: bool = False,
    retry: bool = False,
) -> StudyResults:
    """Do what is missing of a study on this machine or a Ray cluster, and return what it found.

    The same run as that of ``prunefront run``: what is there is not run again, and it can be interrupted at any time.

    Args:
        study: a study, a shipped name (``quickstart``), a study file or an output folder.
        out: the output folder; by default ``runs/<study name>``, or the study's own where it is a folder.
        overrides: ``key=value`` each, as for ``prunefront run --set``.
        address: of a Ray cluster; by default a Ray is started on this machine.
        max_hours: stop after so many hours, with a report of what is there.
        allow_failures: return although trials failed or diverged.
        retry: run failed and diverged trials again.

    Raises:
        BadInput: one line with file, key and what is allowed.
        RunFailed: a trial failed, or the work could not be finished.
        KeyboardInterrupt: it was interrupted; the same call goes on.
    """
    loaded = _loaded(study, overrides)
    folder = _folder(study, loaded, out)
    status = run_study(
        loaded,
        folder,
        address=address,
        max_hours=max_hours,
        allow_failures=allow_failures,
        retry=retry,
        on_end=PAGES.report,
        picture=PAGES.picture,
    )
    if status == 130:
        raise KeyboardInterrupt
    if status != 0:
        raise RunFailed(folder, status)
    return open_study(folder)


def _loaded(study: Study | str | os.PathLike[str], overrides: Sequence[str]) -> Study:
    if not isinstance(study, Study):
        return load_study(os.fspath(study), overrides)
    if overrides:
        raise TypeError("overrides go with the name or file of a study; load_study takes them as well")
    return study


def _folder(study: Study | str | os.PathLike[str], loaded: Study, out: str | os.PathLike[str] | None) -> Path:
    if out is not None:
        return Path(out)
    own = None if isinstance(study, Study) else study_folder(os.fspath(study))
    return own or Path("runs") / loaded.name
