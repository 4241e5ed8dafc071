"""The search table: intervals, resuming from the file of finished searches, and what the page says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import search_cells, search_table
from benchmarks.search_cells import Cell, Run, read_cells
from benchmarks.search_statistics import clusters_of, mean_of, ratio_of
from benchmarks.search_surfaces import ROUGH, made_up
from benchmarks.search_table_text import page, to_plain
from benchmarks.search_worlds import FRACTIONS, GROUPS, OTHERS, OURS, Group
from prune_core.complexity import complexity
from prune_core.networks import build_network
from prune_core.pruning import prune

SMALL = "smooth-1009"
"""18 candidates."""


def test_searches_that_were_told_the_same_vary_together() -> None:
    told = {("w", seed): seed % 2 for seed in range(8)}
    clusters = clusters_of(told)
    assert [len(cluster) for cluster in clusters] == [4, 4]
    by_cluster = mean_of({key: float(told[key]) for key in told}, clusters)
    within = mean_of({key: float(key[1] // 2 % 2) for key in told}, clusters)
    assert by_cluster.value == within.value == 0.5
    # by hand: both clusters the same with probability 1/2, so 0 and 1 are within the middle 95 %
    assert (by_cluster.low, by_cluster.high) == (0, 1)
    assert within.high - within.low < 0.9


def test_a_ratio_of_equals_is_one_whatever_is_drawn() -> None:
    told = {("w", seed): seed % 3 for seed in range(6)}
    values = {key: 0.1 + 0.01 * key[1] for key in told}
    ratio = ratio_of(values, {key: 2 * value for key, value in values.items()}, clusters_of(told))
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((0.5, 0.5, 0.5))


def test_made_up_costs_are_those_of_the_networks() -> None:
    world = made_up(1009)
    key = next(key for key in world.keys if "-l1_filter|" in key)
    ratio, width = key.split("|")[1], world.study.networks[key.split("-")[0]].options["width"]
    pruned = prune(build_network("small_vgg", num_classes=10, in_channels=1, width=width), "l1_filter", ratio)
    assert set(world.table.loc[[key], "nonzero_parameters"]) == {complexity(pruned, (1, 28, 28)).nonzero_parameters}


@pytest.mark.parametrize("rough", ROUGH)
def test_a_rough_grid_is_the_same_for_the_same_number(rough) -> None:
    one, same, other = made_up(1009, rough), made_up(1009, rough), made_up(1011, rough)
    assert one.table.equals(same.table) and not one.table.equals(other.table)
    assert one.truth(0).share(one.keys) == pytest.approx(1)


def _fake(cells: list[Cell]) -> dict[Cell, Run]:
    found = {}
    for cell in cells:
        keys = search_cells.world_of(cell.world).keys
        order = list(np.random.default_rng(cell.seed).permutation(keys))[: cell.candidates]
        found[cell] = Run(cell, cell.seed % 3, [str(key) for key in order], [0.5] * len(order))
    return found


def test_the_page_says_shares_ratios_and_goals() -> None:
    group = Group(SMALL, (SMALL,), "unseen")
    rough = Group("noise", ("noise-1009",), "rough")
    cells = {
        each.name: {name: search_table.cells_of(each, name, 3, 0.5) for name in (*OTHERS, OURS)} for each in (group, rough)
    }
    found = search_table.table(cells, _fake([cell for group in cells.values() for some in group.values() for cell in some]))
    floors = {each.name: search_table.whole_regret(each, 3) for each in (group, rough)}
    text = page([group, rough], found, floors, 3, [])
    # everybody searched alike, so nobody is ahead
    assert f"{SMALL} 1.00 (1.00 to 1.00) against random, not met" in text
    assert "noise at 1/4 1.00 (1.00 to 1.00), met" in text
    plain = json.loads(json.dumps(to_plain(found)))
    assert len(plain[SMALL][OURS]["missing"]["1/4"]) == 3
    missing = [found[SMALL][OURS].missing[each][SMALL, 0] for each in FRACTIONS]
    assert missing == sorted(missing, reverse=True)


def test_a_finished_search_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cells.jsonl"
    cells = [Cell(SMALL, "random", seed, 3) for seed in (0, 1)]
    first = search_cells.run_cells(cells[:1], file, 1)
    before = file.read_text()
    both = search_cells.run_cells(cells, file, 1)
    assert both[cells[0]] == first[cells[0]] and file.read_text().startswith(before)
    assert file.read_text().count("\n") == 2
    monkeypatch.setattr(search_cells, "code_digest", lambda world: "of other code")
    assert not list(read_cells(file))


def test_every_group_names_worlds_once() -> None:
    names = [world for group in GROUPS for world in group.worlds]
    assert len(names) == len(set(names))
    assert sum(group.kind == "unseen" for group in GROUPS) >= 3
