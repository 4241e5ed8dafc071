"""How many candidates there are and who is on which front: counted once, so that every place says the same."""

from __future__ import annotations

from dashboards import labels
from dashboards.analysis.points import Points
from prune_core.base.kinds import REFERENCES


def members_sentence(points: Points) -> str:
    """Return who is on the front of the longest budget, of how many that compete there: pruned ones and references apart."""
    table = points.at_longest()
    on, reference = table["front"].astype(bool), table["method"].isin(REFERENCES)
    if not len(table):
        return "Nothing competes yet."
    said = f"{int((on & ~reference).sum())} of {int((~reference).sum())} pruned candidates"
    others = f"{int((on & reference).sum())} of {int(reference.sum())} unpruned or dense ones"
    lost = int((on & table["collapsed"].astype(bool)).sum())
    collapsed = f", {lost} of these collapsed" if lost else ""
    return f"On the front of {labels.epochs(points.longest)}: {said}{collapsed}, and {others}."


def candidates_words(points: Points) -> str:
    """Return how many candidates a study has over all budgets, and how many have every seed."""
    table, complete = points.table, points.complete
    pruned = int((~complete["method"].isin(REFERENCES)).sum())
    budgets = table.loc[~table["method"].isin(REFERENCES), "budget"].nunique()
    over = f" over {budgets} budgets" if budgets > 1 else ""
    missing = f", {len(table) - len(complete)} more incomplete" if len(table) > len(complete) else ""
    references = len(complete) - pruned
    said = f"{pruned} pruned candidate{'s' * (pruned != 1)} and {references} reference{'s' * (references != 1)}"
    return f"{said}{over}{missing}"
