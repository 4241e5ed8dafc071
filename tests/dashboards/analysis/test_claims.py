from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm, t, ttest_1samp

from dashboards.analysis.chosen import chosen
from dashboards.analysis.claims import claims, paired, paired_family, verdict
from dashboards.analysis.control_comparison import control_sentence
from dashboards.analysis.effects import confounded, effects
from dashboards.analysis.indistinguishable import not_told_apart
from dashboards.analysis.points import Points, rows_of
from dashboards.analysis.trends import trends
from dashboards.reading.study_folder import StudyFolder
from sweeps.front.front import candidates

STUDIES, WHOLE = 8000, 20


def test_interval_and_chance_are_those_of_scipy():
    values = [0.01, 0.03, -0.02, 0.05, 0.02]
    one, theirs = paired([*values, np.nan]), ttest_1samp(values, 0.01)
    low, high = theirs.confidence_interval(0.95)
    assert one is not None
    assert (one.low, one.high, one.seeds) == pytest.approx((low, high, 5))
    assert one.chance(0.01) == pytest.approx(theirs.pvalue)
    assert paired([np.nan]) is None
    single = paired([1.0])
    assert single is not None and np.isnan(single.half)


def test_seeds_and_images_widen_an_interval_by_the_root_of_their_squares():
    values, moved = np.array([0.01, 0.03, -0.02, 0.05, 0.02]), np.array([[0.01, -0.01, 0.03, -0.03]])
    one = paired(values, np.repeat(moved, 5, axis=0))
    alone = paired(values)
    assert one is not None and alone is not None
    images = np.sqrt(np.mean(moved**2))  # the same for every seed: all of it is added, by hand .0224
    assert one.images == pytest.approx(images)
    assert one.half == pytest.approx(np.hypot(t.ppf(0.975, 4) * alone.error, norm.ppf(0.975) * images))
    assert one.half > alone.half
    assert one.chance(one.mean + one.half) == pytest.approx(0.05, rel=1e-6)
    assert one.chance(one.low) < one.chance(one.low + 0.01)
    assert paired(values, np.full((5, 4), np.nan)) == alone


def test_holm_by_hand():
    # p = .01, .02, .04 against .05/3, .05/2, .05: all three; with .03 instead of .02 the second stops the rest.
    def with_chance(wanted, seeds=5):
        base = np.array([-1.5, -0.5, 0.0, 0.5, 1.5])
        mean = 0.0
        for step in (1.0, 0.1, 0.01, 0.001, 0.0001):
            while (one := paired(base + mean + step)) and one.chance() > wanted:
                mean += step
        return paired((base + mean + 0.0001)[:seeds])

    assert claims([with_chance(p) for p in (0.04, 0.0099, 0.02)]) == [True, True, True]
    assert claims([with_chance(p) for p in (0.04, 0.0099, 0.03)]) == [False, True, False]
    assert claims([with_chance(0.0001), None, None]) == [True, False, False]


def test_five_equal_differences_are_no_proof():
    # One image of 1,000 in each of five seeds: among 201 comparisons that is nothing. Fifty images are something.
    one, fifty = paired([0.001] * 5), paired([0.050, 0.051, 0.050, 0.050, 0.050])
    assert one is not None and one.chance() > 0.05
    assert claims([one, *[None] * 200]) == [False] * 201
    assert not any(claims([paired([0.001] * 5)] * 3 + [paired([0.002, 0.002, 0.002, 0.002, 0.003])]))
    assert fifty is not None and fifty.chance() < 0.001


def test_each_place_of_a_report_has_its_share_of_the_level():
    one = paired([0.010, 0.017, 0.022, 0.013, 0.0265])  # p = .0040
    assert one is not None and 0.0040 < one.chance() < 0.0041
    assert claims([one]) == [True]
    assert claims([one], place="primary") == [True]  # .0225
    assert claims([one], place="trends") == [False]  # .0025
    assert claims([one], place="primary", among=8) == [False]


def test_the_chosen_one_is_called_better_only_where_its_choice_allows_it():
    stream = np.random.default_rng(20)
    values = 0.01 * stream.normal(size=(32, 5)) + 0.002
    at = int(values.mean(axis=1).argmax())
    best, alone = chosen(values, None, at, values), paired_family(values)[at]
    assert best is not None and alone is not None
    assert (best.mean, best.seeds) == (alone.mean, alone.seeds)
    assert best.low < alone.low and best.chance() > alone.chance()
    assert best.half == pytest.approx((best.high - best.low) / 2)


