"""What ``status`` says of a table of records, written down when the table is: to say it again, nothing is computed.

It holds as long as study, columns and records are those that it was made of, and no trial has written anything since.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from prune_core.base.build import version_of
from prune_core.base.errors import BadInput
from prune_core.base.files import read_json, write_json
from sweeps.folder.paths import ANSWERS
from sweeps.front.tables import tables_source
from sweeps.plan.plan import Plan
from sweeps.run.front_text import status_lines
from sweeps.run.plan_power import power_lines
from sweeps.search.live_table import has_newer_trials

_FOLDER = "{the folder}"


@dataclass(frozen=True)
class Answers:
    """Lines of ``status``.

    Attributes:
        finds: what the study can find, by the scatter of its seeds.
        front: who is on the front, what to take, who meets the limits.
    """

    finds: tuple[str, ...]
    front: tuple[str, ...]


def write_answers(plan: Plan, out: Path) -> None:
    """Write down what the tables of a folder say; nothing where that is written, or where nobody can tell what made them."""
    source = tables_source(out)
    if source is None or known_answers(out) is not None or has_newer_trials(out):
        return
    try:
        front = status_lines(plan.study, out, called=_FOLDER)
    except BadInput:
        return
    whole = {"of": source, "version": version_of("prunefront"), "finds": power_lines(plan, out), "front": front}
    write_json(out / ANSWERS, whole)


def known_answers(out: Path) -> Answers | None:
    """Return what was written down of the tables that a folder has now; None where that is nothing, or not all by now."""
    try:
        found = read_json(out / ANSWERS)
        finds, front = (tuple(map(str, found[name])) for name in ("finds", "front"))
        made_of = found["of"], found["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if made_of != (tables_source(out), version_of("prunefront")) or has_newer_trials(out):
        return None
    return Answers(finds, tuple(line.replace(_FOLDER, shlex.quote(str(out))) for line in front))
