"""What a spread over seeds covers where a network comes with one checkpoint: fine-tuning, or nothing at all."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from dashboards.report.report import build_report
from prune_core.base.store import file_sha256
from sweeps.front.front import candidates
from sweeps.front.text import front_table
from sweeps.plan.plan import make_plan
from sweeps.records.collect import collect, write_records
from sweeps.study.model import load_study
from tests.brought import brought_study


@pytest.fixture(name="study", scope="module")
def _study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return brought_study(tmp_path_factory.mktemp("brought"))


@pytest.fixture(name="records", scope="module")
def _records(study: Path) -> pd.DataFrame:
    loaded, out = load_study(study), study.parent / "out"
    table = collect(out, make_plan(loaded, out, recorded=True).trials, study=loaded.name)
    write_records(table, out)
    return table


def test_a_record_says_which_checkpoint_its_weights_come_from(study: Path, records: pd.DataFrame) -> None:
    trained = records["network"].eq("small_vgg-trained")
    assert set(records.loc[~trained, "checkpoint"]) == {file_sha256(study.parent / "mine.pt")}
    assert records.loc[trained, "checkpoint"].isna().all() and trained.any()


def test_a_spread_is_stated_only_where_seeds_differ(records: pd.DataFrame) -> None:
    table = candidates(records, {"val_accuracy": "max", "nonzero_parameters": "min"}, shown=["val_nll"])
    silent = table[["val_accuracy_std", "val_nll_std"]].isna()
    known = dict(
        zip(
            zip(table["method"], table["budget"], strict=True),
            zip(table["seeds_differ_in"], silent["val_accuracy_std"], silent["val_nll_std"], strict=True),
            strict=True,
        )
    )
    assert known == {
        ("baseline", 0): ("nothing", True, True),
        ("control", 0): ("nothing", True, True),
        ("l1_filter", 0): ("nothing", True, True),  # nothing in it is drawn
        ("control", 1): ("fine-tuning", False, False),
        ("l1_filter", 1): ("fine-tuning", False, False),
        ("dense", 0): ("training", False, False),
    }
    assert table["nonzero_parameters_std"].notna().all()  # a count is exact


def test_a_single_seed_differs_in_nothing_that_can_be_said(records: pd.DataFrame) -> None:
    assert candidates(records[records["seed"].eq(0)], {"val_accuracy": "max"})["seeds_differ_in"].isna().all()


def test_the_terminal_says_what_the_spread_covers(records: pd.DataFrame) -> None:
    decisive = {"val_accuracy": "max", "val_ece": "min", "nonzero_parameters": "min"}
    note = front_table(records, decisive, [0, 1]).note  # type: ignore[arg-type]
    said = "small_vgg comes from one checkpoint for all seeds: its spread over seeds covers fine-tuning alone"
    assert said in note and "small_vgg-trained" not in note
    own = records.assign(checkpoint=records["checkpoint"].where(records["checkpoint"].isna(), records["seed"].astype(str)))
    assert "one checkpoint" not in front_table(own, decisive, [0, 1]).note  # type: ignore[arg-type]


def test_the_report_says_it_and_shows_no_deviation_of_nothing(study: Path, records: pd.DataFrame) -> None:
    page = build_report(study.parent / "out", print_figures=False).read_text(encoding="utf-8")
    assert "spread over seeds covers fine-tuning alone, not another training.</p>" in page
    assert "one checkpoint</span>" in page
    assert re.search(r"±[\u00a0 ]0(\.0*)?([\u00a0 ]%|<)", page) is None
