"""What a plan says that a study can find."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sweeps.front.power import seed_deviations, smallest_difference
from sweeps.plan.plan import make_plan
from sweeps.run.plan_power import power_lines
from sweeps.study.model import load_study

STUDY = """
name: mine
data: {name: digits, train: 200, validation: 100, test: 100}
networks: {small_vgg: {options: {width: 4}}}
training: {epochs: 1}
arms: [{methods: [unstructured, l1_filter]}]
ratios: [0.3, 0.5]
budgets: [2]
seeds: [0, 1, 2, 3, 4]
evaluation: {corruptions: none, train_images: 0}
"""


def lines(folder: Path, overrides: list[str], out: Path) -> str:
    (folder / "mine.yaml").write_text(STUDY, encoding="utf-8")
    return " ".join(power_lines(make_plan(load_study(folder / "mine.yaml", overrides)), out))


def test_the_smallest_difference_and_what_one_more_seed_buys(tmp_path: Path) -> None:
    said = lines(tmp_path, [], tmp_path / "none")
    now, then = (smallest_difference(seeds, 4, 0.004, primary=2) for seeds in (5, 6))  # accuracy and ECE; four candidates
    assert f"with 5 seeds differences of a recommended network to its control of at least {now:.2g} in accuracy," in said
    assert f"with 6 seeds of at least {then:.2g} in accuracy," in said
    assert "in 80% of studies, among 4 candidates" in said
    assert "assumed: accuracy 0.004, ece 0.003;" in said
    one = lines(tmp_path, ["primary=[accuracy]"], tmp_path / "none")
    assert f"{smallest_difference(5, 4, 0.004, primary=1):.2g} in accuracy" in one


def test_three_seeds_find_nothing_and_the_plan_says_so(tmp_path: Path) -> None:
    said = lines(tmp_path, ["seeds=[0, 1, 2]"], tmp_path / "none")
    assert "with 3 seeds no difference (a claim needs 5 seeds);" in said
    assert "with 5 seeds differences of at least" in said
    assert "inf" not in said


def test_the_noise_is_that_of_the_records_where_there_are_some(tmp_path: Path) -> None:
    stream = np.random.default_rng(0)
    rows = [
        {
            "arm": f"a{arm}",
            "network": "n",
            "method": method,
            "ratio": 0.5,
            "budget": 2,
            "seed": seed,
            "status": "complete",
            "delta_accuracy": stream.normal(0, 0.01 if arm else 0.5),
        }
        for arm in range(40)
        for method in ("m",)
        for seed in range(5)
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "records.parquet")
    found = seed_deviations(pd.DataFrame(rows), ["accuracy", "ece"])
    assert list(found) == ["accuracy"]
    assert found["accuracy"] == pytest.approx(0.01, rel=0.2)  # the collapsed one hardly moves it
    said = lines(tmp_path, [], tmp_path)
    assert "accuracy as measured here; assumed: ece 0.003" in said
    (tmp_path / "records.parquet").write_bytes(b"torn")
    assert "assumed: accuracy 0.004, ece 0.003;" in lines(tmp_path, [], tmp_path)


def test_each_objective_has_its_size_or_is_said_to_be_unknown(tmp_path: Path) -> None:
    said = lines(tmp_path, ["objectives={ece_t: min, brier: min, nonzero_parameters: min}"], tmp_path / "none")
    assert "assumed: ece_t 0.003;" in said  # as its metric before scaling
    assert "of brier not known before seeds were run" in said
    assert "nonzero_parameters" not in said
    alone = lines(tmp_path, ["objectives={brier: min, nonzero_parameters: min}"], tmp_path / "none")
    assert "not known of brier before seeds were run" in alone
