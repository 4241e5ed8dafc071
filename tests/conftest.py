from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LEAKY = ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID")
"""What MLflow itself writes into the environment of the process; the next test must not find it."""
FOUND = {name: os.environ.get(name) for name in LEAKY}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files with slow tests first: begun last, one of them would keep a single process busy at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Refuse test modules whose imports change what a trial does, for every test of the process."""
    from prune_core.trial.run import run_trial
    from sweeps.engine import worker

    if worker.run_trial is not run_trial:  # type: ignore[attr-defined]
        raise pytest.UsageError(f"a test module imports {worker.run_trial.__module__}, a plugin for workers alone")  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def no_leaks() -> Iterator[None]:
    """Leave MLflow's own variables as the tests were started with; a fixture of a whole file may have run a sweep."""
    yield
    for name, value in FOUND.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture(autouse=True, scope="session")
def own_configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests confirm as trusted is not written into the configuration of who runs them."""
    before = os.environ.get("XDG_CONFIG_HOME")
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path_factory.mktemp("configuration"))
    yield
    if before is None:
        del os.environ["XDG_CONFIG_HOME"]
    else:
        os.environ["XDG_CONFIG_HOME"] = before


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the output folder of the study of examples/, finished; whoever changes it takes a copy."""
    place = tmp_path_factory.mktemp("finished")
    with tarfile.open(Path(__file__).parent / "fixtures" / "study-digits.tar.xz") as archive:
        archive.extractall(place, filter="data")
    return place / "digits"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One browser for all tests of a process: a second Playwright in it is refused."""
    from playwright.sync_api import sync_playwright

    from tests.dashboards.browsing import ARGUMENTS, CHROMIUM

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()