def test_four_seeds_decide_nothing():
    sure = paired([1.0, 1.001, 1.002, 1.003])
    assert sure is not None and sure.chance() < 1e-6
    assert claims([sure]) == [False]
    assert verdict(sure, False, "max") == "not decidable"
    five = paired([1.0, 1.1, 1.2, 1.0, 1.1])
    assert five is not None and verdict(five, True, "min") == "worse"


def records(stream, gains, *, seeds=5, networks=("n",), ratios=(0.3, 0.5, 0.7), budgets=(2,)):
    """Return the records of methods that differ by ``gains`` in accuracy and by nothing else; seeds share an effect."""
    rows = []
    for network in networks:
        for seed in range(seeds):
            shared = stream.normal(0, 0.01, 3)
            for method, gain in gains.items():
                for ratio in ratios:
                    for budget in budgets:
                        noise = shared + stream.normal(0, 0.01, 3)
                        delta = {"delta_accuracy": noise[0] - shared[0] + gain, "delta_ece": noise[1], "delta_mpc": noise[2]}
                        rows.append(
                            {
                                "key": f"{network}{method}{ratio}{seed}",
                                "network": network,
                                "arm": f"{network}-{method}",
                                "method": method,
                                "ratio": ratio,
                                "seed": seed,
                                "budget": budget,
                                "status": "complete",
                                "accuracy": 0.9 + noise[0] + gain - 0.05 * ratio,
                                "ece": 0.05 + noise[1] + 0.1 * ratio,
                                "nll": 0.3 + 10 * (noise[0] - shared[0]),
                                "mpc": 0.7 + noise[2] - 0.1 * ratio,
                                "compression": 1 / (1 - ratio),
                                **delta,
                            }
                        )
    return pd.DataFrame(rows)


def folder(tmp_path, table, **plain):
    return StudyFolder(tmp_path, plain, table)


def test_a_method_under_two_names_is_preferred_in_at_most_five_per_cent_of_studies():
    # The rule itself, on the differences by seed that a study of one method under two names has: three metrics, five seeds.
    stream = np.random.default_rng(11)
    preferred = 0
    for _ in range(STUDIES):
        shared = stream.normal(size=(5, 1))
        preferred += any(claims([paired(values) for values in (stream.normal(size=(5, 3)) + 0.5 * shared).T]))
    assert preferred <= 0.05 * STUDIES


