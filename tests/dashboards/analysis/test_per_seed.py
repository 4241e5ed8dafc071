from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboards.analysis.effects import FALLING, effects
from dashboards.analysis.membership_text import frequency_sentences
from dashboards.analysis.per_seed import candidate_differences, seed_measured, with_images
from dashboards.analysis.points import Points, rows_of
from dashboards.analysis.provenance import run_facts
from dashboards.analysis.temperature_scaling import scaling_rows, scaling_table
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.trial_folder import RESAMPLED, budget_folder
from prune_core.evaluation.resampled import RESAMPLES, write_image_noise
from prune_core.metrics import Direction
from sweeps.front.front import candidates
from sweeps.records.control import control_rows, with_control_keys

SEEDS = range(5)


def record(method, seed, *, arm=None, ratio=0.5, nll=0.3, control_nll=0.3, parameters=50.0, **more):
    return {
        "key": f"{method.replace('_', '')}{arm or ''}{seed}",
        "network": "n",
        "method": method,
        "seed": seed,
        "arm": arm or f"n-{method}",
        "ratio": ratio,
        "budget": 2,
        "status": "complete",
        "nll": nll,
        "delta_nll": nll - control_nll,
        "accuracy": 0.9,
        "ece": 0.05,
        "mpc": 0.7,
        "nonzero_parameters": parameters,
    } | more


@pytest.fixture
def study(tmp_path):
    """Two methods; slimming has a control of its own, told apart by its NLL."""
    stream = np.random.default_rng(0)
    rows = []
    for seed in SEEDS:
        rows += [
            record("control", seed, arm="n", ratio=0.0, nll=0.2 + seed / 100, control_nll=0.2 + seed / 100),
            record("control", seed, arm="nsparse", ratio=0.0, nll=0.4 + seed / 100, control_nll=0.4 + seed / 100),
            record("l1_filter", seed, nll=0.5, control_nll=0.2 + seed / 100),
            record("network_slimming", seed, nll=0.6, control_nll=0.4 + seed / 100),
        ]
    table = pd.DataFrame(rows)
    table["delta_accuracy"] = 0.0
    for row in table.itertuples():
        noise = np.zeros(RESAMPLES, dtype=[("accuracy", "<f4"), ("nll", "<f4")])
        noise["accuracy"], noise["nll"] = stream.normal(0, 0.01, (2, RESAMPLES))
        folder = budget_folder(tmp_path / "trials" / row.key, 2)
        folder.mkdir(parents=True)
        write_image_noise(folder / RESAMPLED, noise)
    return StudyFolder(tmp_path, {}, with_control_keys(table))


def test_a_record_finds_the_control_that_its_difference_names(study):
    table, rows = study.records, control_rows(study.records)
    slim = np.flatnonzero(table["method"] == "network_slimming")
    assert table["arm"].iloc[rows[slim]].tolist() == ["nsparse"] * 5
    assert table["seed"].iloc[rows[slim]].tolist() == table["seed"].iloc[slim].tolist()
    assert table["arm"].iloc[rows[np.flatnonzero(table["method"] == "l1_filter")]].tolist() == ["n"] * 5


def test_the_noise_of_a_difference_is_that_of_the_record_minus_that_of_its_control(study):
    points = candidates(study.records, {"accuracy": "max"})
    chosen = points[points["method"] == "network_slimming"]
    _, noise = seed_measured(study, chosen, ["delta_accuracy", "ece"])
    own, control = study.images.of_record("networkslimming3", 2), study.images.of_record("controlnsparse3", 2)
    assert noise[0, 3, 0] == pytest.approx(own["accuracy"].astype(float) - control["accuracy"].astype(float))
    assert np.isnan(noise[0, :, 1]).all()  # not kept, so not known
    ((one, other),) = candidate_differences(study, chosen, ["delta_accuracy", "ece"])
    assert one is not None and one.images is not None
    assert other is not None and other.images is None
    assert with_images(study)
    assert "seeds and base images" in dict(run_facts(study))["Intervals"]


def test_a_folder_that_does_not_say_has_intervals_over_seeds(study):
    (budget_folder(study.path / "trials" / "networkslimming3", 2) / RESAMPLED).unlink()
    chosen = candidates(study.records, {"accuracy": "max"})
    found = candidate_differences(study, chosen[chosen["method"] == "network_slimming"], ["delta_accuracy"])
    assert found[0][0] is not None and found[0][0].images is None
    assert not with_images(study)
    assert dict(run_facts(study))["Intervals"].startswith("95 %, over seeds; what")


def test_candidates_that_are_alike_are_named_and_who_collapsed_is_counted(study):
    stream = np.random.default_rng(1)
    table = study.records.copy()
    table["accuracy"] += stream.normal(0, 0.01, len(table))
    table["delta_accuracy"] = np.where(table["method"] == "network_slimming", -0.3, 0.0)
    found = StudyFolder(study.path, {}, table)
    decisive: dict[str, Direction] = {"accuracy": "max", "nonzero_parameters": "min"}
    points = Points(candidates(table, decisive, shown=["delta_accuracy", "delta_ece"]), decisive)
    points.table["front"], points.table["frequency"] = points.table["method"].isin(["l1_filter", "network_slimming"]), 0.4
    text = " ".join(frequency_sentences(found, points))
    assert "Of 2 members of the front, pruned or not, 0 keep their places in at least 95 % of the draws" in text
    assert "n, l1_filter 0.5, 2 epochs from n, network_slimming 0.5, 2 epochs" in text
    assert "1 of the 2 members has collapsed: more than 10 points" in text
    apart = table.assign(accuracy=table["accuracy"] + np.where(table["method"] == "l1_filter", 0.05, 0.0))
    clear = frequency_sentences(StudyFolder(study.path, {}, apart), points)
    assert not any("l1_filter 0.5, 2 epochs from n, network_slimming" in line for line in clear)


def test_scaling_shows_candidate_and_control_from_the_records(study):
    table = study.records.assign(ece_t=0.02, nll_t=0.25, temperature=1.5)
    table.loc[table["arm"] == "nsparse", "ece_t"] = 0.01
    found = StudyFolder(study.path, {}, table)
    chosen = candidates(table, {"accuracy": "max"})
    rows = rows_of(chosen[chosen["method"] == "network_slimming"])
    (own, control) = scaling_rows(found, rows)
    assert (own[0], control[0]) == ("n, network_slimming 0.5, 2 epochs", "its control")
    assert (own[1]["ece_t"], control[1]["ece_t"]) == ("2.00 %", "1.00 %")
    numbers = {(network, metric): mean for _, network, metric, mean, _ in scaling_table(found, rows)[1]}
    assert numbers["control", "nll"] == pytest.approx(0.42)


def test_an_ece_that_falls_with_the_accuracy_is_never_called_better(tmp_path):
    stream = np.random.default_rng(2)
    rows = [
        record(
            "m",
            seed,
            ratio=ratio,
            accuracy=0.9 - ratio + stream.normal(0, 0.001),
            ece=0.2 - 0.1 * ratio + stream.normal(0, 0.001),
            compression=1 / (1 - ratio),
        )
        | {"key": f"k{seed}r{ratio}"}
        for seed in SEEDS
        for ratio in (0.3, 0.6)
    ]
    (found,) = [one for one in effects(StudyFolder(tmp_path, {}, pd.DataFrame(rows))) if one.factor == "ratio"]
    assert found.measured["ece"].high < 0
    assert found.verdicts["accuracy"] == "worse"
    assert found.verdicts["ece"] == FALLING
