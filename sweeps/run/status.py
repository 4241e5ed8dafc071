"""How far a study is, read from its folder alone: also while another machine drives it."""

from __future__ import annotations

import math
import time
from collections import Counter
from pathlib import Path

from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import read_outcome, read_progress
from prune_core.metrics.numbers import counted
from sweeps.folder.links import refuse_links
from sweeps.folder.lock import holder_of
from sweeps.folder.paths import STUDY, trial_folders
from sweeps.folder.places_file import read_places
from sweeps.plan.keys import known_parts
from sweeps.plan.plan import Plan, make_plan
from sweeps.plan.written import last_plan, written_plan
from sweeps.run.answers import Answers, known_answers
from sweeps.run.front_text import status_lines
from sweeps.run.places_text import places_lines
from sweeps.run.plan_text import count_lines, plan_text
from sweeps.search.more_seeds import decided_trials
from sweeps.search.whole_plan import whole_plan
from sweeps.study.model import Study, read_study

SILENT_SECONDS = 120.0
"""A trial that has given no sign of life for so long is not counted as running."""


def status_text(out: Path) -> str:
    """Return how far the study in a folder is, as plain lines.

    Raises:
        BadInput: no such folder, or no study in it.
    """
    refuse_links(out)
    if not (out / STUDY).is_file():
        raise BadInput(f"{out}: there is no study here (allowed: the output folder of a run, which holds study.yaml)")
    study: Study | None = None
    answers: Answers | None = None
    try:
        plan = last_plan(out)
        answers = None if plan is None else known_answers(out)
        study = read_study(out) if plan is None else plan.study
        if study.plugins:
            lines = _of_plugins(study, out)
        else:
            lines = _planned(plan or make_plan(study, out, recorded=True), out, answers)
    except BadInput as error:  # another machine, without the user's checkpoint
        lines = [f"{out}: the plan cannot be made here ({error})", *_folders(out, set())]
    holder = holder_of(out)
    lines += _running(out, driven=holder is not None)
    lines += places_lines(read_places(out) if holder is not None else None)
    if holder is None:
        lines.append("  driver     none: `prunefront run` does what is missing")
    else:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(float(holder.get("since", 0))))
        lines.append(f"  driver     host {holder.get('host')}, process {holder.get('process')}, since {since}")
    lines += _front(study, out) if answers is None else answers.front
    return "\n".join(lines)


def _front(study: Study | None, out: Path) -> list[str]:
    """Who is on the front as the trials stand, what to take, and who meets the limits; None is a study that must be read."""
    try:
        return status_lines(read_study(out) if study is None else study, out)
    except BadInput as error:
        return [f"  front      cannot be judged ({error})"]


def _planned(plan: Plan, out: Path, answers: Answers | None) -> list[str]:
    finds = None if answers is None else answers.finds
    with known_parts(plan.parts):
        known = {trial.key for trial in [*plan.trials, *decided_trials(plan, out)]}
        # with the speeds that the run was planned by: a look takes nothing from what runs
        return [plan_text(plan, out, within=math.inf, finds=finds), *_folders(out, known)]


def _of_plugins(study: Study, out: Path) -> list[str]:
    """What the last run planned of a study with plugins: their code is not imported to read a folder."""
    plan = written_plan(study, out)
    return [
        *count_lines(plan, out),
        f"  plugins    {', '.join(study.plugins)}: not imported here; `prunefront plan` says what the rest costs",
        *_folders(out, {trial.key for trial in plan.trials}),
    ]


def _folders(out: Path, planned: set[str]) -> list[str]:
    """What a search chose, or an earlier form of the study asked for: on disk, but not in the plan."""
    others = [path for path in trial_folders(out) if path.name not in planned]
    if not others:
        return []
    ended = Counter(str((read_outcome(path) or {"status": "begun"})["status"]) for path in others)
    said = ", ".join(f"{count} {status}" for status, count in sorted(ended.items()))
    if not planned:
        return [f"  on disk    {counted(len(others), 'trial')}: {said}"]
    return [
        f"  besides    {counted(len(others), 'further trial')} on disk, chosen by the search or no longer asked for: {said}"
    ]


def _names(out: Path) -> dict[str, str]:
    """Return what trials are called, by key; nothing where the plan cannot be made here."""
    try:
        return {trial.key: trial.name for trial in whole_plan(out).trials}
    except BadInput:
        return {}


def _running(out: Path, *, driven: bool) -> list[str]:
    lines: list[str] = []
    names: dict[str, str] | None = None
    for path in trial_folders(out):
        progress = read_progress(path)
        if progress is None or read_outcome(path) is not None:
            continue
        silent = time.time() - float(progress.get("heartbeat", 0))
        word = "running" if silent < SILENT_SECONDS else f"silent for {silent / 60:.0f} min"
        word = word if driven else "waiting"  # nobody drives the folder: it goes on from its checkpoint at the next run
        place = f"{progress.get('phase')} {progress.get('epoch')}/{progress.get('of')}"
        names = _names(out) if names is None else names  # the study is planned for it, so only where something runs
        called = names.get(path.name, path.name)
        lines.append(f"  {word:<10} {called}: {place} on {progress.get('host')}, process {progress.get('process')}")
    return lines
