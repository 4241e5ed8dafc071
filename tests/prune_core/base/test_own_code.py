"""What a user's own function raises or returns wrongly is one line that names it, whatever kind of function it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from prune_core.base.errors import BadInput
from prune_core.base.own_code import own_code
from prune_core.base.plugins import import_plugins
from prune_core.base.registry import Registry
from prune_core.corruptions import CORRUPTIONS, corrupt, corruption
from prune_core.data import DATASETS, Arrays, Request, load_dataset
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import record_columns
from prune_core.metrics import METRICS, Metric, file_metric
from prune_core.networks import NETWORKS, build_network
from prune_core.pruning import METHODS, ChannelOptions, Method, WeightOptions, outcome_of, prune

IMAGES: Any = np.zeros((4, 16, 16, 3), np.uint8)
LABELS: Any = np.arange(4) % 2
RAISED = r" of the module .*test_own_code, line \d+: KeyError: 'first"


def failing(*_: Any, **__: Any) -> Any:
    raise KeyError("first\nsecond")


@pytest.fixture(name="registries", autouse=True)
def _registries() -> Iterator[None]:
    registries: list[Registry[Any]] = [METHODS, DATASETS, CORRUPTIONS, NETWORKS, METRICS]
    before = {id(each): list(each) for each in registries}
    yield
    for each in registries:
        for name in [name for name in each if name not in before[id(each)]]:
            del each._entries[name]


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (failing, f"^method own{RAISED}"),
        (lambda asked: None, "^method own returned NoneType"),
        (lambda asked: {}, "^method own returned scores of nothing"),
        (lambda asked: {name: [1] for name in asked.names}, "its scores of .* are a list"),
        (lambda asked: {name: torch.ones(3) for name in asked.names}, r"are shape \(3,\) \(allowed: a tensor of shape"),
    ],
)
@pytest.mark.parametrize("kind", ["filters", "weights"])
def test_a_method(kind: Any, scores: Callable[[Any], Any], said: str) -> None:
    METHODS.register("own")(Method(kind, ChannelOptions if kind == "filters" else WeightOptions, scores, source=""))
    with pytest.raises(BadInput, match=said) as caught:
        prune(build_network("small_vgg", width=4), "own", 0.5)
    assert "\n" not in str(caught.value)


def test_whole_numbers_are_scores_in_every_round() -> None:
    METHODS.register("own")(
        Method("weights", WeightOptions, lambda asked: {n: (1000 * asked.weight(n)).long() for n in asked.names}, source="")
    )
    once = prune(build_network("small_vgg", width=4), "own", 0.25)
    assert outcome_of(prune(once, "own", 0.5)).removed > outcome_of(once).removed


@pytest.mark.parametrize(
    ("decode", "said"),
    [
        (failing, f"^dataset own{RAISED}"),
        (lambda: None, "^dataset 'own': its decode function returned NoneType"),
        (lambda: Arrays(("a", "b"), IMAGES.tolist(), LABELS), "its train images are list"),
        (lambda: Arrays(("a", "b"), IMAGES, LABELS.tolist()), "its train labels are list"),
        (lambda: Arrays(("a", "b"), IMAGES, LABELS / 1), "train labels are float64"),
    ],
)
def test_a_dataset(decode: Callable[[], Any], said: str, tmp_path: Any) -> None:
    DATASETS.register("own")(lambda argument, options, cache: Request("own", "", "", {}, decode))
    DATASETS.register("other")(lambda argument, options, cache: None)  # type: ignore[arg-type,return-value]
    DATASETS.register("third")(failing)
    with pytest.raises(BadInput, match=said):
        load_dataset("own", cache=tmp_path)
    with pytest.raises(BadInput, match="dataset 'other': its function returned NoneType"):
        load_dataset("other", cache=tmp_path)
    with pytest.raises(BadInput, match=f"^dataset third{RAISED}"):
        load_dataset("third", cache=tmp_path)


def test_a_corruption_and_its_random_numbers() -> None:
    levels = ((1.0,),) * 5
    corruption("own", levels)(failing)
    corruption("drawn", levels, failing)(lambda images, level, draws: images)
    for name in ("own", "drawn"):
        with pytest.raises(BadInput, match=f"^corruption {name}{RAISED}"):
            corrupt(IMAGES, name, 1)


def test_a_network() -> None:
    def build(*, num_classes: int, in_channels: int) -> Any:
        return failing()

    NETWORKS.register("own")(build)
    with pytest.raises(BadInput, match=f"^network own{RAISED}"):
        build_network("own")


def test_a_metric_that_is_not_defined_somewhere_is_unknown_there() -> None:
    logits = LogitSet(LABELS, np.eye(4, 2, dtype=np.float32), {"fog": np.zeros((5, 4, 2), np.float16)}, np.arange(4))
    for on in ("images", "severity", "cells"):
        file_metric(Metric(f"own_{on}", "", lambda predictions, bins: np.nan, "max", "fraction", 0.0, 1.0, "", on=on))
    found = record_columns(selection=None, report=logits, train=None, bins=5)
    own = {name: value for name, value in found.items() if name.startswith("own_")}
    assert {"own_images", "own_severity", "own_severity_s3", "own_cells"} <= set(own)
    assert set(own.values()) == {None}
    assert found["accuracy"] is not None


def test_what_ships_and_what_is_the_machines_stays_what_it_is() -> None:
    with pytest.raises(KeyError), own_code("metric", None):
        failing()
    for error in (MemoryError, torch.OutOfMemoryError):
        with pytest.raises(error), own_code("metric own", __name__):
            raise error("full")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("my-net", r"rename the file, for example to my_net\.py"),
        ("sub/my net.py", r"rename the file, for example to my_net\.py"),
        ("sub/net.py", r"for the file sub/net\.py it is net, said in its folder"),
        ("!", r"\(allowed: a name as after `import`\)$"),
    ],
)
def test_a_name_that_cannot_be_imported(module: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        import_plugins([module])
