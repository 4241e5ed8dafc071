"""From a study to what there should be, what there is, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sweeps.plan.arms import Arm, dense_bases, recipe_suffix, study_arms
from sweeps.plan.checkpoints import check_checkpoints
from sweeps.plan.data import data_checksum, study_data
from sweeps.plan.data_facts import DataFacts, recorded_data
from sweeps.plan.earlier_keys import EarlierKeys
from sweeps.plan.keys import Parts, shared_parts
from sweeps.plan.official_files import with_official_files
from sweeps.plan.state import State, final_status, trial_state
from sweeps.plan.trials import PlannedTrial, control_trials, joined, judged_trial, pruned_trials, scratch_trials
from sweeps.study.model import Study
from sweeps.study.options import recipe_of

__all__ = ["Plan", "candidate_trials", "make_plan"]


@dataclass(frozen=True)
class Plan:
    """What there should be of a study.

    Attributes:
        study: the resolved study, with the digest of the official corruption files that it uses.
        arms: its arms, whatever the search.
        trials: what is known from the start, in the order in which it should run: baselines first. A grid knows all of it, a
            search only baselines, controls, the dense ladder and what is trained from scratch; the rest of its trials comes
            from `candidate_trials`.
        checksum: of the data; None where the data is not at hand, and then the keys are not the real ones.
        data: what is known of the data, None where that is nothing.
        earlier: what the output folder holds under keys of earlier versions.
        parts: descriptions of its networks and methods, where they were written down.
        finds: what the study can find while it has no table of records, in lines; None where nobody has said it yet.
        never: what the plan says of networks that can never meet a limit, a line each; None where nobody has said it yet.
    """

    study: Study
    arms: tuple[Arm, ...]
    trials: tuple[PlannedTrial, ...]
    checksum: str | None
    data: DataFacts | None = None
    earlier: EarlierKeys = field(default_factory=lambda: EarlierKeys(None), compare=False)
    parts: Parts = field(default_factory=dict, compare=False)
    never: tuple[str, ...] | None = field(default=None, compare=False)
    finds: tuple[str, ...] | None = field(default=None, compare=False)

    @property
    def records(self) -> int:
        """How many records the known trials give."""
        return sum(len(trial.budgets) for trial in self.trials)

    def states(self, out: Path) -> dict[str, State]:
        """Return what the folder of every known trial says, by key."""
        return {trial.key: trial_state(trial, out) for trial in self.trials}

    def missing(self, out: Path) -> list[PlannedTrial]:
        """Return the trials that are still to be run, in their order."""
        return [trial for trial in self.trials if final_status(trial, out) is None]

    def by_key(self) -> dict[str, PlannedTrial]:
        """Return the known trials by key."""
        return {trial.key: trial for trial in self.trials}

    def with_trials(self, more: Iterable[PlannedTrial]) -> Plan:
        """Return the plan with further trials, for example those that a search chose; budgets of one key are joined."""
        return replace(self, trials=joined([*self.trials, *more]))


@shared_parts()
def make_plan(study: Study, out: Path | None = None, *, data_required: bool = True, recorded: bool = False) -> Plan:
    """Return what there should be of a study.

    Args:
        study: the resolved study.
        out: its output folder; tells the data's checksum where the data itself is not at hand.
        data_required: False plans without the data (an estimate only), True refuses.
        recorded: take what the last run wrote into ``out`` about the data, and open no image and no checkpoint: for who
            only reads a folder.

    Raises:
        BadInput: the data, or a checkpoint, is not there; arms that contradict each other.
    """
    data = recorded_data(study, out) if recorded else study_data(study, out, required=data_required)
    checksum = None if data is None else data.checksum
    study = with_official_files(study, out, required=data_required and not recorded, recorded=recorded)
    arms = study_arms(study)
    bases = list({arm.base.name: arm.base for arm in arms}.values())
    trials = [judged_trial(study, base, seed, checksum, "baseline") for seed in study.seeds for base in bases]
    trials += [judged_trial(study, base, seed, checksum, "dense") for seed in study.seeds for base in dense_bases(study)]
    controls = control_trials(study, arms, checksum)
    scratch = [trial for seed in study.seeds for arm in arms for trial in scratch_trials(study, arm, seed, checksum)]
    if study.search.kind == "grid":
        pruned = [
            trial
            for seed in study.seeds
            for trial in [
                *(control for control in controls if control.seed == seed),
                *(
                    trial
                    for ratio, arm in _early_order(arms)
                    for trial in pruned_trials(study, arm, ratio, (seed,), checksum=checksum)
                ),
            ]
        ]
    else:
        pruned = controls
    earlier = EarlierKeys(out)
    if checksum is not None and not recorded:
        extra = study.search.more_seeds.seeds if study.search.more_seeds is not None else ()
        also = [judged_trial(study, base, seed, checksum, "baseline") for seed in extra for base in bases]
        check_checkpoints(study, earlier.of([*trials, *also]), out)
    known = joined(earlier.of([*trials, *pruned, *scratch]))
    return Plan(study=study, arms=tuple(arms), trials=known, checksum=checksum, data=data, earlier=earlier)


def candidate_trials(
    study: Study,
    arm: Arm | str,
    ratio: str,
    fine_tuning: Mapping[str, Any] | None = None,
    *,
    budgets: Iterable[int] | None = None,
    checksum: str | None = None,
    earlier: EarlierKeys | None = None,
) -> list[PlannedTrial]:
    """Return the trials of one candidate, one per seed, and the controls that its deltas need.

    Args:
        study: the resolved study.
        arm: the arm, or its name; one that the study has no longer has no trials.
        ratio: canonical decimal above 0.
        fine_tuning: what differs from the arm's fine-tuning recipe.
        budgets: at which it is judged; by default the study's.
        checksum: of the data, from the plan; looked up by default.
        earlier: what the output folder holds under keys of earlier versions, from the plan.
    """
    chosen = arm if isinstance(arm, Arm) else next((each for each in study_arms(study) if each.name == arm), None)
    if chosen is None:
        return []
    wanted = tuple(sorted(budgets)) if budgets is not None else study.budgets
    data = checksum if checksum is not None else data_checksum(study, None, required=True)
    changed = chosen
    if fine_tuning:
        recipe = recipe_of({**chosen.fine_tuning, **fine_tuning})
        del recipe["epochs"]
        changed = replace(chosen, name=chosen.name + recipe_suffix(recipe, chosen.fine_tuning), fine_tuning=recipe)
    controls = control_trials(study, [changed], data, wanted) if changed.fine_tuning != chosen.fine_tuning else []
    trials = [*pruned_trials(study, changed, ratio, study.seeds, wanted, data), *controls]
    return trials if earlier is None else earlier.of(trials)


def _early_order(arms: Iterable[Arm]) -> list[tuple[str, Arm]]:
    """Ratios from the middle outwards, all arms at each: a curve shows early, and in every arm at once."""
    ratios = sorted({ratio for arm in arms for ratio in arm.ratios}, key=float)
    middle = (len(ratios) - 1) / 2
    order = sorted(ratios, key=lambda ratio: (abs(ratios.index(ratio) - middle), float(ratio)))
    return [(ratio, arm) for ratio in order for arm in arms if ratio in arm.ratios]
