"""What a terminal says of a study's front: who is on it, what to take, who meets the limits. By its table of records."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from prune_core.base.benchmark import corruptions_in_words
from sweeps.export.recommended import study_recommended
from sweeps.folder.columns import columns_known
from sweeps.front.recommended_text import recommended_sentence
from sweeps.front.text import FrontTable, front_table
from sweeps.front.within import limit_lines
from sweeps.search.live_table import table_now
from sweeps.study.deciding import REPORT, deciding_columns
from sweeps.study.images import selection_names
from sweeps.study.model import Study

if TYPE_CHECKING:
    import pandas as pd

_ROWS = 20
_WIDTH = 118


def study_front(study: Study, records: pd.DataFrame) -> FrontTable:
    """Return the front so far as text; nothing while no candidate is complete."""
    found = front_table(records, study.decisive, study.seeds, study.select_on, study.parsed_limits)
    under = selection_names(study.evaluation.model_dump(mode="json"))
    if found and study.evaluation.corruptions != "none" and study.select_on != REPORT:
        return replace(found, note=f"{found.note}; corrupted images under {corruptions_in_words(under)}")
    return found


def study_limits(study: Study, records: pd.DataFrame) -> list[str]:
    """Return who meets the limits at the longest budget, or why nobody does; nothing for a study without limits."""
    decisive = deciding_columns(study.objectives, records.columns, study.select_on)
    evaluation = study.evaluation.model_dump(mode="json")
    return limit_lines(records, decisive, study.seeds, study.select_on, study.parsed_limits, evaluation)


def recommended_lines(study: Study, records: pd.DataFrame, out: Path, *, called: str | None = None) -> list[str]:
    """Return what to take and why, and how to export it from ``out``; nothing while no pruned candidate is complete.

    The command names ``out`` as a shell takes it, whatever its name holds; or it says ``called``.
    """
    found = study_recommended(study, records)
    if found.outcome == "incomplete":
        return []
    said = [recommended_sentence(found)]
    if found.row is not None:
        said.append(f"export it: prunefront export {called or shlex.quote(str(out))} --pick {found.name}")
    return said


def status_lines(study: Study, out: Path, *, called: str | None = None) -> list[str]:
    """Return the front of a folder as it is now, what to take, and who meets the limits, as plain lines.

    Args:
        study: of the folder.
        out: the output folder.
        called: what the line about the export calls it; by default as it is given, for a shell.

    Raises:
        BadInput: the table of records is damaged, and the folder does not say what they are.
    """
    with columns_known(out):
        records = table_now(out)
        if records is None or records.empty:
            return ["  front      none yet: no trial has a result"]
        front = study_front(study, records)
        if not front:
            return ["  front      none yet: no candidate has all its seeds", *_indented(study_limits(study, records))]
        said = [*recommended_lines(study, records, out, called=called), *study_limits(study, records)]
        return ["the front:", *_indented([*front.lines(_ROWS), *said])]


def _indented(lines: list[str]) -> list[str]:
    """Return lines as `status` shows them; what is said in sentences is broken to its width."""
    return [f"  {part}" for line in lines for part in (wrap(line, _WIDTH) if "; " in line or line[-1:] == "." else [line])]
