"""The end of a run: tables, report, books closed, the front shown, and the exit status.

Whatever interrupts it, the same command does the rest: the trials' folders are the truth, each file appears whole, and the
report that is there counts only if it was made of the tables that are there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from prune_core.base.errors import BadInput
from prune_core.base.files import read_json, write_json
from prune_core.base.garbage import rare_collections
from prune_core.metrics.numbers import counted
from sweeps.folder.pages import Pages, Picture
from sweeps.folder.paths import COLUMNS, FRONT, RECORDS, RECORDS_CSV, REPORTED, STUDY, report_page
from sweeps.folder.stop_request import StopRequest
from sweeps.plan.workload import Workload
from sweeps.run.books import Books
from sweeps.run.leave import how_to_go_on
from sweeps.run.progress import drawn_front, say
from sweeps.run.stages import Stages
from sweeps.run.storage_mover import Mover
from sweeps.tracking.front import log_front


@rare_collections()
def close(
    out: Path,
    books: Books,
    workload: Workload,
    stop: StopRequest,
    mover: Mover,
    console: Console,
    pages: Pages,
    stages: Stages,
    *,
    allow_failures: bool,
) -> int:
    """Write the tables, build the report, close the books, say how it went; return the exit status.

    Args:
        out: the output folder.
        books: of the study.
        workload: as the sweep left it.
        stop: whether and why the sweep was asked to stop.
        mover: sends weights and logits to the object storage, where the study has one.
        console: where the user is told.
        pages: what it ends with; not built when somebody waits for us to leave.
        stages: takes note of where the time goes.
        allow_failures: exit 0 although trials failed or diverged.

    Raises:
        Interrupted: by SIGINT or SIGTERM; `close_interrupted` is left to do.
    """
    interrupted = stop.signal_number is not None
    stages.enter("MLflow is waited for")
    books.settle(limit_s=2.0 if interrupted else 60.0)  # the tables name MLflow's run of each trial
    stages.enter("tables and front")
    books.write_tables()
    report = report_page(out) if _is_reported(out) else None  # nothing new: the page that is there says it all
    if report is None and not interrupted and pages.report is not None:
        stages.enter("the report")
        made_of = _tables(out)
        report = pages.report(out)
        write_json(out / REPORTED, {"of": made_of})
    stages.enter("files and numbers for MLflow")
    books.finish("KILLED" if interrupted else "FINISHED", report)
    if not interrupted and books.all_tracked:
        stages.enter("networks of the front for MLflow")
        _log_front(out, pages.picture, console)
    stages.enter("what is said in the end, and what is cleaned up")
    front = books.front()
    if front:
        console.print(drawn_front("the front", front))
    failures = books.failures()
    for line in [*books.answer_lines(), *books.warnings(), *_lines_of(failures)]:
        say(console, line)
    if workload.exhausted and stop.reason is None:
        for line in books.thin():
            say(console, line)
    left = mover.finish(workload.done, patient=not interrupted)
    if left is not None:
        say(console, left)
    for problem in books.problems():
        say(console, problem)
    if not interrupted:
        books.write_answers()
    return _status(out, workload, stop, console, report, failed=bool(failures) and not allow_failures)


def close_interrupted(out: Path, books: Books, workload: Workload, mover: Mover, console: Console) -> int:
    """Close the books of a run whose end somebody interrupts, and say how to go on; return the exit status."""
    books.finish("KILLED", None)
    mover.finish(workload.done, patient=False)
    there = f"interrupted; all {counted(len(workload.done), 'trial')} are in {out}: run the same command again, which "
    say(console, f"{there}finishes report and books" if workload.exhausted else how_to_go_on(out))
    return 130


def _tables(out: Path) -> str:
    """Return a digest of what a report is made of."""
    digest = hashlib.sha256()
    for path in (out / name for name in (STUDY, COLUMNS, RECORDS, FRONT)):
        digest.update(path.read_bytes() if path.exists() else b"")
        digest.update(b"\0")
    return digest.hexdigest()


def _is_reported(out: Path) -> bool:
    """Return whether the report that is there was made of the tables that are there."""
    try:
        return report_page(out).exists() and bool(read_json(out / REPORTED) == {"of": _tables(out)})
    except (OSError, ValueError):
        return False


def _status(out: Path, workload: Workload, stop: StopRequest, console: Console, report: Path | None, *, failed: bool) -> int:
    if stop.reason == "code":
        say(console, f"stopped: {stop.cause}; run the same command again, which plans with the code that is there now")
        return 1
    if stop.reason == "disk":
        say(
            console,
            f"stopped: {stop.cause}; nothing that was finished is lost, make room and run the same command again",
        )
        return 1
    if stop.signal_number is not None:
        say(console, how_to_go_on(out))
        return 130
    if stop.reason == "time":
        left = workload.known - len(workload.done)
        say(console, f"the time allowed is over; still to be done: {counted(left, 'trial')}; run the same command again")
    if report is not None:
        say(console, f"report: {report}")
    return 1 if failed else 0


def _log_front(out: Path, picture: Picture | None, console: Console) -> None:

    try:
        for line in log_front(out, picture):
            say(console, line)
    except BadInput as error:
        say(console, f"MLflow: no models of the front: {error}")


def _lines_of(failures: Iterable[tuple[str, str, str]], most: int = 10) -> list[str]:
    """Return the failures as lines, the first ``most`` of them."""
    found = list(failures)
    lines = [f"  {name}: {status}: {cause}" for name, status, cause in found[:most]]
    if len(found) > most:
        lines.append(f"  and {len(found) - most} more: see {RECORDS_CSV}")
    return [f"{counted(len(found), 'trial')} failed or diverged:", *lines] if found else []
