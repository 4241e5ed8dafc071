"""The decision: what to take and why, beside at most two alternatives, each with its numbers, its doubts and its command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboards import labels
from dashboards.analysis.answers import SMALLEST, Answer
from dashboards.analysis.cards import METRICS, Card, card_of
from dashboards.analysis.claims import Paired, paired
from dashboards.analysis.per_seed import seed_measured
from dashboards.analysis.points import Points, rows_of
from dashboards.analysis.scale import shared_scale
from dashboards.analysis.turns import Turn, turns
from dashboards.reading.study_folder import StudyFolder
from sweeps.front.recommended_text import recommended_sentence

_ALTERNATIVES = 2
_QUESTIONS = {SMALLEST: "Smallest", "Best calibrated": "Best calibrated", "Most robust": "Most robust"}


@dataclass(frozen=True)
class Decision:
    """The answer of a study.

    Attributes:
        sentence: what to take and why.
        cards: the recommended network first.
        images: on which images was chosen and on which is shown, said once; empty where they are the same.
        turns: what would change the answer, as data.
    """

    sentence: str
    cards: tuple[Card, ...]
    images: str
    turns: tuple[Turn, ...] = field(default=())


def decide(study: StudyFolder, points: Points, answers: Sequence[Answer]) -> Decision:
    """Return the decision of a study from its three answers and its recommendation."""
    found = points.recommended
    changed = tuple(turns(study, points))
    chosen = _chosen(study, points, answers)
    cells = {role: dict(_differences(study, points, answer)) for role, answer in chosen}
    scales = {name: shared_scale(own.get(name) for own in cells.values()) for name in METRICS}
    cards = tuple(card_of(study, points, role, answer, cells[role], scales, changed) for role, answer in chosen)
    name = labels.candidate
    sentence = recommended_sentence(found, lambda row: name(_named(points, row)))
    images = ""
    if study.select_on != "report" and found.row is not None:
        images = (
            "Limits and choice go by selection images; the numbers shown are of report images, where the order may differ."
        )
    return Decision(sentence, cards, images, changed)


def _chosen(study: StudyFolder, points: Points, answers: Sequence[Answer]) -> list[tuple[str, Answer]]:
    """Return the cards' roles and networks: the recommended one, then at most two others."""
    found = points.recommended
    result: list[tuple[str, Answer]] = []
    if found.outcome == "dense":
        (row,) = rows_of(points.table.loc[[found.index]])
        result.append(("Recommended", Answer("Recommended", "", row, {}, None, ())))
    for answer in answers:
        if answer.row is None:
            continue
        role = "Recommended" if answer.question == SMALLEST and found.outcome == "pruned" else _QUESTIONS[answer.question]
        role = "Smallest pruned" if answer.question == SMALLEST and found.outcome == "dense" else role
        for place, (before, other) in enumerate(result):
            if other.row is not None and other.row.place == answer.row.place:
                result[place] = (f"{before}, also {role.lower()}", other)
                break
        else:
            result.append((role, answer))
    return result[: _ALTERNATIVES + 1]


def _differences(study: StudyFolder, points: Points, answer: Answer) -> Mapping[str, Paired]:
    """Return a candidate's differences to the unpruned network that it is compared with, by metric."""
    if answer.differences:
        return answer.differences
    control = points.recommended.control
    if control is None or answer.row is None:
        return {}
    both = points.table.loc[[answer.row.Index, points.table.index[int(control["place"])]]]
    values, noise = seed_measured(study, both, METRICS)
    gaps = {
        name: paired(values[0, :, at] - values[1, :, at], noise[0, :, at] - noise[1, :, at])
        for at, name in enumerate(METRICS)
    }
    return {name: one for name, one in gaps.items() if one is not None}


def _named(points: Points, row: Mapping[str, Any]) -> Any:
    return rows_of(points.table.iloc[[int(row["place"])]])[0] if "place" in row else row


def named(decision: Decision) -> dict[int, str]:
    """Return place -> label of the networks that the answer names, for the figure of the front."""
    return {int(card.row.place): card.role for card in decision.cards}
