from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboards.analysis.study_comparison import compare_text, differing_keys, shared_candidates
from dashboards.reading.study_folder import read_study_folder
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
    assert compare_text(tmp_path / "a", tmp_path / "b").endswith("no candidate is complete in both")
