"""The sampler: Optuna's trials in, the parameters of the candidate to try next out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from .choice import next_candidates
from .encoding import Encoding, Params, stem
from .kernel import Kernel
from .pool import drawn_pool, key_of
from .problem import Floats, Problem, Settings
from .saying import plain
from .seeds import measurement_worth

Known = Mapping[int | str, float]
"""What is known of a candidate before it is tried: objectives by number, amounts of constraints by name."""

REPLICATES = "front_gp:replicates"
"""User attribute of a trial whose values are means: what each seed measured, a list per seed, a value per objective."""
OUTLOOK = "front_gp:outlook"
"""System attribute of a trial: what the sampler expected when it proposed it, as `FrontGPSampler.outlook` returns it."""
COUNT = "front_gp:count"
"""User attribute of a trial whose values are means of more measurements than ``replicates`` says: of how many."""
DRAWN = 256
"""How many candidates are drawn where none are given."""
_ONE_THREAD = threading.Lock()


class NothingAllowed(ValueError):
    """Every candidate was tried, or is known to miss a constraint."""


class FrontGPSampler(BaseSampler):  # type: ignore[misc]  # Optuna is not looked into by the check of types
    """Multi-objective Bayesian optimisation over spaces of categories, a few numeric axes and conditional parameters.

    One Gaussian process per objective over what candidates share (common curve, one per value of each categorical axis, one
    per combination), smooth in numeric axes, averaged over its hyperparameters; noisy expected hypervolume improvement.
    What is proposed depends on the seed and on the finished and running trials, whatever their order.

    Args:
        seed: of everything that is drawn.
        candidates: parameters of every candidate that may be proposed; None draws candidates from the parameters and
            conditions that finished trials had.
        distributions: of every parameter of the candidates; needed with ``candidates``.
        known: returns what is known of a candidate beforehand. Candidates that are known to miss a constraint are not
            proposed: where there are no others `NothingAllowed` is raised.
        axis_of: parameters with one answer are one axis; by default ``a of b`` belongs to ``a``.
        replicates: the user attribute with what each seed measured, a list per seed with a value per objective, where the
            trial's values are means; a trial without it counts as one measurement.
        price: returns what trying a candidate costs, above 0: the gain is then weighed per cost. None: per candidate.
        helps: axes along which objectives are expected to get better, such as the length of a training.
        settings: how much is computed.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        candidates: Sequence[Params] | None = None,
        distributions: Mapping[str, BaseDistribution] | None = None,
        known: Callable[[Params], Known] | None = None,
        axis_of: Callable[[str], str] = stem,
        replicates: str = REPLICATES,
        price: Callable[[Params], float] | None = None,
        helps: Collection[str] = (),
        settings: Settings | None = None,
    ) -> None:
        self._seed = int(np.random.default_rng(seed).integers(2**31)) if seed is None else seed
        self._random = RandomSampler(seed=self._seed)
        self._axis_of, self._replicates, self._settings = axis_of, replicates, settings or Settings()
        self._candidates: Sequence[Params] | None = None
        self._distributions: dict[str, BaseDistribution] = {}
        self._known: Callable[[Params], Known] = known or (lambda params: {})
        self._outlook: dict[str, Any] | None = None
        self._price, self._helps = price, frozenset(helps)
        if candidates is not None:
            self.choose_from(candidates, distributions or {}, known)

    def choose_from(
        self,
        candidates: Sequence[Params],
        distributions: Mapping[str, BaseDistribution],
        known: Callable[[Params], Known] | None = None,
    ) -> None:
        """Set what may be proposed, and what is known of it beforehand."""
        missing = sorted({name for one in candidates for name in one} - set(distributions))
        if missing:
            raise ValueError(f"candidates have parameters without a distribution: {', '.join(missing)}")
        self._candidates, self._distributions = list(candidates), dict(distributions)
        self._known = known or (lambda params: {})

    def weigh(self, price: Callable[[Params], float]) -> None:
        """Set what trying a candidate costs."""
        self._price = price

    @property
    def outlook(self) -> dict[str, Any] | None:
        """What was expected at the last proposal; None before something was told.

        ``expected_gain``: the share of the hypervolume of all candidates that those told do not have yet, ``low`` and
        ``high`` its 90 % interval, both corrected by how earlier expectations came true; ``promised``: the same as drawn,
        uncorrected; ``front``: the front of what candidates are expected to be worth, each as
        ``[parameters, probability of being on the front]``.
        """
        return self._outlook

    def reseed_rng(self) -> None:
        """Do nothing: a draw depends on the seed and the trials."""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return every parameter of the candidates, or of the finished trials."""
        if self._candidates is not None:
            return dict(self._distributions)
        found: dict[str, BaseDistribution] = {}
        for each in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            found.update(each.distributions)
        return found

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> dict[str, Any]:
        """Return the parameters of the candidate to try next; nothing while there is nothing to learn from."""
        if not search_space:
            return {}
        others = [each for each in study.get_trials(deepcopy=False) if each.number != trial.number]
        told = _by_key(each for each in others if each.state == TrialState.COMPLETE)
        running = _by_key(each for each in others if each.state == TrialState.RUNNING and each.params)
        seen = {key_of(each.params) for each in others if each.state != TrialState.FAIL or self._candidates is not None}
        pool = self._pool(told, search_space, seen, trial.number)
        if not pool:
            if any(_misses(self._known(params)) for params in self._candidates or ()):
                raise NothingAllowed("nothing left to propose: every candidate was tried, or is known to miss a constraint")
            return {}
        with one_thread():
            params, outlook = self._next(study.directions, told, running, pool, search_space, trial.number)
        self._outlook = outlook
        if outlook is not None:
            study._storage.set_trial_system_attr(trial._trial_id, OUTLOOK, outlook)
        return dict(params)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return a value at random."""
        random = RandomSampler(seed=(self._seed + 7919 * (trial.number + 1)) % 2**32)
        return random.sample_independent(study, trial, param_name, param_distribution)

    def _pool(
        self, told: Sequence[FrozenTrial], space: Mapping[str, BaseDistribution], seen: set[str], number: int
    ) -> list[Params]:
        if self._candidates is not None:
            found: Sequence[Params] = sorted(self._candidates, key=key_of)
        else:
            random = np.random.default_rng([self._seed, number])
            found = drawn_pool([each.params for each in told], space, DRAWN, random)
        left = [params for params in found if key_of(params) not in seen]
        return [params for params in left if not _misses(self._known(params))]

    def _next(
        self,
        directions: Sequence[StudyDirection],
        told: Sequence[FrozenTrial],
        running: Sequence[FrozenTrial],
        pool: Sequence[Params],
        space: Mapping[str, BaseDistribution],
        number: int,
    ) -> tuple[Params, dict[str, Any] | None]:
        problem, kernel, params = self._problem(directions, told, running, pool, space)
        random = torch.Generator().manual_seed((self._seed * 1_000_003 + number) % 2**63)
        chosen, outlook = next_candidates(problem, kernel, random, self._settings)
        return params[chosen[0]], None if outlook is None else plain(outlook, params)

    def measurement_worth(self, study: Study, seeds: int) -> tuple[list[tuple[Params, float]], list[float]]:
        """Return what one more seed of each told candidate is worth, and what each new candidate is, the best first.

        Between two proposals: what is running is not looked at. Needs ``candidates``; see `seeds.measurement_worth`.

        Args:
            study: with at least one finished trial.
            seeds: with how many a new candidate is measured.
        """
        others = study.get_trials(deepcopy=False)
        told = _by_key(each for each in others if each.state == TrialState.COMPLETE)
        pool = self._pool(told, self._distributions, {key_of(each.params) for each in others}, len(others))
        with one_thread():
            problem, kernel, params = self._problem(study.directions, told, (), pool, self._distributions)
            random = torch.Generator().manual_seed((self._seed * 1_000_003 + len(others)) % 2**63)
            more, new = measurement_worth(problem, kernel, random, self._settings, seeds)
        return list(zip(params, more.tolist(), strict=False)), new.tolist()

    def _problem(
        self,
        directions: Sequence[StudyDirection],
        told: Sequence[FrozenTrial],
        running: Sequence[FrozenTrial],
        pool: Sequence[Params],
        space: Mapping[str, BaseDistribution],
    ) -> tuple[Problem, Kernel, list[Params]]:
        """Return what is known, the covariance, and the parameters of all candidates."""
        encoding = Encoding(space, self._axis_of)
        going = {key_of(each.params): each.params for each in running}
        others = sorted((going | {key_of(params): params for params in pool}).items())
        params = [*(each.params for each in told), *(one for _, one in others)]
        limits = sorted({name for each in told for name in _constraints(each)})
        known = [self._known(one) for one in params]
        values = np.array([each.values for each in told], dtype=float).reshape(len(told), len(directions))
        # a trial without a constraint that others have set, such as being stopped early, meets it
        excess = np.nan_to_num(_table([_constraints(each) for each in told], limits), nan=-1.0)
        problem = Problem(
            points=encoding.points(params),
            values=values,
            largest=tuple(direction == StudyDirection.MAXIMIZE for direction in directions),
            running=tuple(len(told) + place for place, (key, _) in enumerate(others) if key in going),
            known=_trusted(_table(known, range(len(directions))), values),
            excess=excess,
            known_excess=_trusted(
                np.array([[one.get(name, np.nan) for name in limits] for one in known]).reshape(len(params), len(limits)),
                excess,
            ),
            replicates=_replicates(told, self._replicates, len(directions)),
            helps=tuple(d for d, axis in enumerate(encoding.numeric) if axis.name in self._helps),
            price=None if self._price is None else np.array([self._price(one) for one in params], dtype=float),
            counts=_counts(told, self._replicates),
        )
        return problem, Kernel(len(encoding.categories), len(encoding.numeric)), params


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: sums over several come out in another order, and so with other last bits."""
    with _ONE_THREAD:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def _by_key(trials: Any) -> list[FrozenTrial]:
    return sorted(trials, key=lambda trial: (key_of(trial.params), trial.number))


def _constraints(trial: FrozenTrial) -> dict[str, float]:
    """Return a trial's constraints by name: those that it set, or those of a sampler's ``constraints_func``."""
    named = getattr(trial, "constraints", None)
    if isinstance(named, Mapping):
        return dict(named)
    numbered = trial.system_attrs.get("constraints") or ()
    return {str(number): float(amount) for number, amount in enumerate(numbered)}


def _replicates(told: Sequence[FrozenTrial], attribute: str, objectives: int) -> Floats | None:
    """Return what each seed measured ``(N, S, M)``, or None where some trial does not say it, or the numbers differ."""
    found = [np.array(each.user_attrs.get(attribute, [])) for each in told]
    shapes = {each.shape for each in found}
    if len(shapes) != 1 or found[0].ndim != 2 or found[0].shape[1] != objectives or not np.isfinite(found).all():
        return None
    return np.array(found, dtype=float)


def _counts(told: Sequence[FrozenTrial], attribute: str) -> tuple[int, ...] | None:
    """Return of how many measurements each value is the mean, or None where no trial says it."""
    if not any(COUNT in each.user_attrs for each in told):
        return None
    return tuple(int(each.user_attrs.get(COUNT, len(each.user_attrs.get(attribute, [0])))) for each in told)


def _misses(known: Known) -> bool:
    return any(isinstance(name, str) and amount > 0 for name, amount in known.items())


def _table(rows: Sequence[Mapping[Any, float]], names: Iterable[int | str]) -> Floats:
    """Return one row per mapping and one column per name, NaN where there is no value."""
    columns = list(names)
    return np.array([[row.get(name, np.nan) for name in columns] for row in rows], dtype=float).reshape(
        len(rows), len(columns)
    )


def _trusted(known: Floats, told: Floats) -> Floats:
    """Return what is known beforehand, without the columns in which something told was not what was known."""
    for m in range(known.shape[1]):
        before = known[: len(told), m]
        there = ~np.isnan(before)
        if not np.allclose(before[there], told[there, m], rtol=1e-9, atol=0):
            known[:, m] = np.nan
    return known
