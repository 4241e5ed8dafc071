"""What there should be of a study, counted by hand; keys that depend on what matters and on nothing else."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from prune_core import build_network
from prune_core.base.errors import BadInput
from prune_core.base.files import write_json
from prune_core.base.recipe import Recipe
from prune_core.trial.description import BaselineDescription
from prune_core.trial.description_parts import DataDescription, NetworkDescription
from sweeps.plan.arms import study_arms
from sweeps.plan.plan import Plan, candidate_trials, make_plan
from sweeps.plan.state import baseline_failure, baseline_ready, block, final_status, forget_failures
from sweeps.plan.trials import PlannedTrial
from sweeps.search.asked import space_of
from sweeps.study.model import Study, load_study
from sweeps.study.options import choice_text

SMALL = """
name: mine
data: {name: digits, validation: 200, test: 200}
networks: {small_vgg: {options: {width: 4}}, resnet8: {options: {width: 4}}}
arms:
  - {methods: [unstructured, l1_filter]}
  - {methods: [network_slimming], networks: [small_vgg], training: {sparsity: 1e-4}}
training: {epochs: 2}
ratios: [0.3, 0.5, 0.7]
budgets: [0, 1]
seeds: [0, 1]
"""


def study(folder: Path, *overrides: str) -> Study:
    path = folder / "mine.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return load_study(path, overrides)


def keys(plan: Plan) -> set[str]:
    return {trial.key for trial in plan.trials}


def finish(
    out: Path, trial: PlannedTrial, budgets: tuple[int, ...], status: str = "complete", cause: str | None = None
) -> None:
    folder = out / "trials" / trial.key
    write_json(folder / "description.json", trial.description.to_plain())
    for budget in budgets:
        write_json(folder / f"budget-{budget:04d}" / "record.json", {"budget": budget})
    write_json(folder / "outcome.json", {"status": status, "cause": cause, "budgets": list(budgets)})


def test_the_grid_with_its_baselines_and_controls_counted_by_hand(tmp_path: Path) -> None:
    plan = make_plan(study(tmp_path))
    # Three baseline recipes (small_vgg, resnet8, small_vgg trained with sparsity) and two seeds.
    assert Counter(trial.kind for trial in plan.trials) == {"baseline": 6, "control": 6, "pruned": 5 * 3 * 2}
    assert plan.records == 6 * 1 + 6 * 2 + 30 * 2
    assert [trial.kind for trial in plan.trials[:6]] == ["baseline"] * 6
    assert [arm.name for arm in plan.arms] == [
        "small_vgg-unstructured",
        "small_vgg-l1_filter",
        "resnet8-unstructured",
        "resnet8-l1_filter",
        "small_vgg-network_slimming",
    ]
    assert {trial.arm for trial in plan.trials if trial.kind == "baseline"} == {"small_vgg", "resnet8", "small_vgg-sparse"}
    assert len(keys(plan)) == len(plan.trials)


def test_slimming_starts_from_its_own_baseline_and_nobody_else_does(tmp_path: Path) -> None:
    plan = make_plan(study(tmp_path))
    sparse = {trial.baseline_key for trial in plan.trials if trial.kind == "baseline" and trial.arm == "small_vgg-sparse"}
    for trial in plan.trials:
        assert (trial.baseline_key in sparse) == (trial.arm in ("small_vgg-sparse", "small_vgg-network_slimming"))
        recipe = trial.description.baseline.training
        assert recipe is not None and recipe.sparsity == (1e-4 if trial.baseline_key in sparse else 0.0)
        assert (trial.description.fine_tuning or Recipe()).sparsity == 0.0


def test_a_middle_ratio_of_every_arm_comes_early(tmp_path: Path) -> None:
    pruned = [trial for trial in make_plan(study(tmp_path)).trials if trial.kind == "pruned"]
    assert [trial.ratio for trial in pruned[:5]] == ["0.5"] * 5
    assert len({trial.arm for trial in pruned[:5]}) == 5
    assert pruned[0].name == "small_vgg-unstructured-r0.50-s0"


def test_a_grown_study_keeps_its_keys(tmp_path: Path) -> None:
    before = keys(make_plan(study(tmp_path)))
    for grown in (
        ["ratios=[0.3, 0.5, 0.7, 0.9]"],
        ["seeds=[0, 1, 2]"],
        ["title=other", "limits=[parameters <= 5]", "name=x"],
    ):
        assert before <= keys(make_plan(study(tmp_path, *grown))), grown
    assert before == keys(make_plan(study(tmp_path, "budgets=[0, 1, 5]")))
    assert before == keys(make_plan(study(tmp_path, "networks.small_vgg.options={width: 4, head: linear}")))
    assert before == keys(make_plan(study(tmp_path, "resources.max_concurrent=7")))


@pytest.mark.parametrize(
    "changed",
    [
        "seed=1",
        "data.validation=150",
        "training.epochs=3",
        "fine_tuning.learning_rate=0.5",
        "resources.threads=2",
        "evaluation.images_per_cell=10",
    ],
)
def test_what_changes_numbers_changes_keys(tmp_path: Path, changed: str) -> None:
    pruned = {trial.key for trial in make_plan(study(tmp_path)).trials if trial.kind == "pruned"}
    assert not pruned & keys(make_plan(study(tmp_path, changed)))


def test_other_fine_tuning_shares_baselines_but_has_its_own_control(tmp_path: Path) -> None:
    more = "arms=[{methods: [unstructured]}, {methods: [unstructured], label: slow, fine_tuning: {learning_rate: 0.001}}]"
    plan = make_plan(study(tmp_path, more, "seeds=[0]", "ratios=[0.5]"))
    assert Counter(trial.kind for trial in plan.trials) == {"baseline": 2, "control": 4, "pruned": 4}
    assert "small_vgg-unstructured-slow-r0.50-s0" in {trial.name for trial in plan.trials}


def test_a_schedule_that_depends_on_its_length_makes_a_trial_per_budget(tmp_path: Path) -> None:
    plan = make_plan(study(tmp_path, "fine_tuning.schedule=cosine", "budgets=[0, 1, 4]"))
    assert Counter(trial.kind for trial in plan.trials) == {"baseline": 6, "control": 18, "pruned": 90}
    trial = next(trial for trial in plan.trials if trial.name == "small_vgg-unstructured-r0.50-s0-b4")
    assert trial.budgets == (4,) and trial.description.budget == 4


def test_the_dense_ladder_is_trained_and_judged(tmp_path: Path) -> None:
    plan = make_plan(study(tmp_path, "dense={half: {name: small_vgg, options: {width: 2}}}"))
    dense = [trial for trial in plan.trials if trial.kind == "dense"]
    assert [(trial.network, trial.method, trial.ratio, trial.budgets) for trial in dense] == [
        ("half", "dense", "0", (0,))
    ] * 2
    assert dense[0].description.baseline.network.options["width"] == 2


def test_a_pruned_architecture_is_trained_from_scratch_where_the_arm_says_so(tmp_path: Path) -> None:
    plain = keys(make_plan(study(tmp_path)))
    plan = make_plan(study(tmp_path, "arms.0.scratch=[0.3, 0.7]", "arms.1.scratch=0.5"))
    scratch = [trial for trial in plan.trials if trial.kind == "scratch"]
    # two networks, two methods, two ratios, two seeds; and slimming at one ratio
    assert len(scratch) == 2 * 2 * 2 * 2 + 2 and keys(plan) - plain == {trial.key for trial in scratch}
    assert {(trial.method, trial.budgets) for trial in scratch} == {("scratch", (0,))}
    assert scratch[0].arm == "small_vgg-unstructured-scratch"
    assert scratch[0].name == "small_vgg-unstructured-scratch-r0.30-s0"
    for trial in scratch:
        recipe = trial.description.training
        assert recipe is not None
        # slimming's architecture too is trained without the penalty, which is there for pruning alone
        assert recipe.sparsity == 0.0 and recipe.epochs == 2
    searched = make_plan(study(tmp_path, "arms.0.scratch=0.3", "search.kind=random", "search.candidates=3"))
    assert Counter(trial.kind for trial in searched.trials) == {"baseline": 6, "control": 6, "scratch": 8}


def test_rounds_are_judged_from_the_last_one_on(tmp_path: Path) -> None:
    often = "arms=[{methods: [unstructured]}, {methods: [unstructured], label: often, rounds: 3, round_epochs: 2}]"
    plan = make_plan(study(tmp_path, often, "budgets=[0, 2, 4, 8]", "seeds=[0]", "ratios=[0.5]"))
    budgets = {trial.arm: trial.budgets for trial in plan.trials if trial.kind == "pruned"}
    assert budgets["small_vgg-unstructured"] == (0, 2, 4, 8)
    assert budgets["small_vgg-unstructured-often"] == (4, 8)  # rounds after 0, 2 and 4 epochs
    own = {trial.key for trial in plan.trials if trial.arm.endswith("often")}
    slower = often.replace("round_epochs: 2", "round_epochs: 1")
    assert own.isdisjoint(keys(make_plan(study(tmp_path, slower, "budgets=[0, 2, 4, 8]", "seeds=[0]", "ratios=[0.5]"))))
    space = space_of(plan)
    assert {len(arm.budgets) for arm in space.arms if arm.arm.endswith("often")} == {2}


def test_what_is_there_is_read_from_the_folders(tmp_path: Path) -> None:
    plan, out = make_plan(study(tmp_path)), tmp_path / "out"
    first, second, third, fourth = plan.trials[-4:]
    finish(out, first, (0, 1))
    finish(out, second, (0,))  # complete once, but a budget was asked for since
    finish(out, third, (0,), status="diverged", cause="the loss is not finite")
    write_json(out / "trials" / fourth.key / "description.json", fourth.description.to_plain())
    states = plan.states(out)
    assert [states[trial.key] for trial in (first, second, third, fourth)] == ["complete", "begun", "diverged", "begun"]
    assert Counter(states.values())["missing"] == len(plan.trials) - 4
    missing = {trial.key for trial in plan.missing(out)}
    assert second.key in missing and fourth.key in missing and not missing & {first.key, third.key}
    assert forget_failures(plan.trials, out) == 1
    assert final_status(third, out) is None


def test_a_failed_trial_whose_folder_is_a_link_is_not_emptied(tmp_path: Path) -> None:
    plan, out = make_plan(study(tmp_path)), tmp_path / "out"
    linked, other = plan.trials[-2:]
    for trial in (linked, other):
        finish(out, trial, (0,), status="diverged", cause="the loss is not finite")
    victim = (out / "trials" / linked.key).rename(tmp_path / "victim")
    (out / "trials" / linked.key).symlink_to(victim)
    before = sorted(victim.rglob("*"))
    with pytest.raises(BadInput, match=f"{linked.key}: is a link"):
        forget_failures(plan.trials, out)
    assert sorted(victim.rglob("*")) == before
    assert final_status(other, out) == "diverged", "nothing is lost before it is refused"


def test_a_failed_baseline_is_known_to_its_trials(tmp_path: Path) -> None:
    plan, out = make_plan(study(tmp_path)), tmp_path / "out"
    baseline = plan.trials[0]
    assert baseline_failure(plan.trials, baseline.baseline_key, out) is None
    finish(out, baseline, (), status="failed", cause="no memory")
    assert baseline_failure(plan.trials, baseline.baseline_key, out) == "failed: no memory"
    assert not baseline_ready(baseline.baseline_key, out)
    waiting = next(trial for trial in plan.trials if trial.kind == "pruned")
    block(waiting, out, "its baseline failed")
    assert final_status(waiting, out) == "failed"


def test_a_candidate_is_all_seeds_and_the_grid_is_made_of_candidates(tmp_path: Path) -> None:
    chosen = study(tmp_path)
    plan = make_plan(chosen)
    arm = study_arms(chosen)[1]
    trials = candidate_trials(chosen, arm, "0.5")
    assert [trial.seed for trial in trials] == [0, 1]
    assert {trial.key for trial in trials} < keys(plan)
    assert candidate_trials(chosen, arm.name, "0.5", budgets=[1])[0].budgets == (1,)
    everything = {t.key for a in study_arms(chosen) for ratio in a.ratios for t in candidate_trials(chosen, a, ratio)}
    assert everything == {trial.key for trial in plan.trials if trial.kind == "pruned"}


def test_a_candidate_with_another_rate_brings_its_control(tmp_path: Path) -> None:
    chosen = study(tmp_path)
    trials = candidate_trials(chosen, "small_vgg-l1_filter", "0.5", {"learning_rate": 0.02})
    assert Counter(trial.kind for trial in trials) == {"pruned": 2, "control": 2}
    assert not {trial.key for trial in trials} & keys(make_plan(chosen))
    fine_tuning = [trial.description.fine_tuning for trial in trials]
    assert {recipe.learning_rate if recipe else None for recipe in fine_tuning} == {0.02}


def test_a_search_plans_only_what_it_needs_in_any_case(tmp_path: Path) -> None:
    chosen = study(tmp_path, "search.kind=random", "search.candidates=3")
    plan = make_plan(chosen)
    assert Counter(trial.kind for trial in plan.trials) == {"baseline": 6, "control": 6}
    one = candidate_trials(chosen, plan.arms[0], "0.5", budgets=[0])
    two = candidate_trials(chosen, plan.arms[0], "0.5", budgets=[1])
    grown = plan.with_trials([*one, *two])
    assert len(grown.trials) == 14
    assert grown.by_key()[one[0].key].budgets == (0, 1)


def test_a_checkpoint_counts_by_content_not_by_place(tmp_path: Path) -> None:
    def planned(name: str, seed: int) -> set[str]:
        torch.manual_seed(seed)
        buffer = io.BytesIO()  # into a file, torch would write the file's name too
        torch.save(build_network("small_vgg", width=4, in_channels=1).state_dict(), buffer)
        (tmp_path / name).write_bytes(buffer.getvalue())
        return keys(make_plan(study(tmp_path, f"networks.small_vgg.baseline.checkpoint={name}")))

    first = planned("a.pt", 1)
    assert planned("b.pt", 1) == first
    assert planned("c.pt", 2) != first
    with pytest.raises(BadInput, match="SHA-256"):
        make_plan(study(tmp_path, "networks.small_vgg.baseline={checkpoint: a.pt, sha256: '" + "0" * 64 + "'}"))
    with pytest.raises(BadInput, match="no file"):
        make_plan(study(tmp_path, "networks.small_vgg.baseline.checkpoint=s{seed}.pt"))


def test_a_checkpoint_of_another_network_is_refused_before_anything_runs(tmp_path: Path) -> None:
    torch.save(build_network("small_vgg", width=8, in_channels=1).state_dict(), tmp_path / "wide.pt")
    with pytest.raises(BadInput, match=r"networks.small_vgg.baseline.checkpoint: .*wide.pt.*instead of"):
        make_plan(study(tmp_path, "networks.small_vgg.baseline.checkpoint=wide.pt"))
    (tmp_path / "code.pt").write_text("import os")
    with pytest.raises(BadInput, match=r"networks.small_vgg.baseline.checkpoint: .*code.pt"):
        make_plan(study(tmp_path, "networks.small_vgg.baseline.checkpoint=code.pt"))


def test_images_count_by_content_not_by_place(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (600, 16, 16, 1), dtype=np.uint8)
    labels = np.arange(600) % 10

    def planned(place: str, pixels: np.ndarray, *more: str) -> set[str]:
        (tmp_path / place).parent.mkdir(exist_ok=True)
        np.savez(tmp_path / place, images=pixels, labels=labels)
        return keys(make_plan(study(tmp_path, f"data.name=arrays:{place}", *more)))

    first = planned("a.npz", images)
    assert planned("elsewhere/b.npz", images) == first  # relative paths start at the study file
    assert planned("elsewhere/c.npz", images ^ 1).isdisjoint(first)
    assert planned("a.npz", images, "data.options={mean: [0.5], std: [0.5]}").isdisjoint(first)


def test_the_root_of_a_dataset_is_a_place() -> None:
    def key(checksum: str | None, **options: object) -> str:
        data = DataDescription("cifar10", options, checksum)
        return BaselineDescription(0, data, NetworkDescription("vgg16"), Recipe(), 0).key

    assert key("abc", root="/data/a") == key("abc", root="/data/b", download=False) == key("abc")
    assert key("abc", root="/data/a") != key("abd", root="/data/a")
    assert key("abc", mean=[0.5]) != key("abc")
    assert key(None, root="/data/a") != key(None, root="/data/b")  # nobody knows whether they are the same images


def test_arms_that_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="two arms 'small_vgg-unstructured'"):
        make_plan(study(tmp_path, "arms=[{methods: unstructured}, {methods: unstructured, ratios: 0.9}]"))
    with pytest.raises(BadInput, match="sparsity above 0"):
        make_plan(study(tmp_path, "arms=[{methods: network_slimming}]"))


def test_data_that_is_not_there(tmp_path: Path) -> None:
    absent = study(tmp_path, "data.name=arrays:" + str(tmp_path / "none.npz"))
    with pytest.raises(BadInput, match="none.npz"):
        make_plan(absent)
    assert make_plan(absent, data_required=False).checksum is None
    with pytest.raises(BadInput, match="at most"):
        make_plan(study(tmp_path, "data.validation=5000"))


def test_a_machine_without_the_data_learns_its_checksum_from_the_trials(tmp_path: Path) -> None:
    absent = study(tmp_path, "data.name=arrays:" + str(tmp_path / "none.npz"))
    trial = make_plan(absent, data_required=False).trials[0]
    baseline = trial.description.baseline
    known = replace(baseline, data=replace(baseline.data, checksum="abc"))
    description = replace(trial.description, baseline=known)
    finish(tmp_path / "out", replace(trial, description=description), (0,))
    assert make_plan(absent, tmp_path / "out", data_required=False).checksum == "abc"


def test_options_with_choices_are_an_arm_each_in_a_grid(tmp_path: Path) -> None:
    arms = "arms=[{methods: [l1_filter], networks: [small_vgg], choices: {layers: [all, [1, 3]], round_to: [1, 8]}}]"
    plan = make_plan(study(tmp_path, arms, "ratios=[0.5]", "seeds=[0]"))
    assert [arm.name for arm in plan.arms] == [
        "small_vgg-l1_filter-all-round_to1",
        "small_vgg-l1_filter-all-round_to8",
        "small_vgg-l1_filter-layers1.3-round_to1",
        "small_vgg-l1_filter-layers1.3-round_to8",
    ]
    assert plan.arms[2].parts == (("network", "small_vgg"), ("method", "l1_filter"), ("layers", "1.3"), ("round_to", "1"))
    pruned = [trial for trial in plan.trials if trial.kind == "pruned"]
    methods = [trial.description.method for trial in pruned]
    assert [method.options["layers"] if method else None for method in methods] == ["all", "all", [1, 3], [1, 3]]
    assert Counter(trial.kind for trial in plan.trials)["control"] == 1
    # the arm that is written out is the same trial
    written = "arms=[{methods: [l1_filter], networks: [small_vgg], options: {layers: [1, 3], round_to: 8}}]"
    assert pruned[3].key in keys(make_plan(study(tmp_path, written, "ratios=[0.5]", "seeds=[0]")))


def test_a_rate_of_its_own_is_an_arm_of_its_own_with_a_control_of_its_own(tmp_path: Path) -> None:
    own = candidate_trials(study(tmp_path, "seeds=[0]"), "small_vgg-l1_filter", "0.5", {"learning_rate": 0.0123})
    names = {trial.kind: (trial.arm, trial.name) for trial in own}
    assert names == {
        "pruned": ("small_vgg-l1_filter-lr0.0123", "small_vgg-l1_filter-lr0.0123-r0.50-s0"),
        "control": ("small_vgg-lr0.0123", "small_vgg-lr0.0123-control-s0"),
    }
    usual = candidate_trials(study(tmp_path, "seeds=[0]"), "small_vgg-l1_filter", "0.5")
    assert [(trial.kind, trial.arm) for trial in usual] == [("pruned", "small_vgg-l1_filter")]


@pytest.mark.parametrize(
    "value, text",
    [("all", "all"), ([1, 8, 9, 10], "1.8-10"), ([3], "3"), (True, "true"), (0.25, "0.25"), (8, "8"), ("a b/c", "a_b_c")],
)
def test_a_choice_is_named_shortly(value: object, text: str) -> None:
    assert choice_text(value) == text
