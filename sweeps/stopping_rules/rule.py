"""What a rule of early stopping is: from how the candidates of a batch stand at a budget, who goes on to the next one.

``STOPPING_RULES.register("name")(StoppingRule(decide, Options, source))`` files one, and ``search.early_stopping:
{rule: name, ...options}`` in a study asks for it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from prune_core.base.errors import BadInput, UnknownName
from prune_core.base.registry import Registry

SHORT = "ranks", "keep"
"""The rule, and its option, that a lone number under ``search.early_stopping`` stands for."""

Decision: TypeAlias = "str | None"
"""None: the candidate goes on. Text: it is stopped, and this is why, as the record's cause will say."""


def _nobody_says() -> NDArray[np.float64]:
    raise BadInput("this rule needs the chances of a place on the front, which only a search computes")


@dataclass(frozen=True)
class Standing:
    """How the N candidates of a batch that are still walking stand at one budget.

    Attributes:
        budget: epochs of fine-tuning that all of them have reached.
        budgets: the study's, rising.
        objectives: the M columns that decide.
        directions: ``min`` or ``max`` of each.
        values: ``(N, M)``, each the mean over a candidate's seeds; finite.
        ranks: ``(N,)``: non-dominated rank of each, 1 for the front, 2 for the front of the others, and so on.
        earlier: returns ``(N, M)`` at an earlier budget, NaN for a candidate that was not judged there.
        chances: returns ``(N,)``, how likely each is on the front at the longest budget, by the model of the sampler
            `front_gp` and what was judged so far: these candidates up to this budget, those that were stopped, and those of
            earlier batches.
    """

    budget: int
    budgets: tuple[int, ...]
    objectives: tuple[str, ...]
    directions: tuple[str, ...]
    values: NDArray[np.float64]
    ranks: NDArray[np.int_]
    earlier: Callable[[int], NDArray[np.float64]]
    chances: Callable[[], NDArray[np.float64]] = _nobody_says


@dataclass(frozen=True)
class StoppingRule:
    """One rule.

    Attributes:
        decide: ``(standing, options) -> a decision for each candidate``. A pure function: a run that was killed, or is done
            again, decides the same.
        Options: a dataclass of plain values, checked where it is made (raise `BadInput`).
        source: where the rule comes from.
    """

    decide: Callable[[Standing, Any], Sequence[Decision]]
    Options: type[Any]
    source: str


STOPPING_RULES: Registry[StoppingRule] = Registry("early-stopping rule")


@dataclass(frozen=True)
class ChosenRule:
    """A rule by name, with its options."""

    name: str
    options: Any

    def decide(self, standing: Standing) -> list[Decision]:
        """Return a decision for each candidate.

        Raises:
            BadInput: the rule fails, or does not decide about every candidate.
        """
        try:
            found = list(STOPPING_RULES.get(self.name).decide(standing, self.options))
        except Exception as error:
            raise BadInput(f"early-stopping rule {self.name!r} failed: {type(error).__name__}: {error}") from error
        if len(found) != len(standing.values) or not all(each is None or (isinstance(each, str) and each) for each in found):
            raise BadInput(
                f"early-stopping rule {self.name!r} returned {found!r} (allowed: for each of {len(standing.values)} "
                "candidates None, or why it is stopped)"
            )
        return found

    def setting(self) -> float | dict[str, Any]:
        """Return it as a study file says it, in the one form that counts: a number where that says it all."""
        options = dataclasses.asdict(self.options)
        return float(options[SHORT[1]]) if self.name == SHORT[0] else {"rule": self.name, **options}

    def plain(self) -> dict[str, Any]:
        """Return it as outcomes of stopped trials hold it."""
        options = dataclasses.asdict(self.options)
        return options if self.name == SHORT[0] else {"rule": self.name, "options": options}


def choose_rule(setting: float | Mapping[str, Any]) -> ChosenRule:
    """Return the rule that a study file asks for: a share, or ``{rule: NAME, ...options}``.

    Raises:
        BadInput: an unknown rule or option, an option that is missing, or a value that is not allowed.
    """
    given = dict(setting) if isinstance(setting, Mapping) else {"rule": SHORT[0], SHORT[1]: setting}
    name = given.pop("rule", None)
    if not isinstance(name, str):
        raise BadInput(f"no rule is named (allowed: rule: {', '.join(sorted(STOPPING_RULES))})")
    rule = STOPPING_RULES.get(name)
    fields = {field.name: field for field in dataclasses.fields(rule.Options) if field.init}
    for option in given:
        if option not in fields:
            raise UnknownName(f"option of early-stopping rule {name!r}", option, fields)
    for option, field in fields.items():
        if option not in given and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise BadInput(f"option {option!r} of early-stopping rule {name!r} is missing")
    options = rule.Options(**given)
    try:
        json.dumps(dataclasses.asdict(options), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadInput(f"options of early-stopping rule {name!r} must be plain data: {error}") from None
    return ChosenRule(name, options)
