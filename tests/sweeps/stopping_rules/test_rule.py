"""Rules of early stopping: which settings are one rule, what is refused, what a rule is told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from prune_core.base.errors import BadInput
from sweeps.stopping_rules import STOPPING_RULES, Standing, StoppingRule, choose_rule


def standing(values: list[list[float]], ranks: list[int]) -> Standing:
    table = np.array(values)
    return Standing(0, (0, 1), ("val_accuracy",), ("max",), table, np.array(ranks), lambda _: table)


@dataclass(frozen=True)
class Above:
    least: float


@pytest.fixture
def above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STOPPING_RULES, "_entries", dict(STOPPING_RULES._entries))

    def decide(now: Standing, options: Above) -> list[str | None]:
        return [None if value >= options.least else f"{value:g} < {options.least:g}" for value in now.values[:, 0]]

    STOPPING_RULES.register("above")(StoppingRule(decide, Above, "test"))
    STOPPING_RULES.register("short")(StoppingRule(lambda now, options: [None], Above, "test"))
    STOPPING_RULES.register("broken")(StoppingRule(lambda now, options: 1 / 0, Above, "test"))  # type: ignore[arg-type, return-value]


def test_a_share_and_the_rule_that_it_is_short_for_are_one() -> None:
    short, long = choose_rule(0.5), choose_rule({"rule": "ranks", "keep": 0.5})
    assert short == long and long.setting() == 0.5
    assert long.plain() == {"keep": 0.5}, "what outcomes of stopped trials have always held"
    assert short.decide(standing([[0.9], [0.5]], [1, 2])) == [
        None,
        "non-dominated rank 2 of 2 among 2 candidates, ranks up to 1 go on (early_stopping 0.5)",
    ]


def test_a_rule_of_ones_own_decides_by_its_options(above: None) -> None:
    rule = choose_rule({"rule": "above", "least": 0.6})
    assert rule.decide(standing([[0.9], [0.5]], [1, 2])) == [None, "0.5 < 0.6"]
    assert rule.setting() == {"rule": "above", "least": 0.6}
    assert rule.plain() == {"rule": "above", "options": {"least": 0.6}}


@pytest.mark.parametrize(
    "setting, said",
    [
        ({"rule": "rank"}, "unknown early-stopping rule 'rank'; did you mean ranks"),
        ({"keep": 0.5}, "no rule is named"),
        ({"rule": "above"}, "option 'least' of early-stopping rule 'above' is missing"),
        ({"rule": "above", "leats": 1}, "did you mean least"),
        ({"rule": "above", "least": float("nan")}, "must be plain data"),
        ({"rule": "ranks", "keep": True}, "less than 1"),
        (0.0, "greater than 0"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(above: None, setting: float | dict[str, object], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        choose_rule(setting)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_rule_that_fails_or_forgets_a_candidate_ends_the_run_in_one_line(above: None) -> None:
    now = standing([[0.9], [0.5]], [1, 2])
    with pytest.raises(BadInput, match="'short' returned .* for each of 2 candidates"):
        choose_rule({"rule": "short", "least": 0}).decide(now)
    with pytest.raises(BadInput, match="'broken' failed: ZeroDivisionError"):
        choose_rule({"rule": "broken", "least": 0}).decide(now)
