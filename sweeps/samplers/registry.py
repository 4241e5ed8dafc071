"""What a sampler is to a search: a seed in, one of Optuna's samplers out.

``@SAMPLERS.register("name")`` over such a function files it, and ``search.sampler: name`` in a study asks for it. The
function is called anew for every proposal, with the candidates told so far as Optuna's trials: what is proposed depends on
them and on the seed alone, so a search that was killed goes on as if nothing had happened. State that a sampler keeps
between two proposals is lost, unless it is in the trials.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prune_core.base.registry import Registry

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

Sampler = Callable[[int], "BaseSampler"]

SAMPLERS: Registry[Sampler] = Registry("sampler")
