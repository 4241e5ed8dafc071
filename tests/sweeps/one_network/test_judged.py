"""`prunefront evaluate`: what the table says, against the arrays it was made of and counts by hand."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from prune_core.base.errors import BadInput
from prune_core.corruptions.fetch import ARCHIVES
from prune_core.data import load_dataset
from prune_core.evaluation.scoring import record_columns, scale
from prune_core.evaluation.uncertainty import intervals
from prune_core.networks import build_network
from prune_core.pruning import prune, save_network
from sweeps.cli.group import cli, run_cli
from sweeps.one_network.images import corrupted_images, report_images
from sweeps.one_network.judged import judged_logits
from sweeps.one_network.table import _part, _scaled_set, judgement_lines
from sweeps.records.columns import record_columns as columns
from tests.sweeps.judging import call, judgement, row


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(name="data")
def _data(tmp_path: Path) -> str:
    """Sixty grey images sorted by class, so that the first ones are all of one class."""
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 1), dtype=np.uint8)
    np.savez(tmp_path / "few.npz", images=images, labels=np.repeat(np.arange(3), 20))
    return f"arrays:{tmp_path / 'few.npz'}"


@pytest.fixture(name="checkpoint")
def _checkpoint(tmp_path: Path) -> str:
    torch.manual_seed(0)
    save_network(build_network("small_vgg", in_channels=1, num_classes=3, width=4), tmp_path / "dense.safetensors")
    return str(tmp_path / "dense.safetensors")


def test_json_is_one_object_of_columns_and_nothing_else(
    capsys: pytest.CaptureFixture[str], checkpoint: str, data: str
) -> None:
    argv = ["evaluate", checkpoint, "--data", data, "--corruptions", "generated", "--limit", "6"]
    status, out, err = call(capsys, *argv, "--json")
    record = json.loads(out)
    assert status == 0 and err == ""
    assert set(record) <= set(columns())
    assert {"accuracy", "ece", "nll", "ece_t", "temperature"} <= set(record)
    assert {"mpc", "rpc", "mpc_s5", "corruption_ece_s1", "worst_corruption"} <= set(record)
    assert record["mpc"] == pytest.approx(np.mean([record[f"mpc_s{s}"] for s in range(1, 6)]))
    assert record["compression"] == 1


def test_compression_of_a_pruned_file_is_against_what_it_was(
    capsys: pytest.CaptureFixture[str], data: str, tmp_path: Path
) -> None:
    dense = build_network("small_vgg", in_channels=1, num_classes=3, width=4)
    pruned = prune(dense, "l1_filter", "0.5")
    save_network(pruned, tmp_path / "pruned.safetensors")
    _, out, _ = call(capsys, "evaluate", str(tmp_path / "pruned.safetensors"), "--data", data, "--json")
    before, after = (sum(p.numel() for p in network.parameters()) for network in (dense, pruned))
    assert json.loads(out)["compression"] == pytest.approx(before / after)


def test_the_printed_table(capsys: pytest.CaptureFixture[str], checkpoint: str, data: str, tmp_path: Path) -> None:
    argv = ["evaluate", checkpoint, "--data", data, "--limit", "30", "--corruptions", "generated", "--bins", "10"]
    status, out, _ = call(capsys, *argv, "--plot", str(tmp_path / "plots"))
    assert status == 0
    for part in ("small_vgg (width 4)", "30 of 60", "few-C (generated, seed 0), 15 corruptions x 5 severities x 30 images"):
        assert part in out
    assert "may be among these" in out, "this dataset has no test images of its own"
    assert "10 bins" in out and "two-fold cross-fit on the report images" in out
    for name in ("reliability.png", "corruptions.png"):
        assert str(tmp_path / "plots" / name) in out
        with Image.open(tmp_path / "plots" / name) as picture:
            assert picture.format == "PNG" and min(picture.size) > 200


def test_the_table_says_what_was_computed(data: str) -> None:
    judged = judgement(data)
    lines = judgement_lines(judged, accepted_error=0.2)
    record, found = judged.record, intervals(judged.logits, bins=10)
    assert row(lines[:11], "accuracy")[0] == f"{100 * record['accuracy']:.2f} %"
    for title, name in (("ECE", "ece"), ("ECE (equal mass)", "ece_mass"), ("ECE (debiased)", "ece_debiased")):
        low, high = 100 * found[name].low, 100 * found[name].high
        assert row(lines[:14], title)[:2] == [f"{100 * record[name]:.2f} %", f"{low:.2f} .. {high:.2f}"]
    assert row(lines, "accuracy (mPC)") == [
        f"{100 * record[name]:.2f} %" for name in ("accuracy", *(f"mpc_s{s}" for s in range(1, 6)), "mpc")
    ]
    low, high = 100 * found["mpc"].low, 100 * found["mpc"].high
    assert row(lines, "mPC") == [f"{100 * record['mpc']:.2f} %", f"{low:.2f} .. {high:.2f}"]
    assert row(lines, "parameters") == ["1,000", "400"]
    fog = judged.logits.cells["fog"].argmax(-1) == judged.logits.cell_labels
    assert row(lines, "fog") == [*(f"{100 * each:.1f} %" for each in fog.mean(1)), f"{100 * fog.mean():.1f} %"]
    assert not any("without" in line for line in lines)


def test_after_temperature_is_what_the_record_says(data: str) -> None:
    judged = judgement(data)
    scaling = scale(selection=None, report=judged.logits)
    scaled = _scaled_set(judged.logits, scaling)
    assert scaling.report is not None
    np.testing.assert_allclose(scaled.clean, scaling.report.logits)
    # An image's corrupted copies are divided by what the image itself was divided by.
    at = int(judged.logits.cell_index[7])
    factor = judged.logits.clean[at, 0] / scaled.clean[at, 0]
    np.testing.assert_allclose(scaled.cells["snow"][2, 7] * factor, judged.logits.cells["snow"][2, 7], rtol=1e-4)
    lines = judgement_lines(judged, accepted_error=0.2)
    numbers = row(lines[:14], "NLL")
    assert numbers[2] == f"{judged.record['nll_t']:.4f}"
    assert row(lines[:14], "ECE")[2] == f"{100 * judged.record['ece_t']:.2f} %"
    assert row(lines[:14], "accuracy")[0] == row(lines[:14], "accuracy")[2], "a temperature changes no answer"
    [said] = [line for line in lines if line.startswith("temperature: ")]
    assert f"{judged.record['temperature']:.3f}" in said and "two-fold cross-fit" in said
    # By severity: the same columns of the scaled set, with its corrupted copies.
    again = record_columns(selection=None, report=scaled, train=None, bins=10)
    assert row(lines, "ECE after temperature") == [
        f"{100 * again[name]:.2f} %" for name in ("ece", *(f"corruption_ece_s{s}" for s in range(1, 6)), "corruption_ece")
    ]


def test_jpeg_images_also_without_jpeg(data: str) -> None:
    judged = judgement(data, jpeg=True)
    lines = judgement_lines(judged, accepted_error=0.2)
    others = [cell for name, cell in judged.logits.cells.items() if name != "jpeg_compression"]
    by_hand = np.mean([(cell.argmax(-1) == judged.logits.cell_labels).mean() for cell in others])
    assert row(lines, "mPC without jpeg_compression")[0] == f"{100 * by_hand:.2f} %"
    assert any("JPEG re-encoded" in line for line in lines)


def test_selective_prediction_sets_and_judges_on_different_images(data: str) -> None:
    judged = judgement(data)
    lines = judgement_lines(judged, accepted_error=0.1)
    logits = judged.logits
    order = np.argsort(logits.labels, kind="stable")
    half = np.zeros(60, bool)
    half[order[::2]] = True
    p = np.exp(logits.clean.astype(np.float64))
    confidence, right = (p / p.sum(1, keepdims=True)).max(1), p.argmax(1) == logits.labels
    candidates = [t for t in confidence[half] if (~right[half])[confidence[half] >= t].mean() <= 0.1]
    accepted = confidence[~half] >= min(candidates)
    assert row(lines, "coverage")[0] == f"{100 * accepted.mean():.2f} %"
    assert row(lines, "undetected error")[0] == f"{100 * (accepted & ~right[~half]).mean():.2f} %"
    assert any("judged on the other (30 images" in line for line in lines)


def test_a_part_keeps_what_was_made_of_its_images(data: str) -> None:
    logits = judgement(data).logits
    keep = np.arange(60) % 3 == 0
    part = _part(logits, keep)
    labels = logits.labels[logits.cell_index]
    assert part.cell_labels.tolist() == labels[keep[logits.cell_index]].tolist()
    assert part.cells["fog"].shape == (5, int(keep[logits.cell_index].sum()), 3)


def test_a_limit_is_balanced_and_not_the_first_images(data: str) -> None:
    dataset = load_dataset(data)
    shown = report_images(dataset, 30)
    assert np.bincount(shown.labels).tolist() == [10, 10, 10]
    assert shown.numbers.tolist() != list(range(30)) and not shown.test
    assert shown.numbers[:10].tolist() != list(range(10)), "not the first of each class either"
    assert shown.numbers.tolist() == report_images(dataset, 30).numbers.tolist()
    np.testing.assert_array_equal(shown.images, dataset.train_images[shown.numbers])


def test_one_image_has_no_intervals_and_no_selection(capsys: pytest.CaptureFixture[str], checkpoint: str, data: str) -> None:
    status, out, _ = call(capsys, "evaluate", checkpoint, "--data", data, "--limit", "1")
    assert status == 0 and "selective" not in out
    assert row(out.splitlines()[:9], "accuracy")[1] == "-"


@pytest.mark.parametrize(
    ("extra", "parts"),
    [
        (["--fetch"], ["--corruptions official"]),
        (["--num-classes", "7"], ["num_classes is 7", "with 3"]),
        (["--option", "width=8"], ["width is 8", "with 4"]),
        (["--option", "wdith=8"], ["no such option", "width"]),
        (["--network", "resnet8"], ["holds 'small_vgg'"]),
        (["--accepted-error", "1"], ["--accepted-error"]),
        (["--data-option", "roots=x"], ["roots"]),
        (["--corruptions", "official"], ["no test images of its own"]),
        (["--mean", "0.5,0.5"], ["mean", "1 channels"]),
        (["--limit", "0"], ["--limit"]),
        (["--flipped", "x.csv"], ["--against", "missing"]),
        (["--against", "nothing.pt"], ["nothing.pt", "allowed"]),
    ],
)
def test_wrong_calls_are_one_line(
    capsys: pytest.CaptureFixture[str], checkpoint: str, data: str, extra: list[str], parts: list[str]
) -> None:
    status, out, err = call(capsys, "evaluate", checkpoint, "--data", data, *extra)
    assert (status, out, err.count("\n")) == (2, "", 1)
    for part in parts:
        assert part in err


def test_a_plot_folder_that_is_a_file(
    capsys: pytest.CaptureFixture[str], checkpoint: str, data: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    status, out, err = call(capsys, "evaluate", checkpoint, "--data", data, "--plot", str(tmp_path / "file"))
    assert (status, out, err.count("\n")) == (2, "", 1) and "--plot" in err


def test_without_anything_that_draws_a_plot_is_refused(
    capsys: pytest.CaptureFixture[str], checkpoint: str, data: str, tmp_path: Path
) -> None:
    assert run_cli(cli, ["evaluate", checkpoint, "--data", data, "--plot", str(tmp_path / "plots")]) == 2
    err = capsys.readouterr().err
    assert "--plot: the code that draws is not loaded" in err and err.count("\n") == 1


def test_weights_that_are_not_numbers(capsys: pytest.CaptureFixture[str], data: str, tmp_path: Path) -> None:
    network = build_network("small_vgg", in_channels=1, num_classes=3, width=4)
    next(network.parameters()).data[0] = float("nan")
    save_network(network, tmp_path / "nan.safetensors")
    status, _, err = call(capsys, "evaluate", str(tmp_path / "nan.safetensors"), "--data", data)
    assert (status, err.count("\n")) == (2, 1) and "not finite" in err and "nan.safetensors" in err


def test_fetching_without_a_network_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    official = dataclasses.replace(ARCHIVES["cifar10"], url="http://127.0.0.1:9/CIFAR-10-C.tar", size=1000)
    monkeypatch.setitem(ARCHIVES, "cifar10", official)
    pictures = tmp_path / "cifar"
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            (pictures / part / name).mkdir(parents=True)
            Image.new("RGB", (32, 32)).save(pictures / part / name / "0.png")
    save_network(build_network("small_vgg", num_classes=2, width=4), tmp_path / "net.safetensors")
    argv = ["evaluate", str(tmp_path / "net.safetensors"), "--data", "cifar10", "--data-option", f"root={pictures}"]
    status, out, err = call(capsys, *argv, "--corruptions", "official", "--fetch")
    assert (status, out, err.count("\n")) == (2, "", 1)
    for part in ("CIFAR-10-C is missing", str(tmp_path / "cache"), "https://zenodo.org/records/2535967", "put it into"):
        assert part in err


def test_official_images_are_copied_only_where_some_are_chosen(monkeypatch: pytest.MonkeyPatch, data: str) -> None:
    asked: list[dict[str, object]] = []

    def official(folder: Path, **given: object) -> None:
        asked.append({"folder": folder, **given})

    monkeypatch.setattr("sweeps.one_network.images.official_set", official)
    dataset = load_dataset(data)
    dataset = dataclasses.replace(dataset, test_images=dataset.train_images, test_labels=dataset.train_labels)
    for limit in (None, 30):
        shown = report_images(dataset, limit)
        corrupted_images(dataset, shown, "official", folder=Path("there"), fetch=False, seed=0)
    assert [each["folder"] for each in asked] == [Path("there")] * 2
    assert asked[0]["positions"] is None, "the files stay mapped"
    np.testing.assert_array_equal(asked[1]["positions"], report_images(dataset, 30).numbers)
    assert asked[1]["labels"] is dataset.test_labels, "the order of the images is compared"


def test_corrupt_makes_a_contact_sheet(capsys: pytest.CaptureFixture[str], data: str, tmp_path: Path) -> None:
    argv = ["corrupt", "--data", data, "--corruption", "fog", "--corruption", "contrast", "-o", str(tmp_path / "sheet.png")]
    status, said, _ = call(capsys, *argv)
    assert status == 0 and "contact sheet" in said
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 6 * 64


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (build_network("small_vgg", num_classes=2, in_channels=1), "it returns 2 numbers per image, the labels go up to"),
        (build_network("small_vgg", num_classes=4, in_channels=3), "it does not take images of .*: RuntimeError: "),
    ],
)
def test_a_network_for_other_images_is_refused_in_one_line(network: torch.nn.Module, said: str, data: str) -> None:
    dataset = load_dataset(data)
    with pytest.raises(BadInput, match=rf"^x\.pth: small_vgg.* cannot be judged: {said}") as caught:
        judged_logits(Path("x.pth"), network, dataset, report_images(dataset, None))
    assert "\n" not in str(caught.value)
