"""What there is for trials, who has it, and why nothing starts: on made-up nodes, without Ray."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from prune_core.base.errors import BadInput
from prune_core.base.files import write_json
from sweeps.engine.node_pace import NodePace
from sweeps.engine.places import Node, Places, lacking, refuse_what_never_fits
from sweeps.folder.paths import WHERE, trial_folder
from sweeps.folder.places_file import places_forgotten, read_places
from sweeps.run.places_text import places_line, places_lines


def node(name: str, has: dict[str, float], free: dict[str, float] | None = None, host: str = "") -> Node:
    return Node(name, host or name, has, has if free is None else free)


class Load:
    """As much of a workload as places look at."""

    def __init__(self, placed=(), unplaced=(), waiting=0):
        self.running = {key: SimpleNamespace(key=key, name=f"trial {key}") for key in [*placed, *unplaced]}
        self.placed = [self.running[key] for key in placed]
        self.unplaced, self.waiting = len(unplaced), waiting

    @property
    def in_place(self):
        return len(self.placed)


def load(*arguments: Any, **named: Any) -> Any:
    return Load(*arguments, **named)


@pytest.mark.parametrize(
    ("nodes", "asked", "said"),
    [
        ([node("a", {"CPU": 8, "GPU": 4}, {"CPU": 8})], {"CPU": 1, "GPU": 1}, "a GPU: 1 asked for, 0 free of 4"),
        (
            [node("a", {"CPU": 8, "GPU": 4}, {"CPU": 8})],
            {"GPU": 8},
            "a GPU: 8 asked for, 0 free of 4; no node that is up has",
        ),
        (
            [node("a", {"CPU": 8}), node("b", {"CPU": 8})],
            {"CPU": 9},
            "a processor: 9 asked for, 16 free of 16; no node that",
        ),
        ([node("a", {"CPU": 8, "GPU": 1}, {"CPU": 8, "GPU": 0.5})], {"CPU": 1, "GPU": 0.5}, None),
        (
            [node("a", {"CPU": 8, "GPU": 1}, {"CPU": 0, "GPU": 1})],
            {"CPU": 1, "GPU": 0.5},
            "a processor: 1 asked for, 0 free of 8",
        ),
        ([node("a", {"CPU": 8})], {"CPU": 1, "a100": 1}, "the resource a100: 1 asked for, 0 free of 0; no node"),
        ([], {"CPU": 1}, "a node: none is up"),
        (
            [node("a", {"CPU": 1, "GPU": 1}), node("b", {"CPU": 8})],
            {"CPU": 4, "GPU": 1},
            "a node that has all that a trial needs: 4 CPU, 1 GPU",
        ),
    ],
)
def test_why_no_trial_starts(nodes, asked, said):
    found = lacking(nodes, asked)
    assert str(found).startswith(str(said))


def test_what_no_node_of_our_own_ray_can_ever_hold_is_refused_in_one_line():
    with pytest.raises(BadInput, match="waiting for a GPU: 8 asked for, 4 free of 4"):
        refuse_what_never_fits([node("a", {"CPU": 8, "GPU": 4})], {"CPU": 1, "GPU": 8})
    refuse_what_never_fits([node("a", {"CPU": 8, "GPU": 4}, {})], {"CPU": 1, "GPU": 4})


def test_places_per_node_who_is_where_and_what_status_says_of_it(tmp_path):
    nodes = [
        node("1" * 8, {"CPU": 4}, {"CPU": 2}, "big"),
        node("2" * 8, {"CPU": 2}, {"CPU": 1}, "small"),
        node("3" * 8, {"CPU": 2}, {"CPU": 2}, "small"),
        node("4" * 8, {}, {}, "head"),
    ]
    for key, at in (("x", 0), ("y", 0), ("z", 1)):
        place = {"node": nodes[at].id, "host": nodes[at].host, "process": 7, "gpus": None, "since": 1.0}
        write_json(trial_folder(tmp_path, key) / WHERE, place)
    places = Places(tmp_path, load("xyz", "w", waiting=5), {"CPU": 1.0}, NodePace(), lambda: nodes, lambda: 1)
    with places_forgotten(tmp_path):
        places.tick()
        state = read_places(tmp_path)
        assert state is not None
        assert (state["places"], state["filled"], state["waiting"], state["held_back"]) == (8, 3, 1, 5)
        counted = [(each["name"], each["places"], each["filled"], each["free"]) for each in state["nodes"]]
        assert counted == [("big", 4, 2, 2), ("small/222222", 2, 1, 1), ("small/333333", 2, 0, 2), ("head", 0, 0, 0)]
        assert [(each["name"], each["node"]) for each in state["trials"]][2] == ("trial z", "small/222222")
        told = "3 of 8 places filled (big 2 of 4, small/222222 1 of 2, small/333333 0 of 2)"
        assert places_line(state) == told  # a head that holds no trial is left out
        said = "\n".join(places_lines(state))
        assert "trial x on big, process 7" in said and "small/222222: 1 of 2 places filled" in said
    assert read_places(tmp_path) is None and places_line(None) == "" and places_lines(None) == []


def test_a_line_of_progress_never_counts_other_places_than_trials_that_run(tmp_path):
    work, looks = load(["a"], ["b"]), []

    def look() -> list[Node]:
        looks.append(1)
        return [node("n", {"CPU": 2})]

    places = Places(tmp_path, work, {"CPU": 1}, NodePace(), look, lambda: 0)
    assert places.now() is None  # nobody has looked yet
    places.tick()
    assert places_line(places.now()) == "1 of 2 places filled" and len(looks) == 1
    work.placed = []
    assert places_line(places.now()).startswith("0 of 2 places filled") and len(looks) == 2
    places.tick()
    assert len(looks) == 2  # seen a moment ago


def test_a_place_that_a_starting_worker_holds_is_not_called_lacking(tmp_path):
    full = [node("a", {"CPU": 2}, {"CPU": 0})]
    starting = Places(tmp_path, load((), "xy"), {"CPU": 1.0}, NodePace(), lambda: full, lambda: 0)
    assert starting.state()["why"] is None
    others = Places(tmp_path, load((), "xy"), {"CPU": 1.0}, NodePace(), lambda: full, lambda: 2)
    assert others.state()["why"] == "waiting for a processor: 1 asked for, 0 free of 2"
    assert "waiting for a processor" in places_line(others.state())
    at_work = Places(tmp_path, load("x", "y"), {"CPU": 1.0}, NodePace(), lambda: full, lambda: 2)
    assert at_work.state()["why"] is None


def test_a_node_is_slower_only_by_the_same_work_elsewhere_and_by_enough_of_it():
    pace = NodePace()
    for number in range(3):
        for name, seconds in (("a", 10.0), ("b", 11.0 + number), ("slow", 21.0)):
            pace.note(name, "vgg", seconds)
        pace.note("a", "large", 1000.0)  # nobody else did that
    assert pace.slower() == {"slow": pytest.approx(21.0 / 10.5, abs=0.12)}
    few = NodePace()
    few.note("a", "vgg", 10.0)
    few.note("b", "vgg", 100.0)
    assert few.slower() == {}
    state = {
        "nodes": [{"name": "n", "places": 1, "filled": 1, "free": 0, "slower": 2.0}],
        "why": None,
        "places": 1,
        "filled": 1,
    }
    assert places_line(state) == "1 of 1 places filled; node n is 2.0 times as slow as its peers"
