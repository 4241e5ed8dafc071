"""The sections of a study file that say what to try next. Every key is explained here, once."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from sweeps.samplers import DEFAULT
from sweeps.study.section import Section
from sweeps.study.values import Seed, Seeds

NARROWEST = 1.1
"""How many times its low end the high end of a searched rate must be."""


class MoreSeedsSection(Section):
    """More seeds for candidates whose place on the front is uncertain: a fixed allowance."""

    candidates: int = Field(ge=1, description="how many candidates get the extra seeds, at most")
    seeds: Seeds = Field(description="the extra seeds; none of the study's own")
    when: Literal["end", "compete"] = Field(
        default="end",
        description="end: when all else has ended, besides it; compete: between the batches of a search by Optuna, one at a "
        "time, in place of new candidates",
    )


class UntilSection(Section):
    """When a search ends before it has tried as many candidates as it may."""

    expected_gain: float = Field(
        gt=0,
        lt=1,
        description="end when all untried candidates together are expected to add at most this share of the hypervolume",
    )


class SearchSection(Section):
    """What to try next: all of it, or what a search asks for."""

    kind: Literal["grid", "random", "optuna"] = Field(default="grid", description="the whole factorial, or a search over it")
    candidates: int | None = Field(
        default=None, ge=1, description="how many (arm, ratio, budget) a search tries; null is all"
    )
    sampler: str = Field(default=DEFAULT, description="Optuna's sampler, shipped or of a plugin")
    seed: Seed = Field(default=0, description="seed of the search")
    batch: int | None = Field(
        default=None,
        ge=1,
        description="how many candidates to try at a time, waiting for all of them: the same search on every machine",
    )
    early_stopping: float | dict[str, Any] | None = Field(
        default=None,
        description="share of the candidates that goes on at each budget, best non-dominated ranks first; or {rule: NAME, "
        "...its options}; null: all go on",
    )
    learning_rate: tuple[float, float] | None = Field(
        default=None, description="[low, high]: also search the fine-tuning rate, on a log scale"
    )
    more_seeds: MoreSeedsSection | None = Field(
        default=None,
        description="{candidates: N, seeds: [...]}: extra seeds for the N candidates whose place on the front is "
        "least certain; null: none",
    )

    gain: Literal["candidate", "cost"] = Field(
        default="candidate",
        description="what the search maximises: the gain per candidate, or per cost of trying it (front_gp only)",
    )
    until: UntilSection | None = Field(
        default=None, description="{expected_gain: G}: end the search early by a rule fixed beforehand; null: never"
    )

    @field_validator("sampler", mode="before")
    @classmethod
    def _as_optuna_writes_it(cls, value: Any) -> Any:
        return {"nsgaii": "nsga2", "nsgaiii": "nsga3"}.get(str(value).lower(), value)

    @field_validator("early_stopping", mode="before")
    @classmethod
    def _share_or_rule(cls, value: Any) -> Any:
        if value is None or isinstance(value, dict):
            return value
        try:
            return float("" if isinstance(value, bool) else value)
        except (TypeError, ValueError):
            raise ValueError(f"{value!r} must be a number, {{rule: NAME, ...options}}, or null") from None

    @field_validator("learning_rate")
    @classmethod
    def _rising(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not 0 < value[0] < value[1]:
            raise ValueError(f"{list(value)} is no range (allowed: [low, high] with 0 < low < high)")
        if value is not None and value[1] < NARROWEST * value[0]:  # a rate has four digits: few would differ
            raise ValueError(f"{list(value)} is too narrow to be searched (allowed: high at least {NARROWEST:g} times low)")
        return value
