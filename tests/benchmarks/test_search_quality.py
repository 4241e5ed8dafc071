"""The replay of finished grids: its contract, and that what a search was told is never what scores it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from benchmarks import search_quality
from benchmarks.pack_world import WORLDS, pack
from benchmarks.search_quality import quality
from benchmarks.search_replay import replay
from benchmarks.search_scores import recommended, trials_to
from benchmarks.search_surfaces import made_up
from benchmarks.search_truth import World, read_world
from prune_core.base.errors import BadInput

# (accuracy, nonzero parameters) by ratio; seed 1 scores what seed 0 tells
MEASURED = {"0.2": (0.9, 100.0), "0.5": (0.8, 50.0), "0.8": (0.5, 20.0)}
KEYS = [f"small_vgg-unstructured|{ratio}|0" for ratio in MEASURED]
WHOLE = 1.1 * 0.1 + 0.85 * (0.725 - 0.1) + 0.1 * (1.1 - 0.725)
"""By hand: ranges .4 and 80, so the reference lies at accuracy .46 and 108 parameters; three boxes, in scaled units."""


def _study() -> dict[str, object]:
    return {
        "name": "three",
        "data": {"name": "image_folder:/nowhere/pictures", "validation": 10},
        "networks": {"small_vgg": {"options": {"width": 4}}},
        "arms": [{"methods": ["unstructured"]}],
        "ratios": list(MEASURED),
        "budgets": [0],
        "seeds": [0, 1],
        "objectives": {"accuracy": "max", "nonzero_parameters": "min"},
        "evaluation": {"corruptions": "none"},
    }


def _rows() -> list[dict[str, object]]:
    arm = {
        "arm": "small_vgg-unstructured",
        "network": "small_vgg",
        "method": "unstructured",
        "budget": 0,
        "status": "complete",
    }
    rows: list[dict[str, object]] = []
    for ratio, (accuracy, parameters) in MEASURED.items():
        for seed in (0, 1):
            worse = 0.01 * (seed == 0)
            seen = {"val_accuracy": accuracy - 0.3, "accuracy": accuracy - worse, "delta_val_accuracy": accuracy - 0.8}
            rows.append({**arm, "ratio": float(ratio), "seed": seed, **seen, "nonzero_parameters": parameters})
    unpruned = {"arm": "small_vgg", "method": "baseline", "ratio": 0.0, "nonzero_parameters": 200.0, "val_accuracy": 0.6}
    return [*rows, *({**arm, **unpruned, "seed": seed} for seed in (0, 1))]


@pytest.fixture
def three(tmp_path: Path) -> Path:
    run = tmp_path / "three"
    run.mkdir()
    (run / "study.yaml").write_text(yaml.safe_dump(_study()))
    pd.DataFrame(_rows()).to_parquet(run / "records.parquet")
    return run


def _asked(monkeypatch: pytest.MonkeyPatch, *argv: object) -> int:
    monkeypatch.setattr(sys, "argv", ["search_quality", *map(str, argv)])
    return search_quality.main()


def test_the_share_is_what_a_hand_computes(three: Path) -> None:
    truth = read_world(three).truth(told=0)
    assert truth.volume(KEYS) == pytest.approx(WHOLE, rel=1e-12)
    assert truth.share(KEYS[:1]) == pytest.approx(1.1 * 0.1 / WHOLE, rel=1e-12)
    assert truth.share(KEYS[1:]) == pytest.approx((0.85 * 0.725 + 0.1 * (1.1 - 0.725)) / WHOLE, rel=1e-12)
    assert truth.share([]) == 0 and truth.share(["nobody|0.5|0"]) == 0
    assert trials_to(truth, KEYS, 0.9) == 2 and trials_to(truth, KEYS[:1], 0.9) is None


def test_one_object_with_a_share_per_search_seed(
    three: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (three, "--searcher", "tpe", "--candidates", 2, "--seeds", 4, "--json")
    assert _asked(monkeypatch, *arguments) == 0
    printed = capsys.readouterr().out
    found = json.loads(printed)
    assert len(found["share"]) == len(found["missing"]) == 4
    assert [a + b for a, b in zip(found["share"], found["missing"], strict=True)] == pytest.approx([1] * 4)
    assert found["told_seed"] == [0, 1, 0, 1]
    assert found["told"] == ["val_accuracy", "nonzero_parameters"] and found["scored_on"][0] == "accuracy"
    assert all(len(set(tried)) == 2 and set(tried) <= set(KEYS) for tried in found["tried"])
    assert _asked(monkeypatch, *arguments) == 0
    assert capsys.readouterr().out == printed


def test_the_default_is_the_sampler_of_a_study_that_names_none(three: Path) -> None:
    default = quality(read_world(three), "default", 2, 2, 1)
    assert quality(read_world(three), default["sampler"], 2, 2, 1)["tried"] == default["tried"]


def _changed(world: World, seed: int) -> World:
    """Return the world with other numbers for one trial seed."""
    table = world.table.copy()
    rows = table.index.get_level_values(1) == seed
    columns = [column for column in table if str(column).endswith("accuracy")]
    table.loc[rows, columns] = 1 - table.loc[rows, columns].to_numpy()
    return replace(world, table=table)


def test_what_a_search_was_told_does_not_score_it() -> None:
    world = made_up(3)
    before = world.truth(told=1).means
    pd.testing.assert_frame_equal(_changed(world, seed=1).truth(told=1).means, before)
    assert not _changed(world, seed=0).truth(told=1).means.equals(before)


def test_a_search_sees_no_number_that_scores_it() -> None:
    world = made_up(3)
    found = replay(world, "tpe", 1, 12, 4)
    assert found.told == 1
    others = _changed(_changed(world, seed=0), seed=2)
    report = others.table.assign(accuracy=0.0, mpc=0.0, ece=1.0)
    assert replay(replace(others, table=report), "tpe", 1, 12, 4).order == found.order
    assert replay(_changed(world, seed=1), "tpe", 1, 12, 4).order != found.order


def test_a_longer_search_begins_with_the_shorter_one() -> None:
    world = made_up(3)
    for searcher in ("random", "tpe"):
        assert replay(world, searcher, 0, 12, 4).order[:8] == replay(world, searcher, 0, 8, 4).order


def test_the_recommended_network_keeps_its_accuracy_and_costs_as_said(three: Path) -> None:
    world = read_world(three)
    best = recommended(world, KEYS, told=0)
    assert best is not None and best.kept and best.key == KEYS[1] and best.regret == 0
    dear = recommended(world, KEYS[:1], told=0)
    assert dear is not None and dear.regret == pytest.approx((100 - 50) / 200)
    nobody = recommended(world, KEYS[2:], told=0)
    assert nobody is not None and nobody.key is None and nobody.regret == pytest.approx(1 - 50 / 200)


def test_a_limit_on_the_cost_that_is_recommended_by_is_one_column(three: Path) -> None:
    plain = yaml.safe_load((three / "study.yaml").read_text())
    (three / "study.yaml").write_text(yaml.safe_dump({**plain, "limits": ["nonzero_parameters <= 60"]}))
    best = recommended(read_world(three), KEYS, told=0)
    assert best is not None and best.kept and best.key == KEYS[2] and best.regret == 0


def test_a_failed_seed_is_told_as_failed_and_adds_nothing(three: Path) -> None:
    records = pd.read_parquet(three / "records.parquet")
    records.loc[records["ratio"].eq(0.5) & records["seed"].eq(0), "status"] = "failed"
    records.to_parquet(three / "records.parquet")
    world = read_world(three)
    assert world.told(KEYS[1], 0) is None and world.told(KEYS[1], 1) is not None
    assert list(world.truth(told=1).means.index) == [KEYS[0], KEYS[2]]
    assert set(replay(world, "tpe", 0, 3, 2).order) == set(KEYS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda records: records[records["ratio"].ne(0.5)], "was not tried"),
        (lambda records: records.assign(status="stopped"), "was not tried"),
        (lambda records: records.drop(columns="val_accuracy"), "no column val_accuracy"),
        (lambda records: records.assign(status="failed"), "nothing can be scored"),
    ],
)
def test_an_unfinished_grid_is_no_truth(three: Path, monkeypatch, capsys, change, said) -> None:
    change(pd.read_parquet(three / "records.parquet")).to_parquet(three / "records.parquet")
    assert _asked(monkeypatch, three, "--json") == 2
    assert said in capsys.readouterr().err


def test_a_folder_without_a_study_is_said_in_a_line(tmp_path: Path, monkeypatch, capsys) -> None:
    assert _asked(monkeypatch, tmp_path, "--json") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_one_seed_cannot_tell_and_score(three: Path) -> None:
    plain = yaml.safe_load((three / "study.yaml").read_text())
    (three / "study.yaml").write_text(yaml.safe_dump({**plain, "seeds": [0]}))
    with pytest.raises(BadInput, match="two seeds"):
        read_world(three).truth(told=0)


def test_a_study_whose_checkpoint_is_elsewhere_is_read(three: Path) -> None:
    plain = yaml.safe_load((three / "study.yaml").read_text())
    plain["networks"]["small_vgg"]["baseline"] = {"checkpoint": "/nowhere/net.pt", "sha256": "0" * 64}
    (three / "study.yaml").write_text(yaml.safe_dump(plain))
    assert read_world(three).keys == KEYS


KEPT = sorted(path.parent for path in WORLDS.glob("*/records.parquet"))


@pytest.mark.parametrize("folder", KEPT, ids=lambda path: path.name)
def test_the_kept_worlds_are_read_without_their_images(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a replay opens no images")

    monkeypatch.setattr("prune_core.data.load_dataset", refuse)
    world = read_world(folder)
    assert len(world.keys) >= 60 and len(world.seeds) >= 2
    found = quality(world, "random", len(world.keys), 1, 4)
    assert found["share"] == pytest.approx([1])
    assert found["scored_on"] != found["told"]


def test_the_kept_worlds_are_small_and_name_no_place() -> None:
    files = [path for path in WORLDS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 5_000_000
    for path in files:
        if path.suffix == ".yaml":
            values = [line.split(": ", 1)[-1].strip(" -'\"") for line in path.read_text().splitlines() if line[:1] != "#"]
            assert not [value for value in values if value.startswith("/") or ":/" in value]


def test_a_packed_grid_gives_the_same_numbers(three: Path, tmp_path: Path) -> None:
    kept = pack(three, tmp_path / "kept")
    assert "nowhere" not in (kept / "study.yaml").read_text()
    assert quality(read_world(kept), "tpe", 2, 2, 1) == quality(read_world(three), "tpe", 2, 2, 1)
