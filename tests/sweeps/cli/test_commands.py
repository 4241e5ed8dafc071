"""The command line: exit statuses, one line for every mistake, nothing heavy before it is needed."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
import torch

from prune_core.networks import build_network
from sweeps.cli.group import cli, run_cli
from sweeps.folder.pages import Pages


def call(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    status = run_cli(cli, argv)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def wrong(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Return the one line on stderr of a call that is wrong."""
    status, out, err = call(capsys, *argv)
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1 and err.startswith("prunefront: ")
    assert "Traceback" not in err and "Usage" not in err
    return err


@pytest.fixture(name="checkpoint")
def _checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    torch.save(build_network("small_vgg", in_channels=1, width=4).state_dict(), tmp_path / "weights.pt")
    return tmp_path / "weights.pt"


@pytest.fixture(name="images")
def _images(tmp_path: Path) -> str:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (40, 28, 28, 1), dtype=np.uint8)
    np.savez(tmp_path / "few.npz", images=images, labels=np.arange(40) % 10)
    return f"arrays:{tmp_path / 'few.npz'}"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from sweeps.cli.group import cli, run_cli; status = run_cli(cli, ['--help']);"
        "print(status, sorted({'ray', 'torch', 'pandas', 'mlflow', 'optuna', 'numpy', 'pydantic'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip().splitlines()[-1] == "0 []"


@pytest.mark.parametrize("words", [[], ["smoke"]])
def test_the_studies_are_listed_without_torch(words: list[str]) -> None:
    code = (
        f"import sys; from sweeps.cli.group import cli, run_cli; status = run_cli(cli, {['studies', *words]!r});"
        "print(status, sorted({'ray', 'torch', 'pandas', 'mlflow', 'optuna', 'numpy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip().splitlines()[-1] == "0 []" and "smoke" in found.stdout


@pytest.mark.parametrize(
    ("argv", "parts"),
    [
        (["rnu"], ["unknown command 'rnu'", "did you mean run", "allowed: "]),
        (["run"], ["missing argument 'STUDY'", "prunefront run --help"]),
        (["run", "smoke", "--ouut", "x"], ["--ouut", "--out"]),
        (["run", "smok"], ["unknown study 'smok'", "did you mean smoke"]),
        (["run", "smoke", "--max-hours", "-1"], ["--max-hours", "above 0"]),
        (["run", "smoke", "--max-hours", "soon"], ["--max-hours", "soon"]),
        (["plan", "smoke", "--set", "ratios=[1.5]"], ["smoke.yaml: ratios.0", "[0, 1)"]),
        (["status", "/nonexistent"], ["/nonexistent", "study.yaml"]),
        (["rescore", "/nonexistent"], ["/nonexistent", "study.yaml"]),
        (["studies", "nothing"], ["unknown study 'nothing'", "smoke"]),
        (
            ["corrupt", "--data", "digits", "-o", "sheet.jpg"],
            ["sheet.jpg would be a folder", "allowed: a contact sheet, which ends in .png"],
        ),
        (["corrupt", "--data", "digits", "--corruption", "fgo", "-o", "x"], ["fgo", "fog"]),
    ],
)
def test_every_mistake_is_one_line(capsys: pytest.CaptureFixture[str], argv: list[str], parts: list[str]) -> None:
    line = wrong(capsys, *argv)
    for part in parts:
        assert part in line


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_device_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = wrong(capsys, "run", "smoke", "--set", "resources.device=cuda", "--out", str(tmp_path / "out"))
    assert "resources.device" in line and "allowed here: cpu" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("number", "status"), [(errno.EROFS, 2), (errno.EACCES, 2), (errno.ENOSPC, 1)])
def test_what_cannot_be_written_is_said_in_a_line(capsys: pytest.CaptureFixture[str], number: int, status: int) -> None:
    @click.group()
    def group() -> None: ...

    @group.command()
    def report() -> None:
        raise OSError(number, os.strerror(number), "runs/there/report/index.html")

    assert run_cli(group, ["report"]) == status
    assert capsys.readouterr().err == f"prunefront: runs/there/report/index.html: cannot be written: {os.strerror(number)}\n"


def test_interrupted_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    @click.group()
    def group() -> None: ...

    @group.command()
    def stop() -> None:
        raise KeyboardInterrupt

    assert run_cli(group, ["stop"]) == 130


def test_a_command_says_its_own_status_and_finds_the_report_builder() -> None:
    @click.group()
    def group() -> None: ...

    @group.command()
    @click.pass_obj
    def work(pages: Pages) -> int:
        return 1 if callable(pages.report) else 0

    assert run_cli(group, ["work"], pages=Pages(lambda out: out)) == 1
    assert run_cli(group, ["work"]) == 0


def test_studies_are_listed_printed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capsys, "studies")
    assert status == 0 and "quickstart " in out and "paper " in out
    _, text, _ = call(capsys, "studies", "own-network")
    assert "name: own-network" in text
    _, keys, _ = call(capsys, "studies", "--keys")
    lines = {line.split()[0] for line in keys.splitlines()}
    assert {"ratios", "arms.N.methods", "networks.LABEL.options", "evaluation.ece_bins", "resources.device"} <= lines
    assert all(len(line.split(maxsplit=1)) == 2 for line in keys.splitlines()), "every key has a meaning"


def test_plan_says_what_would_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = call(capsys, "plan", "smoke", "--out", str(tmp_path), "--set", "seeds=[0]")
    assert status == 0
    assert "1 baseline, 1 control, 2 pruned" in out
    assert "small_vgg-l1_filter" in out


