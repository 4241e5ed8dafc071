"""More seeds for candidates whose place on the front is uncertain: a fixed allowance, given out once.

When everything else of a study has ended, the pruned candidates of the longest budget whose frequency on the front is
nearest to one half get the extra seeds, with the baselines and controls that those need. The decision depends on the
records of the study's own seeds and on nothing else, so a run that was killed, or done again, decides the same. It is
written into the output folder with what it was based on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.description import content_key
from prune_core.base.files import read_json, write_json
from prune_core.base.kinds import REFERENCES
from prune_core.metrics.numbers import share_text
from sweeps.folder.paths import MORE_SEEDS
from sweeps.front.collapse import has_collapsed, loss_column
from sweeps.front.front import POSSIBLE, SURE, candidates, membership
from sweeps.front.image_noise import ImageNoise
from sweeps.front.text import candidate_name
from sweeps.plan.plan import Plan, candidate_trials
from sweeps.plan.trials import PlannedTrial, control_trials, joined, judged_trial
from sweeps.records.collect import collect
from sweeps.search.asked import space_of
from sweeps.search.competition import decisions_in
from sweeps.search.space import ArmSpace, Candidate
from sweeps.study.model import Study

if TYPE_CHECKING:
    import pandas as pd

COMPETE = "compete"
"""More seeds while the search goes on, instead of new candidates (`sweeps.search.competition`)."""


def extra_trials(plan: Plan, chosen: Iterable[Candidate], seeds: tuple[int, ...] | None = None) -> list[PlannedTrial]:
    """Return the trials of candidates at the extra seeds, baselines first, with the controls that their deltas need.

    Args:
        plan: of the study.
        chosen: the candidates.
        seeds: some of the extra seeds; all of them by default.
    """
    rule = plan.study.search.more_seeds
    if rule is None:
        return []
    seeds = rule.seeds if seeds is None else seeds
    study = plan.study.model_copy(update={"seeds": seeds})
    arms = {arm.name: arm for arm in plan.arms}
    bases, controls, pruned = [], [], []
    for candidate in chosen:
        arm, budgets = arms[candidate.arm], None if candidate.budget is None else (candidate.budget,)
        checksum = plan.checksum or "unknown"  # without the data the keys are not the real ones, here as elsewhere
        own = candidate_trials(study, arm, candidate.ratio, candidate.fine_tuning, budgets=budgets, checksum=checksum)
        bases += [judged_trial(study, arm.base, seed, plan.checksum, "baseline") for seed in seeds]
        pruned += own
        if all(trial.kind != "control" for trial in own):
            controls += control_trials(study, [arm], plan.checksum, budgets)
    return list(joined(plan.earlier.of([*bases, *controls, *pruned])))


def in_the_end(study: Study) -> bool:
    """Return whether extra seeds are given out when everything else has ended."""
    rule = study.search.more_seeds
    return rule is not None and rule.when != COMPETE


def is_decided(plan: Plan, out: Path) -> list[Candidate] | None:
    """Return the candidates that were chosen by the study's own rule, as far as it still asks for them; None before that."""
    found = _read(out)
    if plan.study.search.more_seeds is None or found is None or found.get("rule") != rule_of(plan.study):
        return None
    space = space_of(plan)
    named = [Candidate.from_key(one["candidate"]) for one in found["chosen"]]
    return [candidate for candidate in named if _asked(space.arm(candidate.arm), candidate)]


def decided_trials(plan: Plan, out: Path) -> list[PlannedTrial]:
    """Return the trials of the decisions in an output folder; none while nothing is decided."""
    rule = plan.study.search.more_seeds
    if rule is not None and rule.when == COMPETE:
        given = [extra for decision in decisions_in(out, rule_of(plan.study) or {}) for extra, _ in decision.chosen]
        space = space_of(plan)
        named = [(Candidate.from_key(key), seed) for key, seed in given]
        asked = [(one, seed) for one, seed in named if _asked(space.arm(one.arm), one)]
        return list(joined(trial for one, seed in asked for trial in extra_trials(plan, [one], (seed,))))
    return extra_trials(plan, is_decided(plan, out) or [])


