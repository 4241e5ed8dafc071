"""Does anything beat its control? Said plainly, by the one rule for claims."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboards import labels
from dashboards.analysis.claims import Paired, claims
from dashboards.analysis.columns import headline_columns
from dashboards.analysis.indistinguishable import SHOWN
from dashboards.analysis.per_seed import candidate_differences, with_images
from dashboards.analysis.points import Points, rows_of
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.kinds import REFERENCES
from prune_core.metrics.quantities import direction_of
from sweeps.front.claim_levels import DECIDABLE, LEVEL, level_of
from sweeps.front.power import POWER, seed_deviations, smallest_difference


def control_sentence(study: StudyFolder, points: Points) -> str:
    """Return the plain sentence about whether anything beats its control, as far as the seeds can tell."""
    pruned = points.at_longest()
    pruned = pruned[~pruned["method"].isin(REFERENCES)]
    if "delta_accuracy" not in study.records or not len(pruned):
        return ""
    words = _on_average(pruned)
    seeds = int(pruned["seeds"].min())
    if seeds < DECIDABLE:
        return (
            f"{words}; with {seeds} seed{'s' if seeds != 1 else ''}, fewer than {DECIDABLE}, whether that is more than "
            f"chance is not decidable{_enough(study, len(pruned))}."
        )
    found, tested = _beating(study, pruned)
    over = "seeds and base images" if with_images(study) else "seeds"
    level = 100 * level_of("control")
    how = (
        f"tests over {over}, {level:g} % of the report's {100 * LEVEL:g} % for all {tested} comparisons by Holm's correction"
    )
    if not found:
        return (
            f"Nothing beats the control beyond chance where all are tested: of {len(pruned)} pruned candidates none is "
            f"shown to be better than its control in {_listed(pruned, 'or')} and worse in none of them ({how}; what is said "
            f"of the recommended networks has its own part). {words}."
        )
    shown = "; ".join(f"{labels.candidate(row)} ({', '.join(names)})" for row, names in found[:SHOWN])
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return (
        f"{len(found)} of {len(pruned)} pruned candidates beat their control by more than chance in what stands in "
        f"brackets, and are shown to be worse in none of {_listed(pruned, 'and')} ({how}): {shown}{more}."
    )


def _enough(study: StudyFolder, candidates: int) -> str:
    """Return what the fewest seeds that decide would find; begins with ";", "" where nothing says how seeds scatter."""
    found = seed_deviations(study.records[study.of_own_seeds], headline_columns())
    asked = max(len(set(study.primary)), 1)
    sizes = []
    for name, one in found.items():
        size = smallest_difference(DECIDABLE, candidates, one, primary=asked)
        sizes.append(f"{labels.number(size, f'delta_{name}', sign=True).lstrip('+')} in {labels.title(name)}")
    if not sizes:
        return ""
    return (
        f"; of studies with {DECIDABLE} seeds that vary as these do, {100 * POWER:.0f} % would show that a recommended "
        f"network differs from its control if it truly does by at least {', '.join(sizes)} (the choice of images adds to it)"
    )


def control_claims(study: StudyFolder, pruned: pd.DataFrame) -> tuple[list[Paired | None], list[bool]]:
    """Return the differences to the controls, candidate by candidate in the `headline_columns`, and which are claimed."""
    columns = [f"delta_{name}" for name in headline_columns()]
    found = [one for row in candidate_differences(study, pruned, columns) for one in row]
    return found, claims(found, place="control")


def _beating(study: StudyFolder, pruned: pd.DataFrame) -> tuple[list[tuple[Any, list[str]]], int]:
    """Return the candidates with a claimed gain and no claimed loss, their gains' titles, and the claims tested."""
    judged = headline_columns()
    found, told = control_claims(study, pruned)
    result = []
    for place, row in enumerate(rows_of(pruned)):
        gains: list[str] = []
        losses: list[str] = []
        for metric, name in enumerate(judged):
            one = found[place * len(judged) + metric]
            if one is not None and told[place * len(judged) + metric]:
                (gains if (one.mean > 0) == (direction_of(name) == "max") else losses).append(labels.title(name))
        if gains and not losses:
            result.append((row, gains))
    return result, sum(one is not None for one in found)


def _on_average(pruned: pd.DataFrame) -> str:
    at_least = [row for row in rows_of(pruned) if not any(_worse(row, name) for name in headline_columns())]
    if not at_least:
        return f"On average no pruned network is at least as good as its control in {_listed(pruned, 'and')} together"
    verb, whose = ("is", "its") if len(at_least) == 1 else ("are", "their")
    return (
        f"{len(at_least)} of {len(pruned)} pruned candidates {verb} on average at least as good as {whose} control in "
        f"{_listed(pruned, 'and')}"
    )


def _worse(row: Any, name: str) -> bool:
    difference = float(getattr(row, f"delta_{name}"))
    return difference < 0 if direction_of(name) == "max" else difference > 0


def _listed(pruned: pd.DataFrame, last: str) -> str:
    """Return what is compared, in words: ``accuracy, ECE and mPC``; what nothing was measured of is not."""
    measured = [name for name in headline_columns() if pruned[f"delta_{name}"].notna().any()]
    *first, one = [labels.title(name) for name in measured or headline_columns()]
    return f"{', '.join(first)} {last} {one}" if first else one
