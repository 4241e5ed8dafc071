"""`prunefront prune`: the table before and after, and that nothing is written unless everything was right."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from prune_core.cost.complexity import complexity
from prune_core.networks import build_network
from prune_core.pruning import load_network, outcome_of, save_network
from prune_core.verification import Check, Verification
from sweeps.cli.group import cli, run_cli
from sweeps.one_network.cost import latencies


def call(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    status = run_cli(cli, argv)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(name="dense")
def _dense() -> nn.Module:
    torch.manual_seed(0)
    return build_network("small_vgg", num_classes=3, width=4)


@pytest.fixture(name="checkpoint")
def _checkpoint(tmp_path: Path, dense: nn.Module) -> str:
    save_network(dense, tmp_path / "dense.safetensors")
    return str(tmp_path / "dense.safetensors")


@pytest.fixture(name="data")
def _data(tmp_path: Path) -> str:
    images = np.random.default_rng(0).integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "few.npz", images=images, labels=np.arange(30) % 3)
    return f"arrays:{tmp_path / 'few.npz'}"


def row(out: str, title: str) -> list[str]:
    [line] = [line for line in out.splitlines() if line.startswith(title + "  ")]
    return re.split(r"\s{2,}", line.strip())[1:]


def test_the_table_before_and_after(
    capsys: pytest.CaptureFixture[str], dense: nn.Module, checkpoint: str, tmp_path: Path
) -> None:
    target = tmp_path / "made" / "pruned.safetensors"
    argv = ["prune", checkpoint, "--method", "l1_filter", "--ratio", "0.5", "--image-size", "28"]
    status, out, err = call(capsys, *argv, "-o", str(target))
    assert (status, err) == (0, "")
    pruned = load_network(target)
    before, after = complexity(dense, (3, 28, 28)), complexity(pruned, (3, 28, 28))
    change = f"{100 * (after.parameters / before.parameters - 1):+.1f} %"
    assert row(out, "parameters") == [f"{before.parameters:,}", f"{after.parameters:,}", change]
    assert row(out, "MACs")[:2] == [f"{before.macs:,}", f"{after.macs:,}"]
    assert row(out, "size of the saved file")[1] == f"{target.stat().st_size:,} bytes"
    peaks = [f"{each.peak_activation_bytes:,} bytes" for each in (before, after)]
    assert row(out, "peak activation memory")[:2] == peaks
    assert all(re.fullmatch(r"\d+\.\d\d ms \(\d+\.\d\d \.\. \d+\.\d\d\)", each) for each in row(out, "host latency")[:2])
    assert "not of a device" in out and "verified by 5 checks" in out and "28x28x3" in out
    assert "14 of 28 filters gone (50.00 %)" in out
    assert outcome_of(pruned).ratio == "0.5"


def test_zeros_are_not_called_fast(capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path) -> None:
    argv = ["prune", checkpoint, "--method", "unstructured", "--ratio", "0.9", "-o", str(tmp_path / "x.safetensors")]
    _, out, _ = call(capsys, *argv)
    assert "as slow as before" in out
    assert row(out, "MACs")[2] == "+0.0 %"
    assert row(out, "nonzero MACs")[2].startswith("-")


def test_accuracy_with_data_is_what_evaluate_says(
    capsys: pytest.CaptureFixture[str], checkpoint: str, data: str, tmp_path: Path
) -> None:
    target = str(tmp_path / "x.safetensors")
    argv = ["prune", checkpoint, "--method", "l1_filter", "--ratio", "0.5", "-o", target, "--data", data, "--limit", "12"]
    status, out, _ = call(capsys, *argv)
    assert status == 0 and "12 images" in out and "16x16x3" in out
    for file, column in ((checkpoint, 0), (target, 2)):
        _, text, _ = call(capsys, "evaluate", file, "--data", data, "--limit", "12", "--json")
        record = json.loads(text)
        assert row(out, "accuracy")[column] == f"{100 * record['accuracy']:.2f} %"
        assert row(out, "ECE (15 bins)")[column] == f"{100 * record['ece']:.2f} %"


def test_a_method_that_needs_images_takes_them_from_the_data(
    capsys: pytest.CaptureFixture[str], checkpoint: str, data: str, tmp_path: Path
) -> None:
    argv = ["prune", checkpoint, "--method", "taylor", "--ratio", "0.5", "-o", str(tmp_path / "x.safetensors")]
    status, _, err = call(capsys, *argv)
    assert status == 2 and "--data" in err and err.count("\n") == 1
    assert call(capsys, *argv, "--data", data)[0] == 0
    first = (tmp_path / "x.safetensors").read_bytes()
    assert call(capsys, *argv, "--data", data)[0] == 0
    assert (tmp_path / "x.safetensors").read_bytes() == first


def test_what_is_left_alone_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    save_network(build_network("resnet8", width=4), tmp_path / "dense.safetensors")
    argv = ["prune", str(tmp_path / "dense.safetensors"), "--method", "l1_filter", "--ratio", "0.5"]
    _, out, _ = call(capsys, *argv, "-o", str(tmp_path / "x.safetensors"))
    assert re.search(r"left alone: conv1, .* more \(.*residual stream", out)


def test_a_network_that_fails_its_verification_is_not_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, checkpoint: str, tmp_path: Path
) -> None:
    failed = Verification((Check("ratio", "3 went, 4 were to go", {}),), {})
    monkeypatch.setattr("sweeps.one_network.pruned.verify", lambda *_: failed)
    argv = ["prune", checkpoint, "--method", "l1_filter", "--ratio", "0.5", "-o", str(tmp_path / "x.safetensors")]
    status, out, err = call(capsys, *argv)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "3 went, 4 were to go" in err and not (tmp_path / "x.safetensors").exists()


@pytest.mark.parametrize("ratio", ["1", "-0.1", "1e9", "nan", "half", "0.5.1", "inf", ""])
def test_ratios_that_are_not_allowed(
    capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path, ratio: str
) -> None:
    refused(capsys, tmp_path, [checkpoint, "--method", "l1_filter", f"--ratio={ratio}"], ["[0, 1)"])


def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, argv: list[str], parts: list[str]) -> None:
    target = tmp_path / "new" / "x.safetensors"
    status, out, err = call(capsys, "prune", "-o", str(target), *argv)
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith("prunefront: ") and "Traceback" not in err
    for part in parts:
        assert part in err
    assert not target.parent.exists(), "nothing is written, not even a folder"


@pytest.mark.parametrize(
    ("argv", "parts"),
    [
        (["--method", "l1_filters", "--ratio", "0.5"], ["did you mean l1_filter"]),
        (["--method", "l1_filter"], ["ratio"]),
        (["--method", "l1_filter", "--ratio", "0.5", "--method-option", "layers=[99]"], ["99"]),
        (["--method", "l1_filter", "--ratio", "0.5", "--method-option", "layers=[0]"], ["0"]),
        (["--method", "l1_filter", "--ratio", "0.5", "--method-option", "layers=[]"], ["layers"]),
        (["--method", "l1_filter", "--ratio", "0.5", "--method-option", "layers=vgg16_b"], ["vgg16_a"]),
        (["--method", "l1_filter", "--ratio", "0.5", "--method-option", "layres=all"], ["did you mean layers"]),
        (["--method", "l1_filter", "--ratio", "0.5", "--network", "resnet8"], ["holds 'small_vgg'"]),
        (["--method", "l1_filter", "--ratio", "0.5", "--num-classes", "10"], ["num_classes is 10", "with 3"]),
        (["--method", "l1_filter", "--ratio", "0.5", "--in-channels", "1"], ["in_channels is 1"]),
        (["--method", "l1_filter", "--ratio", "0.5", "--limit", "3"], ["--data"]),
        (["--method", "l1_filter", "--ratio", "0.5", "--image-size", "2"], ["--image-size"]),
    ],
)
def test_calls_that_are_wrong(
    capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path, argv: list[str], parts: list[str]
) -> None:
    refused(capsys, tmp_path, [checkpoint, *argv], parts)


def test_layers_without_prunable_channels(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    save_network(build_network("resnet8", width=4), tmp_path / "dense.safetensors")
    argv = [str(tmp_path / "dense.safetensors"), "--method", "l1_filter", "--ratio", "0.5", "--method-option", "layers=[3]"]
    refused(capsys, tmp_path, argv, ["layer"])


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        (["--network", "small_vg", "--option", "width=4"], ["did you mean small_vgg"]),
        (["--network", "resnet8", "--option", "width=4"], ["does not fit resnet8", "missing"]),
        (["--network", "small_vgg", "--option", "width=4"], ["of another shape"]),  # 3 classes, not 10
        (["--network", "small_vgg", "--option", "width=4", "--num-classes", "5"], ["of another shape"]),
        ([], ["--network is missing"]),
    ],
)
def test_weights_of_something_else(
    capsys: pytest.CaptureFixture[str], dense: nn.Module, tmp_path: Path, said: list[str], parts: list[str]
) -> None:
    torch.save(dense.state_dict(), tmp_path / "weights.pt")
    refused(capsys, tmp_path, [str(tmp_path / "weights.pt"), *said, "--method", "l1_filter", "--ratio", "0.5"], parts)


class Touch:
    """Unpickled without care, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return subprocess.check_call, (["touch", str(self.path)],)


