"""The code of a user's own modules that a trial is made with: what it was planned with, and what is imported here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prune_core import networks, pruning
from prune_core.corruptions import CORRUPTIONS, EXTRA, STANDARD
from prune_core.data import DATASETS
from prune_core.trial.description import EvaluationDescription, TrialDescription
from prune_core.trial.description_parts import DataDescription

Code = Mapping[str, str]


def data_code(name: str) -> Code:
    """Return the digests of the user's modules that make a dataset."""
    return DATASETS.code(name.partition(":")[0])


def method_code(name: str, options: Mapping[str, object]) -> Code:
    """Return the digests of the user's modules that make a method, and of the method that a random one is ``like``."""
    like = options.get("like")
    return {**pruning.METHODS.code(name), **(pruning.METHODS.code(like) if isinstance(like, str) else {})}


def corruption_code(source: str | tuple[str, ...], selection: tuple[str, ...] = EXTRA) -> Code:
    """Return the digests of the user's modules among the corruptions of a study.

    Args:
        source: of the report images: one of `CORRUPTION_SOURCES`, or a list.
        selection: those of the selection images.
    """
    chosen: dict[str, tuple[str, ...]] = {"none": (), "official": selection, "generated": (*selection, *STANDARD)}
    names = chosen[source] if isinstance(source, str) else (*selection, *source)
    return {module: digest for name in names for module, digest in CORRUPTIONS.code(name).items()}


def parts_with_code(description: TrialDescription) -> list[tuple[str, Code]]:
    """Return the parts of a trial that may be a user's, as (what people call it, the code that it was planned with)."""
    baseline, method = description.baseline, description.method
    return [
        (f"dataset {_kind(baseline.data)}", baseline.data.code),
        (f"network {baseline.network.name}", baseline.network.code),
        *([] if method is None else [(f"method {method.name}", method.code)]),
        ("corruptions", description.evaluation.code),
    ]


def changed_code(description: TrialDescription) -> str | None:
    """Return in one line how the code that is imported here differs from the one of the plan; None where it does not."""
    baseline, method = description.baseline, description.method
    here = [
        data_code(baseline.data.name),
        networks.NETWORKS.code(baseline.network.name),
        *([] if method is None else [method_code(method.name, method.options)]),
        _evaluated(description.evaluation),
    ]
    for (called, planned), found in zip(parts_with_code(description), here, strict=True):
        differing = differing_modules(planned, found)
        if differing:
            return f"the code of {', '.join(differing)} ({called}) is not the one that was planned with"
    return None


def differing_modules(one: Code, other: Code) -> list[str]:
    """Return the modules of which two sets of digests do not say the same."""
    return sorted(module for module in _all(one, other) if one.get(module) != other.get(module))


def _evaluated(evaluation: EvaluationDescription) -> Code:
    return corruption_code(evaluation.corruptions, evaluation.selection_corruptions)


def _kind(data: DataDescription) -> str:
    return data.name.partition(":")[0]


def _all(*codes: Code) -> Iterable[str]:
    return {module for code in codes for module in code}
