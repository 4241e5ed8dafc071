"""How many trials a node holds, by its resources as Ray counts them."""

from __future__ import annotations

import pytest

from sweeps.engine.cluster_places import places_on


@pytest.mark.parametrize(
    ("resources", "cpus", "gpus", "expected"),
    [
        ({"CPU": 32.0}, 1.0, 0.0, 32),
        ({"CPU": 7.0}, 2.0, 0.0, 3),
        ({"CPU": 0.3}, 0.1, 0.0, 3),  # 0.3 / 0.1 is a little less than 3 in binary
        ({"CPU": 16.0, "GPU": 2.0}, 2.0, 1.0, 2),
        ({"CPU": 16.0, "GPU": 2.0}, 1.0, 0.25, 8),
        ({"CPU": 16.0, "GPU": 2.0}, 1.0, 0.4, 4),  # a fraction stays within one card
        ({"CPU": 16.0, "GPU": 8.0}, 1.0, 3.0, 2),
        ({"CPU": 16.0}, 1.0, 1.0, 0),
        ({"memory": 1e9}, 1.0, 0.0, 0),  # a head that runs no trials
    ],
)
def test_places_of_a_node(resources: dict[str, float], cpus: float, gpus: float, expected: int) -> None:
    assert places_on(resources, {"CPU": cpus, "GPU": gpus}) == expected


def test_a_node_without_what_else_a_trial_books_holds_none() -> None:
    assert places_on({"CPU": 8.0, "a100": 2.0}, {"CPU": 1.0, "a100": 1.0}) == 2
    assert places_on({"CPU": 8.0, "accelerator_type:A100": 1.0}, {"CPU": 2.0, "accelerator_type:A100": 0.001}) == 4
    assert places_on({"CPU": 8.0}, {"CPU": 1.0, "a100": 1.0}) == 0
