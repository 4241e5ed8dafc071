"""The trials of a study, kind by kind: what is only judged, controls, what is pruned, what is trained from scratch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from prune_core.base.kinds import SCRATCH
from prune_core.trial.description import TrialDescription
from sweeps.plan.arms import Arm, Base, recipe_suffix
from sweeps.plan.keys import baseline_description, method_description, method_of, trial_description
from sweeps.study.model import Study


@dataclass(frozen=True)
class PlannedTrial:
    """One trial that there should be.

    Attributes:
        key: content key of the description; names its folder.
        name: for people, for example ``vgg16-l1_filter-r0.50-s1``.
        kind: ``baseline``, ``control``, ``pruned``, ``dense`` or ``scratch``.
        arm: the arm, or the name of the baseline's recipe.
        network: the network's label.
        method: the method, or ``baseline``, ``control``, ``dense``, ``scratch``.
        ratio: canonical decimal.
        seed: of the trial.
        budgets: epochs of fine-tuning at which it is judged, rising.
        report_budgets: those of them at which the test images under corruption are judged too.
        description: what is done and with what, which is what the key is made of.
        baseline_key: the store's key of the baseline that it starts from.
    """

    key: str
    name: str
    kind: str
    arm: str
    network: str
    method: str
    ratio: str
    seed: int
    budgets: tuple[int, ...]
    report_budgets: tuple[int, ...]
    description: TrialDescription
    baseline_key: str


def judged_trial(study: Study, base: Base, seed: int, checksum: str | None, kind: str) -> PlannedTrial:
    """Return the trial of a network that is only trained and judged: ``baseline`` or ``dense``."""
    baseline = baseline_description(study, base.section, base.training, seed, checksum)
    description = trial_description(study, baseline, kind=kind, seed=seed)
    name = f"{base.name}-{kind}-s{seed}"
    return PlannedTrial(
        description.key,
        name,
        kind,
        base.name,
        base.network,
        kind,
        "0",
        seed,
        (0,),
        _reported(study, kind, (0,)),
        description,
        baseline.key,
    )


def control_trials(
    study: Study, arms: Iterable[Arm], checksum: str | None, budgets: tuple[int, ...] | None = None
) -> list[PlannedTrial]:
    """Return one control per baseline recipe, fine-tuning recipe and seed, shared by all arms."""
    found = []
    for seed in study.seeds:
        for arm in arms:
            baseline = baseline_description(study, arm.base.section, arm.base.training, seed, checksum)
            description = trial_description(study, baseline, kind="control", seed=seed, fine_tuning=arm.fine_tuning)
            name = arm.base.name + recipe_suffix(arm.fine_tuning, study.fine_tuning)
            found += _per_budget(study, description, name, arm.base.network, "control", budgets or study.budgets)
    return list(joined(found))


def pruned_trials(
    study: Study,
    arm: Arm,
    ratio: str,
    seeds: Iterable[int],
    budgets: tuple[int, ...] | None = None,
    checksum: str | None = None,
) -> list[PlannedTrial]:
    """Return the trials of an arm at one ratio, at the budgets that it reaches (by default the study's)."""
    found: list[PlannedTrial] = []
    reached = arm.reached(budgets or study.budgets)
    for seed in seeds if reached else ():
        baseline = baseline_description(study, arm.base.section, arm.base.training, seed, checksum)
        description = trial_description(
            study,
            baseline,
            kind="pruned",
            seed=seed,
            method=method_of(arm.method, arm.options),
            ratio=ratio,
            rounds=arm.rounds,
            round_epochs=arm.round_epochs,
            fine_tuning=arm.fine_tuning,
        )
        found += _per_budget(study, description, arm.name, arm.network, arm.method, reached)
    return found


def scratch_trials(study: Study, arm: Arm, seed: int, checksum: str | None) -> list[PlannedTrial]:
    """Return an arm's architectures that are trained from scratch, without the penalty of a baseline for slimming."""
    baseline = baseline_description(study, arm.base.section, arm.base.training, seed, checksum)
    found = []
    for ratio in arm.scratch:
        description = trial_description(
            study,
            baseline,
            kind=SCRATCH,
            seed=seed,
            method=method_description(arm.method, arm.options),
            ratio=ratio,
            training={**arm.base.training, "sparsity": 0.0},
        )
        name = f"{arm.name}-{SCRATCH}-r{_shown(ratio)}-s{seed}"
        key, own = description.key, f"{arm.name}-{SCRATCH}"
        found.append(
            PlannedTrial(
                key,
                name,
                SCRATCH,
                own,
                arm.network,
                SCRATCH,
                ratio,
                seed,
                (0,),
                _reported(study, SCRATCH, (0,)),
                description,
                baseline.key,
            )
        )
    return found


def _per_budget(
    study: Study, description: TrialDescription, arm: str, network: str, method: str, budgets: tuple[int, ...]
) -> list[PlannedTrial]:
    """One trial that walks through all budgets; or one per budget, where a shorter one is no prefix of a longer one."""
    kind, ratio, seed = description.kind, description.ratio, description.seed
    name = f"{arm}-control-s{seed}" if kind == "control" else f"{arm}-r{_shown(ratio)}-s{seed}"
    key_of_baseline = description.baseline.key
    if description.fine_tuning is None or not description.fine_tuning.depends_on_length:
        return [
            PlannedTrial(
                description.key,
                name,
                kind,
                arm,
                network,
                method,
                ratio,
                seed,
                budgets,
                _reported(study, kind, budgets),
                description,
                key_of_baseline,
            )
        ]
    found = []
    for budget in budgets:
        own = replace(description, budget=budget)
        found.append(
            PlannedTrial(
                own.key,
                f"{name}-b{budget}",
                kind,
                arm,
                network,
                method,
                ratio,
                seed,
                (budget,),
                _reported(study, kind, (budget,)),
                own,
                key_of_baseline,
            )
        )
    return found


def _reported(study: Study, kind: str, budgets: tuple[int, ...]) -> tuple[int, ...]:
    """The budgets with corrupted test images. What is never fine-tuned has them, and so has the control at 0: it is that."""
    if study.evaluation.corruptions == "none":
        return ()
    return tuple(each for each in budgets if each in study.report_budgets or (kind != "pruned" and each == 0))


def _shown(ratio: str) -> str:
    return ratio if len(ratio) > 4 else f"{float(ratio):.2f}"


def with_budgets_of(one: PlannedTrial, other: PlannedTrial) -> PlannedTrial:
    """Return one trial with the budgets of another of the same description as well."""
    if one.budgets == other.budgets and one.report_budgets == other.report_budgets:
        return one
    return replace(
        one,
        budgets=tuple(sorted({*one.budgets, *other.budgets})),
        report_budgets=tuple(sorted({*one.report_budgets, *other.report_budgets})),
    )


def only_at(trial: PlannedTrial, budget: int) -> PlannedTrial:
    """Return a trial with one of its budgets alone."""
    if trial.budgets == (budget,):
        return trial
    return replace(trial, budgets=(budget,), report_budgets=tuple(at for at in trial.report_budgets if at == budget))


def joined(trials: Iterable[PlannedTrial]) -> tuple[PlannedTrial, ...]:
    """Return the trials, those of one description as one, with the budgets of all."""
    found: dict[str, PlannedTrial] = {}
    for trial in trials:
        before = found.get(trial.key)
        found[trial.key] = trial if before is None else with_budgets_of(before, trial)
    return tuple(found.values())
