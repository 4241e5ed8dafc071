"""What `doctor` says of a GPU: its name, and whether several processes can compute on it at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sweeps.cli.doctor import _device


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