def test_prune_then_evaluate(capsys: pytest.CaptureFixture[str], checkpoint: Path, images: str, tmp_path: Path) -> None:
    pruned = tmp_path / "pruned.safetensors"
    network = ["--network", "small_vgg", "--option", "width=4", "--in-channels", "1"]
    status, said, _ = call(
        capsys, "prune", str(checkpoint), *network, "--method", "l1_filter", "--ratio", "0.5", "-o", str(pruned)
    )
    assert status == 0 and "l1_filter at ratio 0.5" in said
    status, text, _ = call(capsys, "evaluate", str(pruned), "--data", images, "--json")
    record = json.loads(text)
    assert status == 0
    assert 0 <= record["accuracy"] <= 1 and 0 <= record["ece"] <= 1 and "mpc" not in record
    status, text, _ = call(capsys, "evaluate", str(checkpoint), *network[:4], "--data", images, "--json")
    dense = json.loads(text)
    assert record["parameters"] < dense["parameters"]
    assert dense["parameters"] == sum(p.numel() for p in build_network("small_vgg", in_channels=1, width=4).parameters())
    _, lines, _ = call(capsys, "evaluate", str(pruned), "--data", images, "--limit", "20", "--mean", "0.5", "--std", "0.5")
    assert "20 of 40 images" in lines and "seeded choice balanced over classes" in lines


def test_evaluate_agrees_with_a_hand_count(
    capsys: pytest.CaptureFixture[str], checkpoint: Path, images: str, tmp_path: Path
) -> None:
    argv = ["evaluate", str(checkpoint), "--network", "small_vgg", "--option", "width=4", "--data", images, "--json"]
    _, text, _ = call(capsys, *argv, "--mean", "0.5", "--std", "0.25")
    network = build_network("small_vgg", in_channels=1, width=4)
    network.load_state_dict(torch.load(checkpoint, weights_only=True))
    arrays = np.load(tmp_path / "few.npz")
    pixels = (torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25
    with torch.inference_mode():
        chosen = network.eval()(pixels).argmax(1).numpy()
    assert json.loads(text)["accuracy"] == pytest.approx(float((chosen == arrays["labels"]).mean()))


@pytest.mark.parametrize(
    ("extra", "parts"),
    [
        (["--ratio", "1.5"], ["1.5", "[0, 1)"]),
        (["--ratio", "0.5", "--method", "l1_filer"], ["l1_filer", "l1_filter"]),
        (["--ratio", "0.5", "--network", "smal_vgg"], ["smal_vgg", "small_vgg"]),
        (["--ratio", "0.5", "--option", "width=5"], ["of another shape"]),
        (["--ratio", "0.5", "--method-option", "layers=[99]"], ["99"]),
        (["--ratio", "0.5", "--method-option", "layers"], ["KEY=VALUE"]),
    ],
)
def test_wrong_prunings(
    capsys: pytest.CaptureFixture[str], checkpoint: Path, tmp_path: Path, extra: list[str], parts: list[str]
) -> None:
    argv = ["prune", str(checkpoint), "--in-channels", "1", "-o", str(tmp_path / "x.safetensors")]
    for name, value in (("--network", "small_vgg"), ("--method", "l1_filter"), ("--option", "width=4")):
        if name not in extra:
            argv += [name, value]
    line = wrong(capsys, *argv, *extra)
    for part in parts:
        assert part in line
    assert not (tmp_path / "x.safetensors").exists()


@pytest.mark.parametrize(
    ("extra", "part"),
    [
        (["--data", "minst5k"], "did you mean mnist5k"),
        (["--data", "arrays:/nowhere.npz"], "/nowhere.npz"),
        (["--data", "digits", "--corruptions", "offical"], "did you mean official"),
        (["--data", "digits", "--device", "gpu"], "'gpu'"),
        (["--data", "digits", "--mean", "grey"], "'grey'"),
    ],
)
def test_wrong_evaluations(capsys: pytest.CaptureFixture[str], checkpoint: Path, extra: list[str], part: str) -> None:
    assert part in wrong(capsys, "evaluate", str(checkpoint), "--network", "small_vgg", "--option", "width=4", *extra)


def test_a_checkpoint_that_is_not_there_or_says_nothing(capsys: pytest.CaptureFixture[str], checkpoint: Path) -> None:
    assert "no file" in wrong(capsys, "evaluate", "/nowhere.pt", "--network", "small_vgg", "--data", "digits")
    assert "--network is missing" in wrong(capsys, "evaluate", str(checkpoint), "--data", "digits")


def test_corrupt_writes_the_benchmarks_layout(capsys: pytest.CaptureFixture[str], images: str, tmp_path: Path) -> None:
    out = tmp_path / "corrupted"
    argv = ["corrupt", "--data", images, "--corruption", "contrast", "--limit", "20", "-o", str(out)]
    status, said, _ = call(capsys, *argv)
    assert status == 0 and "20 images" in said
    made, labels = np.load(out / "contrast.npy"), np.load(out / "labels.npy")
    assert made.shape == (100, 28, 28, 1) and made.dtype == np.uint8
    assert labels.tolist() == labels[:20].tolist() * 5
    spreads = [made[20 * s : 20 * (s + 1)].std() for s in range(5)]
    assert spreads == sorted(spreads, reverse=True)  # contrast falls with severity
