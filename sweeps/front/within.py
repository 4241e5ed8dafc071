"""Who meets a study's limits: how many, what fails where nobody does, who comes nearest, and whether pruning was needed.

The nearest candidate is the one whose worst shortfall, as a share of its bound, is the smallest: a file of 26,600 bytes
misses 20,000 by a third, an accuracy of .72 misses .9 by a fifth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prune_core.base.kinds import REFERENCES
from prune_core.metrics import Direction
from sweeps.front.front import candidates, rivals
from sweeps.front.limits import Verdict, limit_columns, number_beside, plain_row, verdicts
from sweeps.front.text import candidate_name
from sweeps.study.images import images_of, is_corrupted
from sweeps.study.values import Limit

if TYPE_CHECKING:
    import pandas as pd

Name = Callable[[Any], str]
"""What a row of a table of candidates is called."""
_NAMED = 3


@dataclass(frozen=True)
class Judged:
    """One candidate and every limit."""

    row: Any
    verdicts: tuple[Verdict, ...]

    @property
    def met(self) -> bool:
        """Whether it meets all of them."""
        return all(one.met for one in self.verdicts)

    @property
    def contradicted(self) -> tuple[Verdict, ...]:
        """The limits that its report numbers miss, of a candidate that meets all."""
        return tuple(one for one in self.verdicts if one.contradicted) if self.met else ()

    @property
    def missing(self) -> float:
        """Its worst shortfall, as a share of the bound."""
        return max((one.missing for one in self.verdicts), default=0.0)


@dataclass(frozen=True)
class Within:
    """The candidates of a table and the limits of their study.

    Attributes:
        limits: the study's.
        pruned: every pruned candidate, judged.
        references: every unpruned or dense one, judged.
    """

    limits: tuple[Limit, ...]
    pruned: tuple[Judged, ...]
    references: tuple[Judged, ...]

    @property
    def qualified(self) -> list[Judged]:
        """The pruned candidates that meet every limit."""
        return [one for one in self.pruned if one.met]

    @property
    def nearest(self) -> Judged | None:
        """The pruned candidate whose worst shortfall is the smallest; the first of equal ones."""
        return min(self.pruned, key=lambda one: one.missing, default=None)

    def holders(self, limit: Limit) -> int:
        """Return how many pruned candidates meet one limit."""
        return sum(1 for one in self.pruned for each in one.verdicts if each.limit == limit and each.met)


def judge_within(table: pd.DataFrame, limits: Sequence[Limit], select_on: str) -> Within:
    """Return the rows of a table of candidates against the limits; pruned ones and references apart.

    Args:
        table: of `sweeps.front.front.candidates`, complete ones alone, with the columns of `limit_columns`.
        limits: the study's.
        select_on: as the study says.
    """
    judged = [Judged(row, tuple(verdicts(plain_row(row), limits, select_on))) for _, row in table.iterrows()]
    pruned = tuple(one for one in judged if one.row["method"] not in REFERENCES)
    return Within(tuple(limits), pruned, tuple(one for one in judged if one.row["method"] in REFERENCES))


def nobody_sentences(found: Within, name: Name) -> list[str]:
    """Say why no pruned candidate meets the limits: what fails, who comes nearest, and what meets them without pruning."""
    said = [_failing(found)]
    nearest = found.nearest
    if nearest is not None and nearest.missing < float("inf"):
        gaps = ", ".join(f"{one.why_not}, {_gap(one)}" for one in nearest.verdicts if not one.met)
        said.append(f"Nearest is {name(nearest.row)}: {gaps}.")
    dense = [one for one in found.references if one.met]
    if dense:
        verb = "meets" if len(dense) == 1 else "meet"
        said.append(f"Not pruned, {_names(dense, name)} {verb} all of them.")
    return said


def report_sentences(found: Sequence[Judged], name: Name, evaluation: Mapping[str, Any]) -> list[str]:
    """Warn of candidates that meet the limits by the numbers that decide and miss one by their report numbers."""
    against = [one for one in found if one.contradicted]
    if not against:
        return []
    shown = "; ".join(f"{name(one.row)}: {report_words(one)}" for one in against[:_NAMED])
    more = f"; and {len(against) - _NAMED} more" if len(against) > _NAMED else ""
    return [f"The report numbers miss what the selection numbers meet: {shown}{more} ({both_images(against, evaluation)})."]


def both_images(against: Sequence[Judged], evaluation: Mapping[str, Any]) -> str:
    """Return on which images the numbers that disagree were measured."""
    columns = list(dict.fromkeys((each.column, str(each.report_column)) for one in against for each in one.contradicted))
    return "; ".join(
        f"{one} is of {images_of(one, evaluation)}, {two} of {images_of(two, evaluation)}" for one, two in columns
    )


def limit_lines(
    records: pd.DataFrame,
    decisive: Mapping[str, Direction],
    seeds: Sequence[int],
    select_on: str,
    limits: Sequence[Limit],
    evaluation: Mapping[str, Any],
) -> list[str]:
    """Return what a terminal says about the limits: who meets them at the longest budget, or why nobody does.

    Args:
        records: the table of records.
        decisive: the columns that decide, and their directions.
        seeds: those that a complete candidate has.
        select_on: as the study says.
        limits: the study's; without any nothing is said.
        evaluation: that section of the study as plain data.
    """
    if not limits or records.empty:
        return []
    shown = limit_columns(limits, records.columns, select_on)
    table = candidates(records, decisive, shown=shown, seeds=seeds)
    table = table[rivals(table)[-1] & table["complete"].to_numpy(dtype=bool)]
    found = judge_within(table, limits, select_on)
    if not found.pruned:
        return []
    demanded = ", ".join(map(str, limits))
    if not found.qualified:
        first, *others = nobody_sentences(found, candidate_name)
        return [f"limits: {first}", *(f"  {line}" for line in others), *_images_line(limits, evaluation)]
    count = f"{len(found.qualified)} of {len(found.pruned)} pruned candidates meet them all ({demanded})"
    warned = report_sentences(found.qualified, candidate_name, evaluation)
    return [f"limits: {count}", *([f"  warning: {line}" for line in warned] or _images_line(limits, evaluation))]


def _images_line(limits: Sequence[Limit], evaluation: Mapping[str, Any]) -> list[str]:
    said = [f"{limit.column} is of {images_of(limit.column, evaluation)}" for limit in limits if is_corrupted(limit.column)]
    return [f"  {'; '.join(dict.fromkeys(said))}"] if said else []


def _failing(found: Within) -> str:
    total = len(found.pruned)
    none = [limit for limit in found.limits if not found.holders(limit)]
    if none:
        verb = "is" if len(none) == 1 else "are"
        return f"no pruned candidate meets them: {', '.join(map(str, none))} {verb} met by none of {total}."
    counts = ", ".join(f"{limit} by {found.holders(limit)}" for limit in found.limits)
    return f"no pruned candidate meets all of them, though each is met by some of {total}: {counts}."


def _gap(one: Verdict) -> str:
    """By how much a limit is missed, in its unit and as a share of the bound."""
    if one.measured is None:
        return "which says nothing"
    gap = abs(one.limit.excess(one.measured))
    side = "too much" if one.limit.comparison.startswith("<") else "too little"
    share = f" ({100 * one.missing:.0f} % of the limit)" if one.limit.value and one.missing >= 0.005 else ""
    return f"{number_beside(Limit(one.column, '>', 0.0), gap, one.column)} {side}{share}"


def report_words(one: Judged) -> str:
    """Return what the report numbers say that disagree."""
    return ", ".join(each.report_words for each in one.contradicted)


def _names(found: Sequence[Judged], name: Name) -> str:
    shown = [name(one.row) for one in found[:_NAMED]]
    return ", ".join(shown) + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")
