from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

LEAKY = ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID")
"""What MLflow itself writes into the environment of the process; the next test must not find it."""


@pytest.fixture(autouse=True)
def no_leaks() -> Iterator[None]:
    """Leave MLflow's own variables as they were."""
    before = {name: os.environ.get(name) for name in LEAKY}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
