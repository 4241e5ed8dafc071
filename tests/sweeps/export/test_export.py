"""One network exported in every format and judged by its files: by other loaders, by hand, and by what the trial kept."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from prune_core.base.trial_folder import read_record
from prune_core.data import load_dataset, split_dataset
from prune_core.pruning import load_network, outcome_of
from sweeps.cli.group import cli, run_cli
from sweeps.export import export as export_module
from sweeps.export.card import card_text
from sweeps.export.choice import choices, open_study
from sweeps.export.export import ExportFailed, Wanted, export_study
from sweeps.export.facts import limit_facts
from tests.sweeps.exporting import run_without_ray

onnxruntime = pytest.importorskip("onnxruntime")
NAME = "small_vgg-l1_filter-r0.50-b0"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module", name="out")
def _out(tmp_path_factory):
    return run_without_ray(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module", name="folder")
def _folder(out):
    (folder,) = export_study(out, picks=[NAME], wanted=Wanted(int8=True))
    return folder


@pytest.fixture(scope="module", name="card")
def _card(folder):
    return json.loads((folder / "card.json").read_text())


@pytest.fixture(scope="module", name="report")
def _report(card):
    """The report images, normalised as the card says, and their labels."""
    data = load_dataset("digits")
    test = split_dataset(data, 0, validation=100, test=120, train=300).test
    mean, std = (np.array(card["input"][name], np.float32) for name in ("mean", "std"))
    images = (test.array() / np.float32(255) - mean) / std
    return images.transpose(0, 3, 1, 2).astype(np.float32), test.labels


@pytest.fixture(scope="module", name="judged")
def _judged(out, card):
    weights = out / "trials" / card["checkpoint"]["trial"] / "budget-0000" / "weights.safetensors"
    return load_network(weights).eval()


def logits_of(path: Path, images):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"images": np.ascontiguousarray(images)})[0]


def test_the_folder_holds_what_was_asked_for(folder):
    names = {path.name for path in folder.iterdir()}
    assert names == {"README.md", "card.json", "model.safetensors", "model.onnx", "model.pt2", "model.int8.onnx"}
    assert [path.name for path in folder.parent.iterdir()] == [NAME]


@pytest.mark.parametrize("count", [1, 7, 120])
def test_onnx_and_program_answer_as_the_network_for_any_number_of_images(folder, judged, report, count):
    images = report[0][:count]
    with torch.inference_mode():
        wanted = judged(torch.from_numpy(images)).numpy()
        program = torch.export.load(folder / "model.pt2").module()(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(logits_of(folder / "model.onnx", images), wanted, atol=1e-4)
    np.testing.assert_allclose(program, wanted, atol=1e-5)


def test_onnx_is_checked_where_nobody_has_imported_torch(folder, judged, report, tmp_path):
    images = report[0][:4]
    with torch.inference_mode():
        np.savez(tmp_path / "sample.npz", images=images, logits=judged(torch.from_numpy(images)).numpy())
    code = (
        "import sys, numpy as np; from pathlib import Path; from sweeps.export.check import check_files; "
        f"s = np.load({str(tmp_path / 'sample.npz')!r}); "
        f"print(check_files(Path({str(folder)!r}), ['model.onnx'], s['images'], s['logits'])['model.onnx']['same_class']); "
        "print('torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout.split() == ["1.0", "False"]


def test_the_safetensors_file_has_the_same_tensors_and_says_what_it_is(folder, judged, card):
    loaded = load_network(folder / "model.safetensors")
    assert loaded.architecture == judged.architecture
    assert outcome_of(loaded).method == "l1_filter"
    for name, tensor in judged.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    with safe_open(folder / "model.safetensors", framework="np") as opened:
        header = opened.metadata()
    assert json.loads(header["classes"]) == card["output"]["classes"]
    assert json.loads(header["input"])["mean"] == card["input"]["mean"]


def test_int8_is_int8_and_its_metrics_are_those_of_the_file(folder, card, report):
    import onnx

    model = onnx.load(folder / "model.int8.onnx")
    stored = {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) == 4}
    assert stored == {onnx.TensorProto.INT8}
    images, labels = report
    logits = logits_of(folder / "model.int8.onnx", images).astype(np.float64)
    int8 = card["int8"]["metrics"]
    assert int8["accuracy"] == pytest.approx((logits.argmax(1) == labels).mean(), abs=1e-12)
    likelihood = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    assert int8["nll"] == pytest.approx(-likelihood[np.arange(len(labels)), labels].mean(), rel=1e-5)
    assert set(int8) == set(card["checkpoint"]["metrics"]) - {"train_accuracy", "train_nll"}
    assert int8["nll"] != card["checkpoint"]["metrics"]["nll"]
    assert card["int8"]["calibration_images"] == 256


def test_the_card_gives_costs_metrics_and_limits(card, out):
    # small_vgg of width 4 with half of each layer's filters: 4 -> 2, 8 -> 4, 16 -> 8 channels, counted by hand
    assert card["costs"]["parameters"] == 2 * 9 + 4 * 2 * 9 + 8 * 4 * 9 + 2 * (2 + 4 + 8) + 8 * 10 + 10
    # 16x16 images, halved twice
    assert card["costs"]["macs"] == 2 * 9 * 256 + 4 * 2 * 9 * 64 + 8 * 4 * 9 * 16 + 8 * 10
    # the largest layer reads and writes the 2 maps of the first stage
    assert card["costs"]["peak_activation_bytes"] == 4 * (2 + 2) * 256
    record = read_record(out / "trials" / card["checkpoint"]["trial"], 0)
    assert record is not None
    metrics = card["checkpoint"]["metrics"]
    assert all(metrics[name] == record[name] for name in ("accuracy", "ece", "nll", "mpc", "val_nll"))
    low, high = card["checkpoint"]["intervals"]["accuracy"]
    assert low < metrics["accuracy"] < high
    assert card["candidate"]["seeds"] == 1
    assert card["candidate"]["metrics"]["accuracy"] == {"mean": metrics["accuracy"], "std": None}
    small, accurate = card["limits"]
    assert small["candidate"] == {"met": True, "why_not": None}
    assert not accurate["checkpoint"]["met"]
    assert accurate["checkpoint"]["why_not"].startswith("val_accuracy is 0.")
    assert card["study"]["commit"] == "0123456789abcdef"
    assert card["images"]["corruptions"].startswith("Digits-C (generated")


def test_every_file_was_checked_against_the_logits_that_were_judged(card):
    assert card["kept_logits"]["relative_difference"] < 1e-4
    for name, file in card["files"].items():
        check = file["check"]
        assert check["images"] == 64
        assert 0 < check["host_latency"]["p10_ms"] <= check["host_latency"]["median_ms"] <= check["host_latency"]["p90_ms"]
        if name != "model.int8.onnx":
            assert check["relative_difference"] <= file["tolerance"] == 1e-4
            assert check["same_class"] == 1.0


def test_the_readme_says_it_and_no_markup_of_the_study_works_in_it(folder, card):
    text = (folder / "README.md").read_text()
    assert "host latency" in text
    assert f"{100 * card['checkpoint']['metrics']['accuracy']:.2f} %" in text
    assert f"{100 * card['int8']['metrics']['accuracy']:.2f} %" in text
    assert "seed 0: lowest NLL on the selection images of 1 seed; no seed meets the limits" in text
    assert "<b>" not in text
    assert "[x](" not in text


def test_the_code_of_the_readme_runs_in_a_clean_process(folder, report, tmp_path):
    text = (folder / "README.md").read_text()
    (prepare,) = re.findall(r"## How to load it\n.*?```python\n(.*?)```", text.partition("### ")[0], flags=re.DOTALL)
    blocks = re.findall(r"### `(.*?)`\n\n```python\n(.*?)```", text, flags=re.DOTALL)
    assert [name for name, _ in blocks] == ["model.safetensors", "model.onnx", "model.pt2", "model.int8.onnx"]
    test = split_dataset(load_dataset("digits"), 0, validation=100, test=120, train=300).test
    np.save(tmp_path / "pixels.npy", test.array()[:3])
    given = prepare.replace("np.zeros((1, 16, 16, 1), np.uint8)", f"np.load({str(tmp_path / 'pixels.npy')!r})")
    assert given != prepare
    for kind in (".onnx", (".safetensors", ".pt2")):
        chosen = [(name, code) for name, code in blocks if name.endswith(kind)]
        saving = [f"{code}np.save({str(tmp_path / name)!r} + '.npy', logits)\n" for name, code in chosen]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", given + "".join(saving)], cwd=folder, env=environment, check=True)
    for name, _ in blocks:
        wanted = logits_of(folder / ("model.int8.onnx" if "int8" in name else "model.onnx"), report[0][:3])
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.npy"), wanted, atol=1e-4)


def test_no_file_names_a_folder_of_this_machine(folder, out):
    here = [str(Path(torch.__file__).parent.parent), str(Path(export_module.__file__).parents[2]), str(out)]
    for path in folder.iterdir():
        content = path.read_bytes()
        assert not [place for place in here if place.encode() in content], path.name


def test_a_failed_check_leaves_what_was_there(out, folder, monkeypatch):
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}

    def refuse(*_):
        raise ExportFailed("it differs")

    monkeypatch.setattr(export_module, "checked", refuse)
    with pytest.raises(ExportFailed, match=f"{NAME}: it differs"):
        export_study(out, picks=[NAME], wanted=Wanted(("safetensors",)))
    assert {path.name: path.stat().st_ino for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == [NAME]


def test_other_weights_than_the_judged_ones_are_not_shipped(out, monkeypatch):
    load = load_network

    def other(path):
        network: Any = load(path)
        with torch.no_grad():
            network.classifier.bias += torch.arange(10.0)
        return network

    monkeypatch.setattr(export_module, "load_network", other)
    with pytest.raises(ExportFailed, match="do not give the logits that were judged"):
        export_study(out, picks=["small_vgg-unstructured-r0.50-b0"], wanted=Wanted(("safetensors",)))
    assert not (out / "models" / "small_vgg-unstructured-r0.50-b0").exists()


def test_the_command_exports_again_and_replaces(out, folder, capsys):
    key = json.loads((folder / "card.json").read_text())["checkpoint"]["trial"]
    assert run_cli(cli, ["export", str(out), "--pick", key, "--formats", "safetensors"]) == 0
    assert "model.safetensors; seed 0, accuracy" in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == {"README.md", "card.json", "model.safetensors"}
    card = json.loads((folder / "card.json").read_text())
    assert card["checkpoint"]["chosen"] == "asked for"


def test_the_file_that_ships_is_the_one_that_was_judged_to_the_byte(out, folder, card):
    trial = out / "trials" / card["checkpoint"]["trial"]
    shipped = (folder / "model.safetensors").read_bytes()
    assert shipped == (trial / "budget-0000" / "weights.safetensors").read_bytes()
    assert size_in_record(trial) == len(shipped) == card["costs"]["size_bytes"]


def test_every_record_says_the_length_of_its_file(out):
    for trial in (out / "trials").iterdir():  # the unpruned ones too, whose weights come from the store
        assert size_in_record(trial) == (trial / "budget-0000" / "weights.safetensors").stat().st_size


def size_in_record(trial: Path) -> int:
    record = read_record(trial, 0)
    assert record is not None
    return int(record["size_bytes"])


def test_a_limit_on_the_size_is_judged_on_each_file(out):
    study, records = open_study(out)
    length = size_in_record(out / "trials" / str(records.loc[records["method"].eq("l1_filter"), "key"].iloc[0]))
    limited = study.model_copy(update={"limits": (f"size_bytes <= {length}",)})
    (choice,) = choices(out, limited, records, [NAME])
    (found,) = limit_facts(limited, choice, choice.record, {"model.safetensors": length, "model.onnx": length + 1})
    assert found["checkpoint"]["met"]
    assert found["files"] == {"model.safetensors": True, "model.onnx": False}


def test_the_card_says_what_the_seeds_differ_in_and_what_is_doubtful(card):
    def text(**candidate: object) -> str:
        return card_text({**card, "candidate": {**card["candidate"], "seeds": 3, **candidate}})

    assert card["doubts"] and "misses a limit of the study: val_accuracy is" in card["doubts"][0]
    assert "> The unpruned network is doubtful: unpruned it misses a limit of the study" in text()
    assert "doubtful" not in card_text({**card, "doubts": []})
    spread = {"accuracy": {"mean": 0.9, "std": 0.01}}
    assert "90.00 ± 1.00 %" in text(metrics=spread, seeds_differ_in="training")
    assert "over training seeds: what another training would give" in text(metrics=spread, seeds_differ_in="training")
    tuned = text(metrics=spread, seeds_differ_in="fine-tuning")
    assert "over seeds of fine-tuning from one checkpoint" in tuned and "what another training would give" not in tuned
    alone = text(metrics={"accuracy": {"mean": 0.9, "std": None}}, seeds_differ_in="nothing")
    assert "every seed judged one checkpoint" in alone and "±" not in alone
