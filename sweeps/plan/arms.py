"""Arms and the baselines that they share, as the study's sections say them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prune_core.base.errors import BadInput
from sweeps.study.model import Study
from sweeps.study.options import choice_text, method_options, method_traits, recipe_of
from sweeps.study.sections import ArmSection, NetworkSection, choices_of


@dataclass(frozen=True)
class Base:
    """Baselines of one network and one training recipe, one per seed.

    Attributes:
        name: names the arm of the baseline's and the controls' records: the network's label, with ``-sparse`` for a recipe
            of its own.
        network: the network's label.
        section: the network's section.
        training: the whole recipe.
    """

    name: str
    network: str
    section: NetworkSection
    training: dict[str, Any]


@dataclass(frozen=True)
class Arm:
    """One network with one pruning method, its options and its fine-tuning recipe.

    Attributes:
        name: for example ``vgg16-l1_filter``.
        network: the network's label.
        method: the method's name.
        options: of the method, defaults resolved.
        ratios: canonical decimals above 0, rising.
        fine_tuning: the recipe without epochs.
        rounds: of pruning.
        round_epochs: of fine-tuning between two rounds.
        scratch: ratios whose architecture is also trained from scratch.
        base: the baselines that it starts from.
        parts: what tells the arm from others, step by step: network, method, and what the method's options were chosen from.
    """

    name: str
    network: str
    method: str
    options: dict[str, Any]
    ratios: tuple[str, ...]
    fine_tuning: dict[str, Any]
    rounds: int
    round_epochs: int
    scratch: tuple[str, ...]
    base: Base
    parts: tuple[tuple[str, str], ...]

    def reached(self, budgets: Iterable[int]) -> tuple[int, ...]:
        """Return the budgets that do not lie before the last round of pruning."""
        return tuple(budget for budget in budgets if budget >= (self.rounds - 1) * self.round_epochs)


def study_arms(study: Study) -> list[Arm]:
    """Return the arms of a resolved study, in the order of the file.

    Raises:
        BadInput: two arms of one name; a method that needs a sparsity-trained baseline and has none.
    """
    bases: dict[str, Base] = {}
    arms: dict[str, Arm] = {}
    for position, section in enumerate(study.arms):
        labels = list(study.networks) if "all" in section.networks else list(section.networks)
        for label in labels:
            for method, chosen in itertools.product(section.methods, choices_of(section)):
                arm = _arm(study, section, label, method, chosen, bases, f"arms.{position}")
                if arm.name in arms:
                    raise BadInput(
                        f"arms.{position}: there are two arms {arm.name!r} (allowed: a label that tells them apart)"
                    )
                arms[arm.name] = arm
    return list(arms.values())


def dense_bases(study: Study) -> list[Base]:
    """Return the dense ladder of a study."""
    return [
        Base(label, label, section, recipe_of({**study.training, **section.training}))
        for label, section in study.dense.items()
    ]


def recipe_suffix(recipe: Mapping[str, Any], usual: Mapping[str, Any]) -> str:
    """Return what a fine-tuning recipe adds to a name: nothing for the usual one, else what differs, ``-lr0.012``."""
    differs = [name for name in recipe if recipe[name] != usual.get(name)]
    return "".join(f"-{'lr' if name == 'learning_rate' else name}{choice_text(recipe[name])}" for name in differs)


def _arm(
    study: Study,
    section: ArmSection,
    label: str,
    method: str,
    chosen: Mapping[str, Any],
    bases: dict[str, Base],
    where: str,
) -> Arm:
    base = _base(study, label, section.training, bases)
    needs_sparsity = method_traits(method).needs_sparsity and base.section.baseline is None
    if needs_sparsity and not base.training["sparsity"] > 0:
        raise BadInput(
            f"{where}.training: {method} needs a baseline trained with sparsity (allowed: sparsity above 0, such as 1e-4)"
        )
    ratios = section.ratios if section.ratios is not None else study.ratios
    fine_tuning = recipe_of({**study.fine_tuning, **section.fine_tuning})
    del fine_tuning["epochs"]
    texts = {option: choice_text(value) for option, value in chosen.items()}
    named = [texts[option] if isinstance(value, str) else f"{option}{texts[option]}" for option, value in chosen.items()]
    own = "-".join(part for part in (method, section.label) if part)
    return Arm(
        name="-".join([label, own, *named]),
        network=label,
        method=method,
        options=method_options(method, {**section.options, **chosen}, study.rule),
        ratios=tuple(ratio for ratio in ratios if ratio != "0"),
        fine_tuning=fine_tuning,
        rounds=section.rounds,
        round_epochs=section.round_epochs,
        scratch=section.scratch or (),
        base=base,
        parts=(("network", label), ("method", own), *texts.items()),
    )


def _base(study: Study, label: str, overrides: dict[str, Any], bases: dict[str, Base]) -> Base:
    section = study.networks[label]
    own = recipe_of({**study.training, **section.training})
    training = own if section.baseline is not None else recipe_of({**study.training, **section.training, **overrides})
    identity = json.dumps([label, training], sort_keys=True)
    if identity not in bases:
        differs = [key for key in training if training[key] != own[key]]
        name = label if not differs else f"{label}-{'sparse' if differs == ['sparsity'] else 'variant'}"
        taken = {base.name for base in bases.values()}
        number = 2
        unique = name
        while unique in taken:
            unique, number = f"{name}{number}", number + 1
        bases[identity] = Base(unique, label, section, training)
    return bases[identity]
