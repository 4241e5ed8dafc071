"""A real MLflow: the front's networks are models of their trials' runs, load back the same, and are there once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from prune_core.base.errors import BadInput
from prune_core.pruning import load_network
from sweeps.cli.group import cli, run_cli
from sweeps.export import export
from sweeps.export.choice import choices, open_study
from sweeps.folder.identity import study_uid
from sweeps.front.recommended import Recommended
from sweeps.records.collect import read_records, write_records
from sweeps.tracking import models
from sweeps.tracking.models import log_front_models
from sweeps.tracking.registered import register_recommended, registered_name, withdraw_recommended
from sweeps.tracking.tracker import Tracker, TrialEntry
from tests.sweeps.exporting import run_without_ray

NAME = "small_vgg-l1_filter-r0.50-b0"


@pytest.fixture(scope="module", name="out")
def _out(tmp_path_factory):
    """The study with its trials in MLflow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        out = run_without_ray(tmp_path_factory.mktemp("study"))
        records = read_records(out)
        tracker = Tracker("small", out, None, None, {})
        tracker.start()
        for key in records["key"]:
            tracker.log_trial(TrialEntry(key=key, name=key, params={"method": "x"}, metrics={0: {"accuracy": 0.5}}))
        assert tracker.finish(), tracker.problem
        records["mlflow_run_id"] = records["key"].map(tracker.run_ids()).astype("string")
        write_records(records, out)
    return out


@pytest.mark.slow
def test_a_logged_network_loads_back_to_the_same_outputs(out, monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    (line,) = log_front_models(out, [NAME], failed=pytest.fail)
    assert f"{NAME}: logged as models:/" in line, line
    uri = line.rpartition(" ")[2]
    import mlflow

    (choice,) = choices(out, *open_study(out), [NAME])
    network = load_network(choice.folder / "weights.safetensors").eval()
    images = np.random.default_rng(0).normal(size=(5, 1, 16, 16)).astype(np.float32)
    with torch.inference_mode():
        wanted = network(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(mlflow.pyfunc.load_model(uri).predict(images), wanted, atol=1e-5)
    client = mlflow.MlflowClient(f"sqlite:///{out.absolute() / 'mlflow.db'}")
    model = client.get_logged_model(uri.removeprefix("models:/"))
    run = client.get_run(model.source_run_id)
    assert run.data.tags["prunefront.key"] == choice.record["key"]
    assert run.info.status == "FINISHED"
    assert model.experiment_id == run.info.experiment_id
    assert (out / "mlartifacts" / "models" / model.model_id / "artifacts" / "MLmodel").is_file()
    assert list(tmp_path.iterdir()) == []  # MLflow's own default is the working directory
    info = mlflow.models.get_model_info(uri)
    assert [tuple(each.shape) for each in info.signature.inputs.inputs] == [(-1, 1, 16, 16)]
    for _ in range(2):  # once, whatever is said twice
        address = register_recommended(client, "small", study_uid(out), choice, model.model_id)
    assert address == "models:/small@recommended"
    assert [str(one.version) for one in client.search_model_versions("name = 'small'")] == ["1"]
    np.testing.assert_allclose(mlflow.pyfunc.load_model(address).predict(images), wanted, atol=1e-5)
    assert registered_name(client, "small", "another") == "small-another"  # the name of a study is not taken twice
    # renamed and back: the name that the study has now holds the alias, and no other one
    assert register_recommended(client, "renamed", study_uid(out), choice, model.model_id) == "models:/renamed@recommended"
    assert not client.get_registered_model("small").aliases
    register_recommended(client, "small", study_uid(out), choice, model.model_id)
    assert not client.get_registered_model("renamed").aliases
    answer = Recommended("pruned", (), "size_bytes", row={**choice.candidate, "keys": f"{choice.record['key']};another"})
    withdraw_recommended(client, "small", study_uid(out), unless=answer)
    assert client.get_registered_model("small").aliases
    retrained = replace(answer, row={**choice.candidate, "keys": "another"})
    withdraw_recommended(client, "small", study_uid(out), unless=retrained)
    with pytest.raises(mlflow.MlflowException, match="recommended"):
        mlflow.pyfunc.load_model(address)
    assert info.saved_input_example_info is not None

    (again,) = log_front_models(out, [NAME], failed=pytest.fail)
    assert again == f"{NAME}: is there as {uri}"


@pytest.fixture(name="broken")
def _broken(out):
    """A network of the front whose weights are cut off."""
    weights = choices(out, *open_study(out), [NAME])[0].folder / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    yield weights
    weights.write_bytes(whole)


def test_one_network_that_cannot_be_read_does_not_keep_the_others_back(out, broken, capsys, monkeypatch):
    others = [each.name for each in choices(out, *open_study(out)) if each.name != NAME]
    assert others

    def export_one(study, commit, choice, folder, *given):
        load_network(choice.folder / "weights.safetensors")
        (folder / "card.json").write_text("{}")
        return "written"

    def send(choice, run_id, digest):
        load_network(choice.folder / "weights.safetensors")
        return "m-1"

    monkeypatch.setattr(export, "_export_one", export_one)  # what is asked is whose turn comes
    monkeypatch.setattr(models, "_send", send)
    call = ["export", str(out), "--formats", "safetensors", "--mlflow"]
    assert run_cli(cli, call) == 1
    said = capsys.readouterr()
    assert [line.partition(":")[0] for line in said.out.splitlines() if "logged as models:/m-1" in line] == others
    assert [line.partition(": ")[0] for line in said.err.splitlines()] == ["not exported", NAME]
    assert f"not exported: {NAME}: {broken}" in said.err and "not logged in MLflow" in said.err
    assert {each.name for each in (out / "models").iterdir()} == {*others}

    broken.unlink()  # gone: said once
    assert run_cli(cli, call) == 1
    said = capsys.readouterr()
    assert all(f"{name}: logged as models:/m-1" in said.out for name in others)
    (line,) = said.err.splitlines()
    assert line.startswith("not exported: ") and f"the weights of {NAME} are gone" in line


def test_what_every_network_lacks_is_said_once(out, capsys, monkeypatch):
    def refuse(*given):
        raise BadInput("the images are gone")

    monkeypatch.setattr(export, "load_trial_data", refuse)
    assert run_cli(cli, ["export", str(out), "--formats", "safetensors", "--mlflow"]) == 2
    assert capsys.readouterr().err == "prunefront: the images are gone\n"


def test_without_a_run_nothing_is_logged_and_said(out):
    records = read_records(out)
    failed: list[str] = []
    try:
        write_records(records.assign(mlflow_run_id=None), out)
        assert not list(log_front_models(out, [NAME], failed=failed.append))
    finally:
        write_records(records, out)
    assert len(failed) == 1 and "has no run in MLflow" in failed[0]
