"""What the end of a sweep does with the front: as many networks as the study says, once, and no server is waited for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dashboards.figures.network import reliability_diagram
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import record_columns
from sweeps.folder.pages import JudgedNetwork
from sweeps.tracking import front as tracking_front
from sweeps.tracking.front import log_front


def choice(
    name: str,
    collapsed: bool = False,
    budget: int = 2,
    limits: tuple[str, ...] = (),
    frequency: float = 0.5,
    recommended: bool = False,
) -> Any:
    candidate = {"collapsed": collapsed, "front_frequency": frequency}
    record = {"mlflow_run_id": f"run-{name}", "seed": 0, "temperature": 1.5}
    return SimpleNamespace(
        name=name,
        title=name,
        candidate=candidate,
        budget=budget,
        limits=limits,
        record=record,
        folder=Path("nowhere"),
        recommended=recommended,
    )


FRONT = [
    choice("collapsed", collapsed=True),
    choice("short", budget=0),
    choice("unsure", frequency=0.1),
    choice("sure", frequency=0.9),
    choice("forbidden", limits=("val_ece is 0.2, more than 0.1",)),
]


@pytest.fixture
def logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A study with that front; the names that were sent to MLflow, in their order."""
    (tmp_path / "front.csv").write_text("arm\none\n")
    study = SimpleNamespace(
        name="small", tracking=SimpleNamespace(log_models=3, mlflow=None), evaluation=SimpleNamespace(ece_bins=15)
    )
    records = pd.DataFrame({"mlflow_run_id": ["run-a", None]})
    sent: list[str] = []

    def send(_: object, each: Any, *__: object) -> str:
        if each.name == "down":
            raise ConnectionError("Connection refused")
        sent.append(each.name)
        return "logged"

    monkeypatch.setattr(tracking_front, "open_study", lambda _: (study, records))
    monkeypatch.setattr(tracking_front, "choices", lambda *_, **__: list(FRONT))
    monkeypatch.setattr(tracking_front, "open_client", lambda *_: None)
    monkeypatch.setattr(tracking_front, "log_model", send)
    monkeypatch.setattr(tracking_front, "study_recommended", lambda *_: SimpleNamespace(name=""))
    monkeypatch.setattr(tracking_front, "registered", lambda *given: f"models:/small@{given[-1].name}")
    monkeypatch.setattr(tracking_front, "withdraw_recommended", lambda *_, **__: sent.append("no alias"))
    return sent


def test_the_best_of_the_front_go_first_and_the_rest_is_said(tmp_path: Path, logged: list[str]) -> None:
    (line,) = log_front(tmp_path)
    assert logged == ["sure", "unsure", "short", "no alias"]
    assert "3 networks of the front logged as models, 2 more are not (tracking.log_models is 3" in line


def test_the_recommended_network_goes_first_and_is_registered(
    tmp_path: Path, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = choice("small", budget=0, limits=("met by nobody",), recommended=True)
    monkeypatch.setattr(tracking_front, "choices", lambda *_, **__: [*FRONT, small])
    (line,) = log_front(tmp_path)
    assert logged == ["small", "sure", "unsure"]
    assert "the recommended one loads by models:/small@small" in line


def test_a_front_that_is_there_costs_nothing_until_it_changes(tmp_path: Path, logged: list[str]) -> None:
    log_front(tmp_path)
    assert log_front(tmp_path) == []
    assert len(logged) == 4
    (tmp_path / "front.csv").write_text("arm\nanother\n")
    assert log_front(tmp_path)
    assert len(logged) == 8


def test_a_server_that_goes_away_is_left_alone_until_the_next_start(
    tmp_path: Path, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking_front, "choices", lambda *_, **__: [choice("down", frequency=1.0)] * 3)
    lines = log_front(tmp_path)
    assert lines == [
        "MLflow: down is not logged as a model (connection refused)",
        "MLflow: down is not logged as a model (connection refused)",
        "MLflow: 1 more network of the front to log at the next start",
    ]
    monkeypatch.setattr(tracking_front, "choices", lambda *_, **__: [choice("up")])
    assert log_front(tmp_path) == ["MLflow: 1 network of the front logged as models"]
    assert logged == ["up", "no alias"]


@pytest.mark.parametrize("without", ["a front", "models"])
def test_without_a_front_or_models_only_an_alias_to_an_earlier_answer_goes_and_nothing_is_said(
    tmp_path: Path, logged: list[str], monkeypatch: pytest.MonkeyPatch, without: str
) -> None:
    if without == "a front":
        (tmp_path / "front.csv").write_text("arm\n")
    else:
        study = SimpleNamespace(name="small", tracking=SimpleNamespace(log_models=0, mlflow=None))
        monkeypatch.setattr(tracking_front, "open_study", lambda _: (study, pd.DataFrame({"mlflow_run_id": ["run-a"]})))
    assert log_front(tmp_path) == []
    assert log_front(tmp_path) == []
    assert logged == ["no alias"]


@pytest.mark.parametrize("validation", [True, False])
def test_a_picture_shows_the_ece_of_the_record(
    tmp_path: Path, logged: list[str], monkeypatch: pytest.MonkeyPatch, validation: bool
) -> None:
    stream = np.random.default_rng(3)
    report, selection = (LogitSet(stream.integers(0, 4, 80), stream.normal(0, 2, (80, 4))) for _ in range(2))
    report.save(tmp_path / "report.npz")
    columns = record_columns(selection=selection if validation else None, report=report, train=None, bins=15)
    one = choice("one")
    # As the table of records holds it: what was not measured is NaN.
    record = one.record | {"val_accuracy": float("nan"), "corruption_set": float("nan")} | columns
    one = SimpleNamespace(**vars(one) | {"record": record, "folder": tmp_path})
    kept: list[tuple[str, str]] = []
    client = SimpleNamespace(log_artifact=lambda run, path: kept.append((run, Path(path).name)))
    monkeypatch.setattr(tracking_front, "choices", lambda *_, **__: [one])
    monkeypatch.setattr(tracking_front, "open_client", lambda *_: client)
    drawn: list[JudgedNetwork] = []
    assert log_front(tmp_path, lambda network, path: drawn.append(network)) == [
        "MLflow: 1 network of the front logged as models"
    ]
    assert kept == [("run-one", "network-b2.png")]
    diagram, scaling = reliability_diagram(drawn[0])
    assert drawn[0].title == "one, seed 0" and drawn[0].corruptions is None
    for column, bins in (("ece", diagram.raw), ("ece_t", diagram.scaled)):
        assert bins is not None
        gaps = np.nan_to_num(bins.count * np.abs(bins.confidence - bins.accuracy))
        assert gaps.sum() / bins.count.sum() == pytest.approx(columns[column], abs=1e-9)
    assert scaling is not None and ("cross-fit" in scaling.source) is not validation
