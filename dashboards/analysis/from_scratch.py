"""Pruned and fine-tuned, against the same architecture trained from scratch: what are the weights worth that were kept?"""

from __future__ import annotations

from dataclasses import dataclass

from dashboards import labels
from dashboards.analysis.claims import Paired, paired
from dashboards.analysis.per_seed import seed_measured
from dashboards.analysis.points import Points, rows_of
from dashboards.reading.study_folder import StudyFolder

SUFFIX = "-scratch"


@dataclass(frozen=True)
class AgainstScratch:
    """One pruned candidate and its differences, by column, to the network of its architecture trained from scratch."""

    candidate: str
    differences: dict[str, Paired]


def against_scratch(study: StudyFolder, points: Points, columns: tuple[str, ...]) -> list[AgainstScratch]:
    """Return, for each architecture trained from scratch, the pruned candidate of the longest budget against it."""
    table = points.complete
    fresh = {(row.arm.removesuffix(SUFFIX), row.ratio): row.Index for row in rows_of(table[table["method"].eq("scratch")])}
    found = []
    for row in rows_of(table[table["budget"].eq(points.longest)]):
        other = fresh.get((row.arm, row.ratio))
        if other is None:
            continue
        values, noise = seed_measured(study, table.loc[[row.Index, other]], list(columns))
        gaps, moved = values[0] - values[1], noise[0] - noise[1]
        pairs = {name: paired(gaps[:, place], moved[:, place]) for place, name in enumerate(columns)}
        found.append(AgainstScratch(labels.candidate(row), {name: one for name, one in pairs.items() if one is not None}))
    return found
