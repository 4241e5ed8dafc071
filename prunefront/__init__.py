"""The public face of prunefront: open a study, read its records and its front, run a study, ask a search.

    from prunefront import open_study

    study = open_study("runs/quickstart")
    study.front(budget=2)[["name", "accuracy", "ece", "nonzero_parameters"]]

The names below are what scripts and notebooks may rely on. They are looked up when they are asked for: ``import prunefront``
costs no import of PyTorch, and Ray is imported by `run` alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prune_core.base.errors import BadInput
    from prune_core.evaluation.logits import LogitSet
    from prunefront.results import StudyResults, open_study
    from prunefront.running import RunFailed, plan, run
    from prunefront.searching import Search, search
    from sweeps.front.front import non_dominated
    from sweeps.front.recommended import Recommended
    from sweeps.front.volume import hypervolume
    from sweeps.plan.plan import Plan
    from sweeps.samplers import SAMPLERS
    from sweeps.search.space import Candidate
    from sweeps.stopping_rules import STOPPING_RULES
    from sweeps.study.model import Study, load_study

    __version__: str

_MODULES = {
    "SAMPLERS": "sweeps.samplers",
    "STOPPING_RULES": "sweeps.stopping_rules",
    "BadInput": "prune_core.base.errors",
    "Candidate": "sweeps.search.space",
    "LogitSet": "prune_core.evaluation.logits",
    "Plan": "sweeps.plan.plan",
    "Recommended": "sweeps.front.recommended",
    "RunFailed": "prunefront.running",
    "Search": "prunefront.searching",
    "Study": "sweeps.study.model",
    "StudyResults": "prunefront.results",
    "hypervolume": "sweeps.front.volume",
    "load_study": "sweeps.study.model",
    "non_dominated": "sweeps.front.volume",
    "open_study": "prunefront.results",
    "plan": "prunefront.running",
    "run": "prunefront.running",
    "search": "prunefront.searching",
}

__all__ = [
    "SAMPLERS",
    "STOPPING_RULES",
    "BadInput",
    "Candidate",
    "LogitSet",
    "Plan",
    "Recommended",
    "RunFailed",
    "Search",
    "Study",
    "StudyResults",
    "__version__",
    "hypervolume",
    "load_study",
    "non_dominated",
    "open_study",
    "plan",
    "run",
    "search",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("prune_core.base.build").version_of("prunefront")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
