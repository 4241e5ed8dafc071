"""The answer first: which networks to take, by the selection numbers, with the report numbers beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dashboards import labels
from dashboards.analysis.chosen import Choice, chosen_numbers
from dashboards.analysis.claims import Paired, claims, verdict, would_find
from dashboards.analysis.columns import compared_columns, table_columns
from dashboards.analysis.dense_ladder import against_ladder, has_ladder
from dashboards.analysis.indistinguishable import SHOWN, candidate_names, nearly_meets, not_told_apart
from dashboards.analysis.limits import against_report, limit_remarks, nobody_within
from dashboards.analysis.points import Points, rows_of
from dashboards.analysis.stored_size import fewer_nonzero_remark, stored_remark
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.kinds import REFERENCES
from prune_core.metrics import Direction
from prune_core.metrics.numbers import counted
from prune_core.metrics.quantities import direction_of, is_cost
from sweeps.front.claim_levels import DECIDABLE
from sweeps.front.demands import MARGIN
from sweeps.front.recommended import Recommended
from sweeps.front.recommended_text import kept_words
from sweeps.study.deciding import deciding_column
from sweeps.study.values import Limit

_SAID = ("nonzero_parameters", "compression", "accuracy", "ece", "nll", "mpc", "mpc_without_jpeg")
"""What every answer says of its network."""
WORST = "worst_corruption_accuracy"
"""What is compared with the control beside the columns of the tables."""
SMALLEST = "Smallest"
"""The name of the question whose answer is chosen for its size."""


@dataclass(frozen=True)
class Question:
    """What is asked, and what decides.

    Attributes:
        name: for example "Smallest".
        condition: who qualifies, in words.
        demands: the same as comparisons of a candidate's means.
        column: what decides among those that qualify.
        direction: which way.
    """

    name: str
    condition: str
    demands: tuple[Limit, ...]
    column: str
    direction: Direction

    @property
    def uncertain(self) -> tuple[Limit, ...]:
        """The demands on what seeds and images scatter; a cost is what it is."""
        return tuple(demand for demand in self.demands if not is_cost(demand.column))

    @property
    def metric(self) -> str:
        """What it is chosen for, as it is measured on the report images; the smallest is to keep its accuracy."""
        return "accuracy" if self.name == SMALLEST else self.column.removeprefix("val_")


@dataclass(frozen=True)
class Answer:
    """One of the three answers.

    Attributes:
        question: what was asked.
        sentence: the answer in words; says so where there is none.
        row: the candidate, None where none qualifies.
        differences: column -> mean difference to the control of the same seeds and budget.
        ladder: the same against a dense network of as many parameters; None where no ladder reaches it.
        remarks: what is claimed of it and what is not, one sentence each.
    """

    question: str
    sentence: str
    row: Any | None
    differences: Mapping[str, Paired]
    ladder: Mapping[str, Paired] | None
    remarks: tuple[str, ...]


def answers(study: StudyFolder, points: Points) -> list[Answer]:
    """Return the three answers among the pruned candidates at the longest budget."""
    table = points.at_longest()
    pruned = table[~table["method"].isin(REFERENCES)]
    found = [_found(study, points, pruned, question) for question in _questions(study, pruned, points.recommended)]
    told = _primary(study, [one for one in found if isinstance(one, Considered)])
    return [one if isinstance(one, Answer) else _answer(study, points, one, told) for one in found]


def _primary(study: StudyFolder, found: Sequence[Considered]) -> dict[tuple[str, str], bool]:
    """Return which primary comparisons are claimed, by question and column: those for which each network was chosen.

    They share what a report may spend on them by Holm's procedure, and each knows that its network was chosen.
    """
    asked: list[tuple[str, str, Paired, float]] = []
    for one in found:
        question = one.question
        if question.metric not in study.primary:
            continue
        if question.name == SMALLEST:
            borders = [(demand.column, demand.value) for demand in question.uncertain if demand.column in one.demanded]
            asked += [(question.name, column, one.demanded[column], border) for column, border in borders]
        elif question.metric in one.control:
            asked.append((question.name, question.metric, one.control[question.metric], 0.0))
    told = claims([one for *_, one, _ in asked], [at for *_, at in asked], place="primary")
    return {(question, column): sure for (question, column, *_), sure in zip(asked, told, strict=True)}


def accuracy_margin(study: StudyFolder) -> float:
    """Return how much accuracy may be lost against the control."""
    margins = study.margins
    return margins.get("accuracy", margins.get("val_accuracy", MARGIN))


def _questions(study: StudyFolder, pruned: pd.DataFrame, recommended: Recommended) -> list[Question]:
    def decisive(name: str) -> str:
        return deciding_column(name, pruned.columns, study.select_on)

    loss = accuracy_margin(study)
    # The difference is to the control of the same baseline: slimming starts from one of its own.
    deltas = [name for name in (decisive("delta_accuracy"), "delta_accuracy") if _measured(pruned, name)]
    near = (Limit(deltas[0], ">=", -loss),) if deltas else ()
    asked: list[tuple[str, tuple[Limit, ...], str, Direction]] = [
        (SMALLEST, recommended.demands, recommended.cost, "min"),
        ("Best calibrated", near, decisive("ece"), "min"),
        ("Most robust", near, decisive("mpc"), "max"),
    ]
    return [
        Question(name, f"of those that {kept_words(one, many=True)}", one, column, way) for name, one, column, way in asked
    ]


def _measured(table: pd.DataFrame, column: str) -> bool:
    return column in table and bool(table[column].notna().any())


def _found(study: StudyFolder, points: Points, pruned: pd.DataFrame, question: Question) -> Considered | Answer:
    """Return who is chosen; the answer that nobody is where none qualifies."""
    able = pruned.dropna(subset=[question.column]) if question.column in pruned else pruned.iloc[:0]
    meets = [not row.collapsed and _meets(row, question.demands) for row in rows_of(able)]
    rows = able[np.array(meets, dtype=bool)]
    if not len(rows) and len(pruned) and not len(able):
        words = f"{question.name}: {labels.title(question.metric)} was not measured."
        return Answer(question.name, words, None, {}, None, ())
    if not len(rows):
        words = f"{question.name} {question.condition}: no complete pruned network qualifies."
        return Answer(question.name, words, None, {}, None, tuple(_nobody(study, points, able, question)))
    order = [question.column, "network", "arm", "ratio"]
    row = rows_of(rows.sort_values(order, ascending=[question.direction == "min", True, True, True]).head(1))[0]
    if question.name == SMALLEST:  # the one truth of what is recommended
        row = rows_of(rows.loc[[points.recommended.pruned_index]])[0]
    choice = Choice(rows, row, question.demands, question.column, question.direction)
    compared = [*compared_columns(), *(name for name in (WORST,) if f"delta_{name}" in study.records)]
    demanded = [demand.column for demand in question.demands]
    own = [] if question.name == SMALLEST else [question.metric]
    numbers = chosen_numbers(study, choice, [*(f"delta_{name}" for name in compared), *demanded, *own])
    control = {name: numbers[f"delta_{name}"] for name in compared if f"delta_{name}" in numbers}
    return Considered(question, able, rows, row, control, against_ladder(study, points, row, compared), numbers)


def _answer(study: StudyFolder, points: Points, found: Considered, told: Mapping[tuple[str, str], bool]) -> Answer:
    numbers = _numbers(found.row, points.columns)
    sentence = f"{found.question.name} {found.question.condition}: {labels.candidate(found.row)}, {numbers}."
    if found.question.name == SMALLEST and (against := against_report(study, found.row)):
        sentence += f" {against}"
    remarks = tuple(_remarks(study, points, found, told))
    return Answer(found.question.name, sentence, found.row, found.control, found.ladder, remarks)


def _meets(row: Any, demands: Sequence[Limit]) -> bool:
    return all(demand.holds(float(getattr(row, demand.column, float("nan")))) for demand in demands)


def _nobody(study: StudyFolder, points: Points, able: pd.DataFrame, question: Question) -> list[str]:
    """Say what fails, and who comes nearest: of the study's limits, or of what may be lost against the control."""
    if question.name == SMALLEST and study.limits:
        return nobody_within(study, points) if len(able) else []
    column = question.demands[0].column if question.demands else ""
    if not _measured(able, column):
        return []
    nearest = rows_of(able.sort_values(column, ascending=False).head(1))[0]
    change = labels.number(getattr(nearest, column), column, sign=True)
    return [f"Nearest is {labels.candidate(nearest)}: {change} of accuracy against its control."]


