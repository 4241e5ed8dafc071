"""The public face: its names, its version, the command behind it, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import prunefront

CHEAP = """
import sys, prunefront
assert not {"torch", "ray", "optuna", "mlflow", "pandas"} & set(sys.modules), "import prunefront"
from prunefront import __version__
assert "torch" not in sys.modules, "its version"
"""


def test_every_name_is_there_and_documented() -> None:
    assert sorted(prunefront.__all__) == sorted([*prunefront._MODULES, "__version__"])
    for name in prunefront._MODULES:
        assert getattr(prunefront, name).__doc__, name
    assert set(prunefront.__all__) <= set(dir(prunefront))


def test_the_version_is_that_of_the_package() -> None:
    assert prunefront.__version__ == version("prunefront")


def test_the_module_is_the_command() -> None:
    ran = subprocess.run([sys.executable, "-m", "prunefront", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["prunefront,", "version", prunefront.__version__]


def test_importing_it_costs_no_import_of_torch_or_ray() -> None:
    subprocess.run([sys.executable, "-c", CHEAP], check=True)
