"""A run that is asked to leave after its last trial says so in one line, and the same command finishes what is left."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sweeps.folder.lock import holder_of
from sweeps.folder.paths import report_page
from sweeps.run import driver, end, leave
from sweeps.run.leave import how_to_go_on, leaving
from sweeps.study.model import load_study
from tests.sweeps.inline import run_inline, without_ray

STUDY = """
name: left
demonstration: true
data: {name: digits, validation: 40, test: 40, train: 120}
networks:
  small_vgg: {options: {width: 4}}
training: {epochs: 1, learning_rate: 0.1}
arms:
  - methods: [unstructured]
ratios: [0.5]
budgets: [0]
seeds: [0]
evaluation: {corruptions: none, train_images: 0}
objectives: {accuracy: max, nonzero_parameters: min}
"""
MORE = ("ratios=[0.5,0.7]",)


@pytest.fixture(scope="module", name="ended")
def _ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ended")
    (folder / "left.yaml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        without_ray(patch)
        patch.setattr(end, "log_front", lambda *given: [])
        assert run_inline(folder / "left.yaml", folder / "out")[0] == 0
    return folder


@pytest.fixture(name="there")
def _there(ended: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    without_ray(monkeypatch)
    monkeypatch.setattr(end, "log_front", lambda *given: [])
    return Path(shutil.copytree(ended, tmp_path / "there"))


class Pages:
    """Writes a page, or sends a signal in place of it; counts how often it was asked."""

    def __init__(self, number: int | None = None) -> None:
        self.number, self.asked = number, 0

    def report(self, out: Path) -> Path:
        self.asked += 1
        if self.number is not None:
            os.kill(os.getpid(), self.number)
            raise AssertionError("the report went on")
        page = report_page(out)
        page.parent.mkdir(exist_ok=True)
        page.write_text("a page")
        return page


def run(there: Path, pages: Pages, overrides: tuple[str, ...] = ()) -> tuple[int, str]:
    said = StringIO()
    study = load_study(there / "left.yaml", overrides)
    status = driver.run_study(study, there / "out", console=Console(file=said, width=200), on_end=pages.report)
    return status, said.getvalue()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_the_report_is_made(there: Path, number: int) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    status, said = run(there, Pages(number))
    assert status == 130
    last = said.splitlines()[-1]
    assert last.startswith("interrupted; all 3 trials are in ") and last.endswith("finishes report and books")
    assert said.count("interrupted") == 1
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    assert holder_of(there / "out") is None and not [*(there / "out").rglob("*.tmp")]
    pages = Pages()
    assert run(there, pages)[0] == 0 and pages.asked == 1
    assert run(there, pages)[0] == 0 and pages.asked == 1  # nothing new


def test_an_earlier_report_is_not_taken_for_the_one_that_was_interrupted(there: Path) -> None:
    assert run(there, Pages())[0] == 0
    status, said = run(there, Pages(signal.SIGTERM), MORE)
    assert status == 130 and "all 4 trials are in" in said
    pages = Pages()
    status, said = run(there, pages, MORE)
    assert status == 0 and "everything is there" in said
    assert pages.asked == 1


def test_while_mlflow_is_told_of_the_front(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*given: object) -> list[str]:
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("it went on")

    monkeypatch.setattr(end, "log_front", interrupt)
    status, said = run(there, Pages())
    assert status == 130 and said.splitlines()[-1].startswith("interrupted; all 3 trials are in ")
    assert report_page(there / "out").exists()


def test_while_the_plan_is_made(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*given: object, **named: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("it went on")

    monkeypatch.setattr(driver, "make_plan", interrupt)
    status, said = run(there, Pages())
    assert status == 130
    assert said.splitlines() == [how_to_go_on((there / "out").resolve())]
    assert holder_of(there / "out") is None


@pytest.fixture(name="left")
def _left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The statuses with which the process would have ended."""
    statuses: list[int] = []
    monkeypatch.setattr(leave, "abandon", lambda: None)
    monkeypatch.setattr(os, "_exit", statuses.append)
    return statuses


def test_who_is_made_to_leave_says_how_to_go_on(tmp_path: Path, left: list[int]) -> None:
    told = threading.Event()

    class Said(StringIO):
        def flush(self) -> None:
            told.set()

    said = Said()
    leaving(Console(file=said, width=200), tmp_path)()
    assert left == [130]
    assert told.wait(60)  # on a machine so busy that the process would be gone by now
    assert said.getvalue() == f"{how_to_go_on(tmp_path)}\n"


def test_a_terminal_that_takes_nothing_keeps_nobody(tmp_path: Path, left: list[int]) -> None:
    paused = threading.Event()

    class Paused(StringIO):
        def write(self, text: str) -> int:
            paused.wait()
            return len(text)

    try:
        leaving(Console(file=Paused()), tmp_path)()
        assert left == [130] and not paused.is_set()
    finally:
        paused.set()