def _numbers(row: Any, columns: Sequence[str]) -> str:
    count = labels.number(row.nonzero_parameters, "nonzero_parameters")
    parts = [
        f"{count} nonzero parameters ({labels.number(row.compression, 'compression')})",
        f"accuracy {labels.spread(row.accuracy, row.accuracy_std, 'accuracy')}",
        f"ECE {labels.spread(row.ece, row.ece_std, 'ece')}",
        f"NLL {labels.number(row.nll, 'nll')}",
    ]
    if not np.isnan(row.mpc):
        parts.append(f"mPC {labels.spread(row.mpc, row.mpc_std, 'mpc')}")
    if not np.isnan(row.mpc_without_jpeg):
        parts.append(f"without jpeg_compression {labels.number(row.mpc_without_jpeg, 'mpc')}")
    asked = [name for name in columns if name not in (*table_columns(), *_SAID) and not np.isnan(getattr(row, name))]
    parts += [f"{name} {labels.spread(getattr(row, name), getattr(row, f'{name}_std'), name)}" for name in asked]
    return ", ".join(parts)


@dataclass(frozen=True)
class Considered:
    """An answer before it is put into words: who was able, who qualified, who was chosen, and against what it was held."""

    question: Question
    able: pd.DataFrame
    rows: pd.DataFrame
    row: Any
    control: Mapping[str, Paired]
    ladder: Mapping[str, Paired] | None
    demanded: Mapping[str, Paired]


