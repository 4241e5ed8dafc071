"""Descriptions of trials, as a study's sections say them. What a description means belongs to `prune_core.trial`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

from prune_core import corruptions, networks, pruning
from prune_core.base.description import GENERATOR_FORMAT, canonical_json
from prune_core.base.errors import BadInput
from prune_core.base.recipe import Recipe
from prune_core.base.store import file_sha256
from prune_core.data import options as data_options
from prune_core.data.cache import default_cache
from prune_core.evaluation.batch_size import keyed_batch_size
from prune_core.trial.code import corruption_code, data_code, method_code
from prune_core.trial.description import BaselineDescription, EvaluationDescription, TrialDescription
from prune_core.trial.description_parts import CheckpointDescription, DataDescription, MethodDescription, NetworkDescription
from sweeps.study.model import Study
from sweeps.study.sections import SEED, SEED_IN_NAME, NetworkSection

Part = TypeVar("Part")
_SHARED: ContextVar[dict[tuple[object, ...], tuple[tuple[object, ...], Any]] | None] = ContextVar("shared", default=None)


Parts = Mapping[str, NetworkDescription | MethodDescription]
"""Descriptions of networks and methods, by what `part_label` says of them."""
_KNOWN: ContextVar[Parts | None] = ContextVar("known", default=None)


def part_label(kind: str, name: str, options: Mapping[str, Any]) -> str:
    """Return what tells a network or a method with its options from every other."""
    return canonical_json([kind, name, dict(options)])


@contextmanager
def known_parts(parts: Parts) -> Iterator[None]:
    """Take, within the block, descriptions as they are given: to make one, its network or method is imported, with torch."""
    token = _KNOWN.set(parts)
    try:
        yield
    finally:
        _KNOWN.reset(token)


@contextmanager
def shared_parts() -> Iterator[None]:
    """Describe, within the block, what many trials have in common once: it is most of the work of thousands of keys."""
    token = _SHARED.set({})
    try:
        yield
    finally:
        _SHARED.reset(token)


def _shared(label: object, sources: tuple[object, ...], make: Callable[[], Part]) -> Part:
    """Return what was made of these very objects before, in a block of `shared_parts`, which keeps them alive."""
    parts = _SHARED.get()
    if parts is None:
        return make()
    key = (label, *map(id, sources))
    if key not in parts:
        parts[key] = sources, make()
    part: Part = parts[key][1]
    return part


def baseline_description(
    study: Study, network: NetworkSection, training: Mapping[str, Any], seed: int, checksum: str | None
) -> BaselineDescription:
    """Return the description of one trained, unpruned network.

    Args:
        study: the resolved study.
        network: the network's section.
        training: the whole recipe.
        seed: of the trial.
        checksum: of the dataset's arrays; None where the data is not at hand (then the key is not the real one).
    """
    return _shared(
        (seed, checksum),
        (study, network, training),
        lambda: BaselineDescription(
            study_seed=study.seed,
            data=data_description(study, checksum),
            network=network_description(str(network.name), network.options),
            training=Recipe.from_dict(training),
            checkpoint=_checkpoint(network, seed),
            seed=seed,
            device=study.resources.device,
            threads=study.resources.threads,
        ).effective(),
    )


def data_description(study: Study, checksum: str | None) -> DataDescription:
    """Return the description of a study's images."""
    data = study.data
    options = data_options.described_options(data.name, data.options)
    return DataDescription(data.name, options, checksum, data.train, data.validation, data.test, data_code(data.name))


def network_description(name: str, options: Mapping[str, Any]) -> NetworkDescription:
    """Return the description of a network with all its options."""
    known = _KNOWN.get()
    found = known.get(part_label("network", name, options)) if known else None
    if isinstance(found, NetworkDescription):
        return found
    return NetworkDescription(name, networks.described_options(name, options), networks.NETWORKS.code(name))


def method_description(name: str, options: Mapping[str, Any]) -> MethodDescription:
    """Return the description of a method with all its options."""
    known = _KNOWN.get()
    found = known.get(part_label("method", name, options)) if known else None
    if isinstance(found, MethodDescription):
        return found
    return MethodDescription(name, pruning.described_options(name, options), method_code(name, options))


def method_of(name: str, options: Mapping[str, Any]) -> MethodDescription:
    """Return `method_description`, described once for all trials that have these very options."""
    return _shared(("method", name), (options,), lambda: method_description(name, options))


def trial_description(
    study: Study,
    baseline: BaselineDescription,
    *,
    kind: str,
    seed: int,
    method: MethodDescription | None = None,
    ratio: str = "0",
    rounds: int = 1,
    round_epochs: int = 1,
    fine_tuning: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> TrialDescription:
    """Return the description of one trial.

    Args:
        study: the resolved study.
        baseline: what `baseline_description` returned.
        kind: ``baseline``, ``control``, ``pruned``, ``dense`` or ``scratch``.
        seed: of the trial.
        method: None at ratio 0.
        ratio: canonical decimal.
        rounds: of pruning.
        round_epochs: of fine-tuning between two rounds; says nothing where there is one round.
        fine_tuning: the recipe without epochs; None for what is not fine-tuned.
        training: the whole recipe of a pruned architecture that is trained from scratch.
    """
    return TrialDescription(
        kind=kind,
        baseline=baseline,
        method=method,
        ratio=ratio,
        rounds=rounds,
        round_epochs=round_epochs if rounds > 1 else None,
        fine_tuning=None if fine_tuning is None else _recipe(fine_tuning),
        evaluation=_shared("evaluation", (study,), lambda: _judged(study)),
        seed=seed,
        training=None if training is None else Recipe.from_dict(training),
    ).effective()


def _recipe(values: Mapping[str, Any]) -> Recipe:
    """Return a recipe of fine-tuning as it matters, made once for all trials that have these very values."""
    return _shared("recipe", (values,), lambda: Recipe.from_dict(values).effective(whole=False))


def _judged(study: Study) -> EvaluationDescription:
    return evaluation_description(study).effective(validation=study.data.validation)


def evaluation_description(study: Study) -> EvaluationDescription:
    """Return how a study judges networks."""
    section = study.evaluation
    source = section.corruptions if isinstance(section.corruptions, str) else tuple(section.corruptions)
    selection = tuple(section.selection_corruptions)
    return EvaluationDescription(
        corruptions=source,
        seed=section.seed,
        images_per_cell=section.images_per_cell,
        selection_images_per_cell=section.selection_images_per_cell,
        train_images=section.train_images,
        batch_size=keyed_batch_size(study.resources.device),
        generator=GENERATOR_FORMAT if source != "none" else None,
        folder=None if section.folder is None else str(section.folder),
        files=section.sha256,
        called=corruptions.official_label(study.data.name, section.sha256, default_cache()) if section.sha256 else None,
        code=corruption_code(source, selection),
        selection_corruptions=selection,
    )


def _checkpoint(network: NetworkSection, seed: int) -> CheckpointDescription | None:
    if network.baseline is None:
        return None
    path = Path(str(network.baseline.checkpoint).replace(SEED, str(seed)))
    if not path.is_file():
        raise BadInput(
            f"baseline.checkpoint of network {network.name}: there is no file {str(path)!r} for seed {seed} "
            f"(allowed: a readable checkpoint; {SEED_IN_NAME})"
        )
    found = file_sha256(path)
    wanted = network.baseline.sha256
    if wanted is not None and wanted != found:
        raise BadInput(f"baseline.sha256 of network {network.name}: {path.name} has SHA-256 {found}, not {wanted}")
    return CheckpointDescription(str(path), found)
