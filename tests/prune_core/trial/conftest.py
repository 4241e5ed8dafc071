"""A place for trials on real digits."""

from __future__ import annotations

import pytest

from tests.prune_core.trial.running import House


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def house(tmp_path, cache):
    return House(tmp_path, cache)
