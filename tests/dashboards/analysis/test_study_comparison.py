from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from dashboards.analysis.comparison_text import WIDTH, compare_text
from dashboards.analysis.study_comparison import compared, differing_keys, shared_candidates
from dashboards.reading.study_folder import read_study_folder
from dashboards.report.comparison_page import write_comparison
from tests.dashboards import synthetic
from tests.matching import find


def test_a_shift_is_found_where_it_was_made_and_nowhere_else(tmp_path):
    table = synthetic.records(networks=("small_vgg",))
    moved = table.copy()
    moved.loc[moved["method"] == "l1_filter", "accuracy"] -= 0.1
    moved = moved[moved["ratio"] != 0.9]
    first = read_study_folder(synthetic.write(tmp_path / "a", table))
    second = read_study_folder(synthetic.write(tmp_path / "b", moved, seed=1))
    both = shared_candidates(first, second)
    assert set(both["ratio"]) == {0.0, 0.3, 0.5, 0.7}
    at = both["method"] == "l1_filter"
    assert both.loc[at, "accuracy_difference"].to_numpy() == pytest.approx(-0.1)
    assert both.loc[~at, "accuracy_difference"].to_numpy() == pytest.approx(0.0)
    deviation = table[(table["method"] == "l1_filter") & (table["ratio"] == 0.3) & (table["budget"] == 2)]["accuracy"].std(
        ddof=1
    )
    found = both[at & (both["ratio"] == 0.3) & (both["budget"] == 2)]["accuracy_errors"].iloc[0]
    assert found == pytest.approx(-0.1 / (deviation * np.sqrt(2 / 3)))
    assert differing_keys(first, second) == [("seed", 0, 1)]
    text = compare_text(tmp_path / "a", tmp_path / "b", tmp_path / "both.csv")
    assert max(map(len, text.splitlines())) <= WIDTH
    line = next(line for line in text.splitlines() if line.startswith("small_vgg, l1_filter 0.3, 2 epochs"))
    left, right = (float(part) for part in find(r"(\d+\.\d) -> (\d+\.\d) %", line).groups())
    assert right - left == pytest.approx(-10.0, abs=0.11)
    written = pd.read_csv(tmp_path / "both.csv")
    assert written["accuracy_difference"].to_numpy() == pytest.approx(both["accuracy_difference"].to_numpy())


def test_names_do_not_steer_the_terminal(tmp_path):
    for name in "ab":
        synthetic.write(tmp_path / name, title="\x1b[31mred\u202e", note="\x1b]0;x")
    text = compare_text(tmp_path / "a", tmp_path / "b")
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert "red" in text


def test_studies_without_a_common_candidate_say_so(tmp_path):
    for name in "ab":
        synthetic.write(tmp_path / name)
    assert "no candidate is complete in both" in compare_text(tmp_path / "a", tmp_path / "b")


def test_chance_is_judged_by_welch_and_holm_as_scipy_has_them(tmp_path):
    table = synthetic.records(networks=("small_vgg",))
    moved = table.copy()
    shifts = np.random.default_rng(0).normal(0, 0.02, len(moved))
    moved["accuracy"] += shifts
    first, second = (
        read_study_folder(synthetic.write(tmp_path / name, each)) for name, each in (("a", table), ("b", moved))
    )
    found = compared(first, second)
    whole = ["arm", "network", "method", "ratio", "budget"]
    chances = []
    for row in found.both.itertuples():
        own = [
            each.records.merge(pd.DataFrame([[getattr(row, name) for name in whole]], columns=whole), on=whole)["accuracy"]
            for each in (first, second)
        ]
        chances.append(scipy.stats.ttest_ind(*own, equal_var=False).pvalue)
    order = np.argsort(chances)
    adjusted = np.maximum.accumulate([chances[at] * (len(chances) - place) for place, at in enumerate(order)])
    wanted = np.zeros(len(chances), dtype=bool)
    wanted[order] = adjusted <= 0.05
    assert found.both["accuracy_changed"].tolist() == wanted.tolist()
    (accuracy,) = (each for each in found.changes if each.column == "accuracy")
    assert accuracy.higher + accuracy.lower == wanted.sum() and accuracy.among == len(chances)


def test_what_changed_comes_first_and_the_page_says_the_same(tmp_path):
    table = synthetic.records(networks=("small_vgg",))
    moved = table.copy()
    moved.loc[moved["method"] == "l1_filter", ["accuracy", "val_accuracy"]] -= 0.1
    for name, each in (("a", table), ("b", moved)):
        synthetic.write(tmp_path / name, each, evaluation={"ece_bins": 15 if name == "a" else 10}, title="<b>x")
    lines = compare_text(tmp_path / "a", tmp_path / "b").splitlines()
    said = [line.split()[0] for line in lines[3:] if line[:3].strip()]
    assert lines[2].startswith("what changed") and said[:3] == ["answer", "candidates", "front"]
    assert any(line.startswith("  accuracy") and "lower" in line for line in lines)
    assert "  study file          evaluation.ece_bins: 15 -> 10" in lines
    page = write_comparison(tmp_path / "a", tmp_path / "b", tmp_path / "page.html").read_text()
    assert "&lt;b&gt;x" in page and "<b>x" not in page
    assert "evaluation.ece_bins: 15 → 10" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert page.count('<tr><th scope="row">') == len(compared(*(read_study_folder(tmp_path / name) for name in "ab")).both)


def test_what_has_no_chance_to_tell_is_compared_all_the_same(tmp_path):
    """One seed, or seeds that all agree: what is equal is called equal, and what is not is not."""
    table = synthetic.records(seeds=(0,), networks=("small_vgg",))
    moved = table.copy()
    moved.loc[moved["method"] == "l1_filter", "accuracy"] -= 0.1
    first, second = (synthetic.write(tmp_path / name, each, seeds=[0]) for name, each in (("a", table), ("b", moved)))
    same = compare_text(first, first)
    complete = len(table.drop_duplicates(["arm", "method", "ratio", "budget"]))
    assert f"accuracy            the same in all {complete}" in same
    assert "small_vgg, l1_filter" not in same, "a table of what did not change"
    text = compare_text(first, second)
    assert f"8 of {complete} differ; whether by more than chance cannot be judged" in text  # four ratios, two budgets
    assert f"ECE                 the same in all {complete}" in text
    rows = [line for line in text.splitlines() if line.startswith("small_vgg, ")]
    assert len(rows) == 8 and all("l1_filter" in row for row in rows)
