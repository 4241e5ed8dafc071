"""What the limits of a study mean on its pages: on which images they are judged, who comes nearest, what the report says."""

from __future__ import annotations

from typing import Any

from dashboards import labels
from dashboards.analysis.points import Points
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.benchmark import corruptions_in_words
from sweeps.front.limits import verdicts
from sweeps.front.within import Judged, both_images, judge_within, nobody_sentences, report_words
from sweeps.study.deciding import REPORT
from sweeps.study.images import images_of, is_corrupted, report_names, selection_names


def decided_on(study: StudyFolder) -> str:
    """Return under which corruptions the numbers that choose were measured, and those that the report shows."""
    evaluation = study.evaluation
    if evaluation.get("corruptions", "none") == "none":
        return ""
    report = f"the report numbers are of test images under {corruptions_in_words(report_names(evaluation))}"
    if study.select_on == REPORT:
        return f"Under corruption {report}, and these choose too."
    selection = corruptions_in_words(selection_names(evaluation))
    return f"Under corruption the numbers that choose are of validation images under {selection}; {report}."


def nobody_within(study: StudyFolder, points: Points) -> list[str]:
    """Say why no pruned candidate at the longest budget meets the limits, a sentence each."""
    first, *others = nobody_sentences(judge_within(points.at_longest(), study.limits, study.select_on), labels.candidate)
    return [f"{first[0].upper()}{first[1:]}", *others, *_images(study)]


def against_report(study: StudyFolder, row: Any) -> str:
    """Return a sentence where a candidate that meets the limits misses one by its report numbers; nothing elsewhere."""
    found = _judged(study, row)
    return f"By its report numbers it is not within them: {report_words(found)}." if found.contradicted else ""


def limit_remarks(study: StudyFolder, row: Any) -> list[str]:
    """Return what a reader must know of a recommended candidate: that it misses limits, or on which images they are."""
    found = _judged(study, row)
    if found.contradicted:
        return [f"Those numbers are of other images: {both_images([found], study.evaluation)}."]
    if not found.met:
        return [f"Not within the study's limits: {'; '.join(one.why_not for one in found.verdicts if not one.met)}."]
    return _images(study)


def _judged(study: StudyFolder, row: Any) -> Judged:
    return Judged(row, tuple(verdicts(row._asdict(), study.limits, study.select_on)))


def _images(study: StudyFolder) -> list[str]:
    """On which images the limits under corruption are judged, a sentence each."""
    columns = [limit.column for limit in study.decisive_limits if is_corrupted(limit.column)]
    return [f"{column} is of {images_of(column, study.evaluation)}." for column in dict.fromkeys(columns)]