def test_files_that_are_cut_or_malicious(capsys: pytest.CaptureFixture[str], dense: nn.Module, tmp_path: Path) -> None:
    torch.save(dense.state_dict(), tmp_path / "whole.pt")
    save_network(dense, tmp_path / "whole.safetensors")
    ours = (tmp_path / "whole.safetensors").read_bytes()
    theirs = (tmp_path / "whole.pt").read_bytes()
    lying = ours.replace(b'\\"width\\": 4', b'\\"width\\": 9')
    assert lying != ours
    contents = {
        "cut.pt": theirs[: len(theirs) // 2],
        "cut.safetensors": ours[:-10],
        "head.safetensors": ours[:20],
        "lying.safetensors": lying,
        "huge.safetensors": (1 << 60).to_bytes(8, "little") + ours[8:],
        "empty.pt": b"",
        "empty.safetensors": b"",
        "text.pth": b"not a checkpoint",
        "evil.pt": pickle.dumps({"conv.weight": Touch(tmp_path / "touched")}),
    }
    torch.save({"state_dict": Touch(tmp_path / "touched")}, tmp_path / "evil.pth")
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    for name in (*contents, "evil.pth", "nowhere.pt"):
        network = [] if name.startswith("lying") else ["--network", "small_vgg", "--option", "width=4", "--num-classes", "3"]
        argv = [str(tmp_path / name), *network, "--method", "l1_filter", "--ratio", "0.5"]
        refused(capsys, tmp_path, argv, [name])
    assert not (tmp_path / "touched").exists()


def test_weights_that_are_not_numbers(capsys: pytest.CaptureFixture[str], dense: nn.Module, tmp_path: Path) -> None:
    next(dense.parameters()).data[0] = float("nan")
    save_network(dense, tmp_path / "nan.safetensors")
    argv = [str(tmp_path / "nan.safetensors"), "--method", "l1_filter", "--ratio", "0.5"]
    refused(capsys, tmp_path, argv, ["nan.safetensors"])


def test_outputs_that_cannot_be(capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "file").write_text("")
    before = Path(checkpoint).read_bytes()
    for target, part in (
        ("x.pt", ".safetensors"),
        ("folder.safetensors", "is a folder"),
        ("file/x.safetensors", "cannot be written"),
        ("dense.safetensors", "the checkpoint itself"),
    ):
        argv = ["prune", checkpoint, "--method", "l1_filter", "--ratio", "0.5", "-o", str(tmp_path / target)]
        status, out, err = call(capsys, *argv)
        assert (status, out, err.count("\n")) == (2, "", 1) and part in err
    assert Path(checkpoint).read_bytes() == before


def test_timing_leaves_the_training_flags_alone(dense: nn.Module) -> None:
    dense.train()
    next(module for module in dense.modules() if isinstance(module, nn.BatchNorm2d)).eval()
    flags = [module.training for module in dense.modules()]
    other = build_network("small_vgg", width=4).eval()
    slow, fast = latencies(dense, other, (3, 16, 16))
    assert [module.training for module in dense.modules()] == flags and not other.training
    for each in (slow, fast):
        assert 0 < each.low <= each.median <= each.high


def test_a_pruned_file_is_pruned_on_or_refused(capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path) -> None:
    first, second = str(tmp_path / "first.safetensors"), str(tmp_path / "second.safetensors")
    argv = ["--method", "l1_filter", "--image-size", "16"]
    assert call(capsys, "prune", checkpoint, *argv, "--ratio", "0.75", "-o", first)[0] == 0
    status, out, err = call(capsys, "prune", first, *argv, "--ratio", "0.5", "-o", second)
    assert (status, out, Path(second).exists()) == (2, "", False)
    assert "pruned already: l1_filter at ratio 0.75 took 21 of 28 filters (75.00 %)" in err
    assert len(err.splitlines()) == 1
    status, out, err = call(capsys, "prune", first, *argv, "--ratio", "0.8", "-o", second)
    assert (status, err) == (0, "")
    assert "pruned before: l1_filter at ratio 0.75 took 21 of 28 filters (75.00 %); the ratio counts the unpruned" in out
    gone = outcome_of(load_network(second)).removed
    assert f"those gone included: {gone - 21} more went" in out
