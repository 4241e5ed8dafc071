"""Front candidates against the margins that the study declared before it ran: paired by seed with their own controls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboards import labels
from dashboards.analysis.claims import claims
from dashboards.analysis.per_seed import candidate_differences
from dashboards.analysis.points import Points, rows_of
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.kinds import REFERENCES
from prune_core.metrics.quantities import directions
from sweeps.front.claim_levels import DECIDABLE


@dataclass(frozen=True)
class Against:
    """One candidate against one margin; ``verdict`` is "within", "beyond", "open" or "not decidable"."""

    candidate: str
    column: str
    allowed: str
    difference: str
    interval: str
    verdict: str


def against_margins(study: StudyFolder, points: Points) -> list[Against]:
    """Return the pruned front candidates of the longest budget against each declared margin.

    Within or beyond is claimed where the difference is told apart from the margin, by Holm's procedure over all pruned
    candidates: those on the front were put there by the same seeds, so they alone would be a family chosen by its luck.
    """
    margins = {name: amount for name, amount in study.margins.items() if f"delta_{name}" in study.records}
    table = points.at_longest()
    chosen = table[~table["method"].isin(REFERENCES)]
    if not margins or not chosen["front"].any():
        return []
    measured = candidate_differences(study, chosen, [f"delta_{name}" for name in margins])
    pairs = [(row, place, name) for place, row in enumerate(rows_of(chosen)) for name in margins]
    found = [measured[place][list(margins).index(name)] for _, place, name in pairs]
    borders = [-margins[name] if directions().get(name) == "max" else margins[name] for _, _, name in pairs]
    told = claims(found, borders, place="margins")
    result = []
    for (row, _, name), one, border, sure in zip(pairs, found, borders, told, strict=True):
        if one is None or not row.front:
            continue
        inside = one.mean > border if directions().get(name) == "max" else one.mean < border
        said = ("within" if inside else "beyond") if sure else "open" if one.seeds >= DECIDABLE else "not decidable"
        shown, interval = one.words(name)
        allowed = labels.number(np.abs(border), f"delta_{name}", sign=True).lstrip("+")
        result.append(Against(labels.candidate(row), labels.title(name), allowed, shown, interval, said))
    return result
