"""What `doctor` says of packages that are missing, old or broken, and of a GPU."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from sweeps.cli import doctor
from sweeps.cli.doctor import _device, findings
from sweeps.cli.group import cli, run_cli


def test_mps_is_known_by_the_pipe_of_its_daemon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"NVIDIA X{index}")
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
    assert _device() == "ok       GPU: NVIDIA X0, NVIDIA X1; MPS does not run: trials that share a GPU take turns on it"
    (tmp_path / "control").touch()
    assert _device() == "ok       GPU: NVIDIA X0, NVIDIA X1; MPS runs"


def test_without_a_gpu_nothing_is_said_of_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "MPS" not in _device()


def test_a_broken_torch_is_one_line_after_all_that_needs_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # an import of it fails
    assert run_cli(cli, ["doctor"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert last.startswith("broken   torch: ModuleNotFoundError: ")
    assert not [line for line in lines if line.startswith("broken")]
    said = "\n".join(lines)
    for found in (
        "Python 3.",
        "ok       torch ",
        "GiB of memory free",
        "disk here",
        "disk cache",
        "data digits: 1,797 images",
    ):
        assert found in said, found


def test_what_breaks_on_the_way_is_a_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> list[str]:
        raise OSError(f"{name}\nis at odds")

    monkeypatch.setattr(doctor, "_dataset", broken)
    lines = list(findings())
    assert (
        "broken   data digits: OSError: digits is at odds" in lines
        and "broken   data mnist5k: OSError: mnist5k is at odds" in lines
    )
    assert "GPU" in lines[-1]


def test_packages_that_are_missing_or_too_old_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["torch>=2", "click>=999", "psutil>=1", "no-such-package-here>=1", 'absent; extra == "more"']
    monkeypatch.setattr(doctor, "requires", lambda name: asked)
    torch_line, old, missing = doctor._packages()
    assert torch_line.startswith("ok       torch ")
    assert old.startswith("old      click ") and old.endswith(": >=999 is needed, install prunefront anew")
    assert missing == "missing  no-such-package-here: install prunefront anew"
