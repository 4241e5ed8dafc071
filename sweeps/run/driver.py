"""One run of a study, read as verbs: hold the folder, plan, open the books, sweep, close the books, report."""

from __future__ import annotations

import errno
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from prune_core.base.errors import BadInput
from prune_core.metrics.numbers import counted
from sweeps.cost.gpu_shares import gpu_shares
from sweeps.folder.links import refuse_links
from sweeps.folder.lock import driving, take_back
from sweeps.folder.pages import Pages, Picture
from sweeps.folder.paths import RECORDS, store_folder
from sweeps.folder.stop_request import Interrupted, StopRequest, interrupting
from sweeps.plan.builds import require_one_build
from sweeps.plan.places import places
from sweeps.plan.plan import Plan, make_plan
from sweeps.plan.state import baseline_ready, block, final_status, forget_failures
from sweeps.plan.trials import PlannedTrial
from sweeps.plan.workload import Workload
from sweeps.run.books import Books
from sweeps.run.end import close, close_interrupted
from sweeps.run.leave import how_to_go_on, leaving
from sweeps.run.missing_metrics import fill_missing_metrics
from sweeps.run.plan_limits import limit_warnings
from sweeps.run.plan_power import power_lines
from sweeps.run.plan_text import plan_text, planned_seconds
from sweeps.run.progress import say
from sweeps.run.rescore import align_bins
from sweeps.run.stages import Stages
from sweeps.run.storage_mover import Mover
from sweeps.run.sweep import Sweep
from sweeps.search.kept_sampler import with_kept_sampler
from sweeps.search.more_seeds import decided_trials, decision_line, in_the_end
from sweeps.search.whole_plan import asked_trials
from sweeps.study.model import Study


def run_study(
    study: Study,
    out: Path,
    *,
    address: str | None = None,
    max_hours: float | None = None,
    allow_failures: bool = False,
    retry: bool = False,
    on_end: Callable[[Path], Path] | None = None,
    picture: Picture | None = None,
    console: Console | None = None,
    stages: Stages | None = None,
) -> int:
    """Do what is missing of a study, and end with the report.

    Args:
        study: the checked study.
        out: its output folder; made when missing.
        address: a Ray cluster's address; None starts a Ray on this machine.
        max_hours: hard cap on the wall time of this run, by default the study's; the report of what is there is built all
            the same.
        allow_failures: exit 0 although trials failed or diverged.
        retry: run failed and diverged trials again.
        on_end: builds the report of a folder and returns its path.
        picture: draws one network of the front, for its run in MLflow.
        console: where the user is told; standard output by default.
        stages: takes note of where the time goes; what it says is shown in the end.

    Returns:
        The exit status: 0 done (or the time allowed is over), 1 a trial failed or the work could not be finished, 130
        interrupted.

    Raises:
        BadInput: the folder is held by another run, or cannot be written.
    """
    started = time.monotonic()
    console = console or Console()
    profile, stages = stages is not None, stages or Stages()
    stages.enter("the folder is read, the plan is made")
    if not console.is_terminal:
        console.width = max(console.width, 120)
    hours = max_hours or study.resources.max_hours
    deadline = None if hours is None else started + 3600 * hours
    made = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out {out}: cannot be made ({error.strerror}); give a folder that can be written") from None
    out = out.resolve()
    try:
        with interrupting(leaving(console, out)), driving(out):
            refuse_links(store_folder(out))
            study = with_kept_sampler(study, out)
            anew = align_bins(study, out)
            lacks = fill_missing_metrics(study, out, partial(say, console))
            plan = make_plan(study, out)
            if retry:
                asked = plan.with_trials([*asked_trials(plan, out), *decided_trials(plan, out)])
                forget_failures(asked.trials, out)
            plan = _with_lines(plan, out)
            say(console, plan_text(plan, out, hours=hours, lacks=lacks))
            require_one_build(plan, out)
            if anew:
                say(console, f"{counted(anew, 'record')} scored anew: every ECE has {study.evaluation.ece_bins} bins now")
            stages.enter("the books are opened: Optuna, MLflow, what is there")
            books = Books.open(study, plan, out)
            stop = StopRequest(out)
            workload = _workload(plan, books, out, partial(say, console))
            mover = Mover(study, out, lambda key: key in workload.running)
            books.start()
            mover.offer(workload.done)
            for line in [] if workload.exhausted else books.warnings():  # of baselines that are there already
                say(console, line)
            try:
                if workload.exhausted:
                    say(console, "everything is there: nothing to run")
                else:
                    # one share for all: where they differ, Tune holds idle workers while trials of another share wait
                    share = max(gpu_shares(plan, out, partial(say, console)).values(), default=study.resources.share)
                    expected = planned_seconds(plan, out) if address is None else None  # a cluster's places are its own
                    Sweep(study, out, console, books, workload, stop, mover, share, expected, stages).run(address, deadline)
                pages = Pages(on_end, picture)
                try:
                    status = close(out, books, workload, stop, mover, console, pages, stages, allow_failures=allow_failures)
                except Interrupted:
                    status = close_interrupted(out, books, workload, mover, console)
                for line in stages.lines() if profile else []:
                    say(console, line)
                return status
            finally:
                stop.clear()
    except BadInput:
        if made:  # a refused study leaves no folder that looks like one
            take_back(out)
        raise
    except PermissionError as error:
        raise BadInput(f"{out}: not writable ({error.strerror}); give another --out") from None
    except SystemExit as left:  # Ray's own handler of SIGTERM, while it starts
        if left.code != signal.SIGTERM:
            raise
        say(console, how_to_go_on(out))
        return 130
    except Interrupted:
        say(console, how_to_go_on(out))
        return 130
    except ConnectionError as error:
        say(console, f"stopped: {error}")
        return 1
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        if error.errno == errno.EROFS:
            raise BadInput(f"{out}: not writable ({error.strerror}); give another --out") from None
        say(
            console,
            f"stopped: {error.strerror}: {error.filename or out}; nothing that was finished is lost, "
            "make room and run the same command again",
        )
        return 1


def _with_lines(plan: Plan, out: Path) -> Plan:
    """Return the plan with those of its lines that take longest: they are shown now, and written down for ``status``."""
    finds = None if (out / RECORDS).is_file() else tuple(power_lines(plan, out))
    return replace(plan, never=tuple(limit_warnings(plan)), finds=finds)


def _workload(plan: Plan, books: Books, out: Path, tell: Callable[[str], None] = lambda line: None) -> Workload:
    early = plan.study.search.early_stopping is not None  # then pruning trials come budget by budget
    workload = Workload(
        [trial for trial in plan.trials if not (early and trial.kind == "pruned")],
        ended=lambda trial: final_status(trial, out),
        baseline_ready=lambda key: baseline_ready(key, out),
        baseline_failure=books.baseline_failure,
        block=lambda trial, cause: block(trial, out, cause),
        candidates=books.feed,
        ahead=places(plan.study.resources),
        afterwards=(lambda: _more_seeds(plan, books, out, tell)) if in_the_end(plan.study) else None,
    )
    if plan.study.search.kind == "grid":  # all of it at once, in the plan's order
        workload.add(books.feed.more(sys.maxsize))
    if early or plan.study.search.more_seeds is not None:
        workload.ask_ahead()
    return workload


def _more_seeds(plan: Plan, books: Books, out: Path, tell: Callable[[str], None]) -> list[PlannedTrial]:
    trials = books.more_seeds()
    if trials is not None:
        tell(decision_line(plan, out))
    return trials or []
