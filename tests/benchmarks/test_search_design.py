"""The grids that the default sampler is designed on, and the comparison of two versions of its folder."""

from __future__ import annotations

import pytest

from benchmarks.search_design import OURS, compared, sampler_of
from benchmarks.search_design_worlds import GRIDS, design_world
from benchmarks.search_worlds import GROUPS


def test_what_is_designed_on_is_no_unseen_grid():
    unseen = {world for group in GROUPS if group.kind not in ("designed",) for world in group.worlds}
    assert not unseen & set(GRIDS)


def test_a_made_up_grid_is_the_same_for_the_same_number():
    one, other = design_world("design-7004"), design_world("design-7009")
    design_world.cache_clear()
    assert one.table.equals(design_world("design-7004").table) and not one.table.equals(other.table)
    assert one.truth(0).share(one.keys) == pytest.approx(1)


def test_a_kept_grid_may_be_searched_for_other_objectives():
    world = design_world("quickstart/accuracy+nonzero_macs")
    assert dict(world.study.decisive) == {"val_accuracy": "max", "nonzero_macs": "min"}
    assert world.truth(0).share(world.keys) == pytest.approx(1)


def test_equals_have_a_ratio_of_one_and_half_is_half():
    found = {("a", 0): [0.4, 0.2, 0.1], ("a", 1): [0.2, 0.2, 0.1], ("b", 0): [0.3, 0.1, 0.1]}
    half = {key: [each / 2 for each in row] for key, row in found.items()}
    assert "1.00 (1.00 to 1.00)" in compared("same", found, found, list(found))
    assert compared("half", half, found, list(found)).count("0.50 (0.50 to 0.50)") == 3


def test_a_folder_is_loaded_beside_the_one_that_ships(tmp_path):
    (tmp_path / "__init__.py").write_text("class FrontGPSampler: pass\n")
    assert sampler_of(tmp_path) is not sampler_of(OURS) and sampler_of(OURS) is sampler_of(OURS)