def test_images_that_favour_one_of_two_equal_methods_make_no_claim():
    # The two are equally good, but these images suit one of them, with every seed: seeds alone would call it better.
    stream = np.random.default_rng(13)
    fooled, claimed = 0, 0
    for _ in range(STUDIES // 8):
        effects = 0.01 * stream.normal(size=129) + 0.01 * stream.normal(size=(5, 129))
        values = effects[:, 0] + 0.005 * stream.normal(size=5)
        fooled += claims([paired(values)])[0]
        claimed += claims([paired(values, effects[:, 1:])])[0]
    assert fooled > 0.2 * STUDIES // 8
    assert claimed <= 0.05 * STUDIES // 8


def test_whole_studies_of_one_method_under_two_names_seldom_prefer_one(tmp_path):
    # Few, since each goes through the report's own tables: more than the 99 % quantile of a 5 % chance would be too many.
    stream = np.random.default_rng(12)
    preferred, beaten, apart, rising = 0, 0, 0, 0
    for _ in range(WHOLE):
        table = records(stream, {"same": 0.0, "same-again": 0.0})
        study = folder(tmp_path, table)
        preferred += any(
            word in ("better", "worse")
            for effect in effects(study)
            if effect.factor == "method"
            for word in effect.verdicts.values()
        )
        shown = ["delta_accuracy", "delta_ece", "delta_mpc"]
        points = Points(candidates(table, {"accuracy": "max"}, shown=shown), {"accuracy": "max"})
        beaten += not control_sentence(study, points).startswith("Nothing beats the control")
        chosen = rows_of(points.complete.sort_values("accuracy", ascending=False))[0]
        same = [row for row in rows_of(points.complete) if row.ratio == chosen.ratio]
        alike = not_told_apart(study, points.complete.loc[[row.Index for row in same]], chosen, "accuracy")
        apart += len(alike) < 1
        rising += any(one.claimed for one in trends(study) if one.metric == "nll")
    assert max(preferred, beaten, apart, rising) <= binom.ppf(0.99, WHOLE, 0.05)


def test_a_real_gain_is_found_with_its_size_and_only_where_it_is(tmp_path):
    table = records(np.random.default_rng(1), {"a": 0.0, "b": 0.05}, networks=("n", "m"), budgets=(0, 2))
    found = {(effect.factor, effect.contrast): effect for effect in effects(folder(tmp_path, table))}
    method = found["method", "a → b"]
    assert method.verdicts["accuracy"] == "better"
    assert method.measured["accuracy"].low < 0.05 < method.measured["accuracy"].high
    assert method.blocks == 2
    ratio = found["ratio", "ratio 0.3 → ratio 0.5"]
    assert ratio.blocks == 4
    assert ratio.measured["ece"].low < 0.02 < ratio.measured["ece"].high
    assert ratio.verdicts["mpc"] == "worse"
    assert found["ratio", "ratio 0.5 → ratio 0.7"].verdicts["ece"] == "worse"
    assert found["budget", "pruned networks, 0 epochs → 2 epochs"].blocks == 12


def test_the_ratio_effect_is_the_mean_of_the_seeds_means(tmp_path):
    table = records(np.random.default_rng(2), {"a": 0.0})
    (first, _) = [effect for effect in effects(folder(tmp_path, table)) if effect.factor == "ratio"]
    wide = table.pivot(index="seed", columns="ratio", values="mpc")
    one, _ = paired_family(np.array([wide[0.5] - wide[0.3], wide[0.7] - wide[0.5]]))  # its error borrows from the other
    assert one is not None
    assert (first.measured["mpc"].mean, first.measured["mpc"].error) == pytest.approx((one.mean, one.error))


def test_methods_are_compared_at_equal_cost_not_at_equal_ratio(tmp_path):
    # The same networks, but the second method calls half of what it removes by its name: at equal cost they do not differ.
    table = records(np.random.default_rng(3), {"a": 0.0})
    table["accuracy"] = 1 - 0.1 * np.log(table["compression"])
    other = table.assign(method="b", arm="n-b", ratio=table["ratio"] / 2, key="b" + table["key"])
    (method,) = [e for e in effects(folder(tmp_path, pd.concat([table, other]))) if e.factor == "method"]
    assert method.measured["accuracy"].mean == pytest.approx(0.0, abs=1e-12)


def test_methods_that_share_no_network_are_confounded():
    stream = np.random.default_rng(0)
    apart = pd.concat([records(stream, {"a": 0.0}, networks=("n",)), records(stream, {"b": 0.0}, networks=("m",))])
    (warning,) = confounded(apart)
    assert warning.startswith("a was tried on n, b on m: method and network are confounded")
    assert confounded(records(stream, {"a": 0.0, "b": 0.0})) == []


def test_a_block_that_lacks_a_seed_is_left_out(tmp_path):
    table = records(np.random.default_rng(4), {"a": 0.0, "b": 0.0})
    table.loc[(table["method"] == "b") & (table["ratio"] == 0.5) & (table["seed"] == 3), "status"] = "failed"
    first = next(effect for effect in effects(folder(tmp_path, table)) if effect.contrast == "ratio 0.3 → ratio 0.5")
    assert (first.blocks, first.measured["accuracy"].seeds) == (1, 5)


def test_of_many_ratios_a_few_are_contrasted_from_the_first_to_the_last(tmp_path):
    ratios = tuple(round(0.02 * step, 2) for step in range(1, 41))
    found = effects(folder(tmp_path, records(np.random.default_rng(5), {"a": 0.0}, ratios=ratios)))
    steps = [effect.contrast.split(" → ") for effect in found if effect.factor == "ratio"]
    assert len(steps) == 7
    assert (steps[0][0], steps[-1][1]) == ("ratio 0.02", "ratio 0.8")
    assert all(left[1] == right[0] for left, right in zip(steps, steps[1:], strict=False))


def test_five_seeds_that_judge_one_network_are_one_observation(tmp_path):
    # One checkpoint for all seeds and nothing random after it: every seed tells the same differences, whatever they are.
    stream = np.random.default_rng(4)
    one = records(stream, {"a": 0.0, "b": 0.0}, seeds=1, ratios=(0.2, 0.3, 0.5, 0.7), budgets=(0,)).assign(checkpoint="c")
    for name in ("delta_accuracy", "delta_ece", "delta_mpc"):
        one[name] = stream.normal(0, 0.02, len(one))
    table = pd.concat([one.assign(seed=seed, key=one["key"] + str(seed)) for seed in range(5)], ignore_index=True)
    study = folder(tmp_path, table)
    points = Points(
        candidates(table, {"accuracy": "max"}, shown=["delta_accuracy", "delta_ece", "delta_mpc"]), {"accuracy": "max"}
    )
    assert control_sentence(study, points).startswith("Nothing beats the control")
    chosen = rows_of(points.complete.sort_values("accuracy", ascending=False))[0]
    assert len(not_told_apart(study, points.complete, chosen, "accuracy")) == len(points.complete) - 1
    assert {word for effect in effects(study) for word in effect.verdicts.values()} == {"not decidable"}
    assert not any(trend.claimed for trend in trends(study))