def _remarks(study: StudyFolder, points: Points, found: Considered, told: Mapping[tuple[str, str], bool]) -> list[str]:
    question, row = found.question, found.row
    seeds = int(row.seeds)
    said = limit_remarks(study, row) if study.limits else []
    said += [line for line in (stored_remark(points, row),) if line]
    if question.name == SMALLEST and (line := fewer_nonzero_remark(points, row, found.rows)):
        said.append(line)
    if question.name == SMALLEST:
        smaller = found.able[found.able[question.column] < getattr(row, question.column)].sort_values(question.column)
        near = [nearly_meets(study, other, question.demands) for other in rows_of(smaller) if not other.collapsed]
        close = [one.words for one in near if one is not None]
        if close:
            more = f"; and {len(close) - SHOWN} more" if len(close) > SHOWN else ""
            said.append(
                f"Smaller, and missing what is asked by so little that it may be chance: {'; '.join(close[:SHOWN])}{more}."
            )
        if not study.demonstration and question.uncertain and question.metric in study.primary:
            sure = all(told.get((question.name, demand.column), False) for demand in question.uncertain)
            # costs are exact: they are met or not, whatever the seeds
            exact = len(question.uncertain) < len(question.demands)
            what = ", ".join(map(str, question.uncertain)) if exact else "this" if not sure else "what is demanded"
            words = f"It meets {what} by more than chance" if sure else f"That it meets {what} is not shown beyond chance"
            demanded = [found.demanded[each.column] for each in question.uncertain if each.column in found.demanded]
            more = would_find(demanded[0], question.metric, len(found.rows)) if len(demanded) == 1 else ""
            undecided = f"Whether it meets {what} is not decidable with {counted(seeds, 'seed')}{more}"
            said.append(f"{words if seeds >= DECIDABLE else undecided}.")
    else:
        rivals = not_told_apart(study, found.rows, row, question.column)
        if rivals:
            said.append(f"Not told apart from it in {labels.title(question.column)}: {candidate_names(rivals)}.")
        said += _gain(study, found, told)
    if found.ladder is None and has_ladder(points):
        said.append("The dense ladder has no network of this size.")
    return said


def _gain(study: StudyFolder, found: Considered, told: Mapping[tuple[str, str], bool]) -> list[str]:
    """Say whether the chosen one beats its control in what it was chosen for: a primary comparison."""
    name = found.question.metric
    one = found.control.get(name)
    if study.demonstration or one is None or name not in study.primary:
        return []
    claimed = told.get((found.question.name, name), False)
    said = {
        "better": "it is better than its control by more than chance",
        "worse": "it is worse than its control by more than chance",
        "not told apart": "it is not told apart from its control",
        "not decidable": f"whether it differs from its control is not decidable with {counted(one.seeds, 'seed')}"
        + would_find(one, name, len(found.rows)),
    }[verdict(one, claimed, direction_of(name))]
    many = f" (chosen among {len(found.rows)}, corrected for that)" if claimed and len(found.rows) > 1 else ""
    return [f"In {labels.title(name)} {said}{many}."]
