"""What a sampler is to a search: a seed in, one of Optuna's samplers out.

``@SAMPLERS.register("name")`` over such a function files it, and ``search.sampler: name`` in a study asks for it. The
function is called anew for every proposal, with the candidates told so far as Optuna's trials: what is proposed depends on
them and on the seed alone, so a search that was killed goes on as if nothing had happened. State that a sampler keeps
between two proposals is lost, unless it is in the trials. A sampler that has a method ``choose_from`` is told by it,
before it is asked, which candidates there are and what is known of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from prune_core.base.registry import Registry

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

Sampler = Callable[[int], "BaseSampler"]

Known = Callable[[Mapping[str, Any]], Mapping["int | str", float]]
"""Parameters of a candidate -> what is known of it beforehand: objectives by number, amounts of constraints by name."""


@runtime_checkable
class ChoosesFrom(Protocol):
    """A sampler that wants to know what there is to choose from."""

    def choose_from(
        self, candidates: Sequence[Mapping[str, Any]], distributions: Mapping[str, BaseDistribution], known: Known | None
    ) -> None:
        """Take the parameters of every candidate that may be proposed, their distributions, and what is known of them."""


@runtime_checkable
class Weighs(Protocol):
    """A sampler that can weigh what a candidate is expected to add against what trying it costs."""

    def weigh(self, price: Callable[[Mapping[str, Any]], float]) -> None:
        """Take what trying a candidate costs by its parameters, above 0, in any unit."""


@runtime_checkable
class SaysWhatItExpects(Protocol):
    """A sampler that says what it expects of going on."""

    @property
    def outlook(self) -> Mapping[str, Any] | None:
        """What was expected at the last proposal; None before something was told.

        ``expected_gain``: the share of the hypervolume of all candidates that those told do not have yet, ``low`` and
        ``high`` its 90 % interval; ``front``: who is expected on the front,
        ``[parameters, probability]`` each.
        """


@runtime_checkable
class WeighsSeeds(Protocol):
    """A sampler that can say what one more seed of a told candidate is worth, and what a new candidate is."""

    def measurement_worth(
        self, study: optuna.Study, seeds: int
    ) -> tuple[Sequence[tuple[Mapping[str, Any], float]], Sequence[float]]:
        """Return the worth of one more seed by the told candidates' parameters, and that of new ones, the best first.

        In the same unit; a new candidate is measured with ``seeds`` seeds. A trial whose values are means of more seeds than
        others' has `COUNT`.
        """


COUNT = "front_gp:count"
"""User attribute of a trial that a sampler is shown: of how many seeds its values are means, where of more."""
SEEDS = "prunefront.seeds"
"""User attribute of a trial that a sampler is shown: what each seed measured, a list per seed, a value per objective."""
DEFAULT = "front_gp"
"""The sampler of a search that names none."""
FORMER_DEFAULT = "tpe"
"""The default before it: a search that was begun with it keeps it."""

SAMPLERS: Registry[Sampler] = Registry("sampler")