def decide(
    plan: Plan, out: Path, own: Iterable[PlannedTrial], asked: Iterable[tuple[Candidate, list[PlannedTrial]]]
) -> list[Candidate]:
    """Choose the candidates that get the extra seeds, and write the decision down; one that still holds is kept.

    Args:
        plan: of the study.
        out: the output folder.
        own: every trial of the study's own seeds, all of them ended.
        asked: every candidate, with its trials.
    """
    study, trials = plan.study, list(own)
    rule = study.search.more_seeds
    if rule is None:
        return []
    records = collect(out, trials, study=study.name)
    based_on = {"records": len(records), "digest": _digest(records, study)}
    before = _read(out)
    if before is None or (before.get("rule"), before.get("based_on")) != (rule_of(study), based_on):
        ranked = _ranked(study, records, ImageNoise(out), _named(study, asked))
        chosen = choose(ranked, rule.candidates)
        write_json(out / MORE_SEEDS, {"rule": rule_of(study), "based_on": based_on, "chosen": chosen, "frequencies": ranked})
    return is_decided(plan, out) or []


def choose(ranked: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Return the first ``most`` whose place is uncertain at all: neither sure nor all but impossible, as the report has it.

    Never what has collapsed: such a network is no answer to anybody's question, however sure its place is.
    """
    return [one for one in ranked if POSSIBLE <= one["frequency"] < SURE and not one["collapsed"]][:most]


def forget_other_decision(study: Study, out: Path) -> None:
    """Remove a decision that was made by another rule than the study's."""
    found = _read(out)
    if found is not None and found.get("rule") != rule_of(study):
        (out / MORE_SEEDS).unlink()


def decision_line(plan: Plan, out: Path) -> str:
    """Return what was decided, as a line for people."""
    rule = plan.study.search.more_seeds
    seeds = "" if rule is None else ", ".join(map(str, rule.seeds))
    return f"more seeds ({seeds}): {decision_names(out)}; {out / MORE_SEEDS} says why"


def decision_names(out: Path) -> str:
    """Return the chosen candidates with how often each is on the front by the study's own seeds."""
    chosen = (_read(out) or {}).get("chosen", [])
    found = "; ".join(f"{one['name']} (on the front in {share_text(one['frequency'])} of the draws)" for one in chosen)
    return found or "for no candidate, since no place on the front is uncertain"


def _ranked(
    study: Study, records: pd.DataFrame, images: ImageNoise, names: Mapping[tuple[str, float], str]
) -> list[dict[str, Any]]:
    """Return the complete pruned candidates of the longest budget, the most uncertain first, ties by name."""
    lost = loss_column(records.columns, study.select_on)
    table = candidates(records, study.decisive, shown=[lost], seeds=study.seeds)
    table["collapsed"] = has_collapsed(table, study.select_on)
    table["frequency"] = membership(records, table, study.decisive, images=images)
    pruned = ~table["method"].isin(REFERENCES)
    rows = table[table["complete"] & pruned & table["budget"].eq(study.budgets[-1]) & table["frequency"].notna()]
    found = [
        {
            "name": candidate_name(row),
            "candidate": names[str(row["arm"]), float(row["ratio"])],
            "frequency": float(row["frequency"]),
            "collapsed": bool(row["collapsed"]),
        }
        for _, row in rows.iterrows()
    ]
    # rounded, so that .45 and .55 are as far from one half
    return sorted(found, key=lambda one: (round(abs(one["frequency"] - 0.5), 9), one["name"]))


def _named(study: Study, asked: Iterable[tuple[Candidate, list[PlannedTrial]]]) -> dict[tuple[str, float], str]:
    """Return the keys of the candidates of the longest budget by arm, as the records call it, and ratio."""
    return {
        (trials[0].arm, float(candidate.ratio)): _whole(study, candidate).key
        for candidate, trials in asked
        if trials and candidate.budget in (None, study.budgets[-1])
    }


def _whole(study: Study, candidate: Candidate) -> Candidate:
    """A grid walks each network through all budgets, so that growing the study's seeds later finds all of it."""
    return Candidate(candidate.arm, candidate.ratio) if study.search.kind == "grid" else candidate


def _asked(arm: ArmSpace | None, candidate: Candidate) -> bool:
    return arm is not None and candidate.ratio in arm.ratios


def rule_of(study: Study) -> dict[str, Any] | None:
    """What a decision depends on beside the records."""
    rule = study.search.more_seeds
    if rule is None:
        return None
    said = rule.model_dump(mode="json")
    if rule.when != COMPETE:  # as before there was a choice
        del said["when"]
    return {
        **said,
        "study_seeds": list(study.seeds),
        "objectives": dict(study.decisive),
        "budget": study.budgets[-1],
    }


def _digest(records: pd.DataFrame, study: Study) -> str:
    columns = ["key", "budget", "status", *study.decisive]
    return content_key({"records": records[columns].to_csv(index=False, float_format="%.17g")})


def _read(out: Path) -> dict[str, Any] | None:
    try:
        found = read_json(out / MORE_SEEDS)
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None
