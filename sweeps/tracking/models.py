"""The networks of the front as MLflow 3 models, each with the run of its trial; logged once, after the sweep."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prune_core.base.threads import one_thread
from prune_core.base.trial_folder import WEIGHTS
from prune_core.pruning import load_network
from prune_core.training.precision import switches_as_at_start
from prune_core.trial.data import load_trial_data
from prune_core.trial.description import TrialDescription
from sweeps.export.choice import Choice, choices, open_study
from sweeps.folder.identity import study_uid
from sweeps.folder.paths import MLFLOW_ARTIFACTS
from sweeps.storage.files import bring_back, sha256_of
from sweeps.study.model import Study
from sweeps.study.trust import Confirm, require_trust
from sweeps.tracking.place import check_artifacts, checked_uri, quieten_mlflow, short_reason
from sweeps.tracking.registered import register_recommended
from sweeps.tracking.tracker import Tracker

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

WEIGHTS_TAG = "prunefront.weights"
"""SHA-256 of the trial's file: a run that has a model with it needs no other one."""
_EXAMPLES = 2
"""Images in the input example; with one alone MLflow would fix the batch to one."""


def log_front_models(
    out: Path, picks: Sequence[str] = (), *, failed: Callable[[str], object], confirm: Confirm = require_trust
) -> Iterator[str]:
    """Log the chosen networks, each as a program that loads without this package; yield what was done, a line each.

    One that cannot be logged keeps no other back: the exported files and the study are whole without it.

    Args:
        out: the study's output folder.
        picks: as in `sweeps.export.choice.choices`.
        failed: told of each network that is not logged, and why.
        confirm: asked before the study's plugins are imported.

    Raises:
        BadInput: no study, no front, an unknown pick, weights that are gone: of a pick, or of all networks.
    """
    study, records = open_study(out, confirm)
    chosen = choices(out, study, records, picks, gone=failed)
    client = open_client(study, out)
    own = own_artifacts(study, out)
    for choice in chosen:
        try:
            yield f"{choice.title}: {log_model(client, choice, own)}"
            if choice.recommended:
                yield f"{choice.title}: loads by {registered(client, study, out, choice)}"
        except Exception as error:  # noqa: BLE001 - whatever MLflow raises is told, and the next call tries again
            failed(f"{choice.title}: not logged in MLflow ({short_reason(error)})")


def open_client(study: Study, out: Path) -> MlflowClient:
    """Return a client of the study's MLflow, which MLflow's own functions use from now on too."""
    uri = Tracker(study.name, out, study.tracking.mlflow, None, {}).uri
    quieten_mlflow()
    import mlflow
    from mlflow.tracking import MlflowClient

    mlflow.set_tracking_uri(uri)
    return MlflowClient(tracking_uri=uri)


def own_artifacts(study: Study, out: Path) -> Path | None:
    """Return the folder of artifacts in an output folder, where its own database must keep them; None for another place."""
    return None if checked_uri(study.tracking.mlflow) else out.absolute() / MLFLOW_ARTIFACTS


def model_name(choice: Choice) -> str:
    """Return the model's name: MLflow allows neither dots nor slashes."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", choice.name)


def log_model(client: MlflowClient, choice: Choice, own: Path | None) -> str:
    """Log one network as a model of its trial's run, unless it is there; return what was done.

    Args:
        client: of the study's MLflow.
        choice: the network.
        own: what `own_artifacts` returned.

    Raises:
        ValueError: its trial has no run in MLflow, or the model that was loaded back differs from the network.
        ForeignPlace: the folder's database keeps artifacts elsewhere.
    """
    run_id = choice.record.get("mlflow_run_id")
    if not isinstance(run_id, str) or not run_id:
        raise ValueError("its trial has no run in MLflow; run the study again to send it")
    run = client.get_run(run_id)
    experiment = client.get_experiment(run.info.experiment_id)
    if own is not None:
        for location in (run.info.artifact_uri, experiment.artifact_location):
            check_artifacts(str(location), own)
    digest = sha256_of(choice.folder, WEIGHTS)
    there = _model_of(client, run_id, digest)
    if there is not None:
        return f"is there as models:/{there}"
    import mlflow

    # a model is put into the active experiment, whatever its run's is; that of a new database lies in the working directory
    mlflow.set_experiment(experiment_id=run.info.experiment_id)
    return f"logged as models:/{_send(choice, run_id, digest)}"


def registered(client: MlflowClient, study: Study, out: Path, choice: Choice) -> str:
    """Register the model of the recommended network, which was logged before; return the address that loads it.

    Raises:
        ValueError: it has no model yet.
    """
    model = _model_of(client, str(choice.record["mlflow_run_id"]), sha256_of(choice.folder, WEIGHTS))
    if model is None:
        raise ValueError("its model is not in MLflow yet")
    return register_recommended(client, study.name, study_uid(out), choice, model)


def _model_of(client: MlflowClient, run_id: str, digest: str) -> str | None:
    outputs = client.get_run(run_id).outputs
    for each in outputs.model_outputs if outputs is not None else []:
        model = client.get_logged_model(each.model_id)
        if model.tags.get(WEIGHTS_TAG) == digest and str(model.status) == "READY":
            return str(each.model_id)
    return None


@one_thread()
def _send(choice: Choice, run_id: str, digest: str) -> str:
    """Log one network with signature and example, load it back, and compare."""
    bring_back(choice.folder, [WEIGHTS])
    import mlflow
    import torch
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    data = load_trial_data(TrialDescription.read(choice.trial).baseline, None)
    network = load_network(choice.folder / WEIGHTS).eval()
    subset = data.split.test if len(data.split.test.labels) >= _EXAMPLES else data.split.train
    # A copy: images of one channel keep strides that torch takes for channels last, which not every network computes.
    example = np.array(data.normalised(subset.images[subset.index[:_EXAMPLES]]), order="C")
    with torch.inference_mode():
        expected = network(torch.from_numpy(example)).numpy()
    version = torch.__version__.split("+")[0]
    with switches_as_at_start():  # it exports the network
        info = mlflow.pytorch.log_model(
            network,
            name=model_name(choice),
            run_id=run_id,
            step=choice.budget,
            signature=ModelSignature(
                inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, *data.input_shape))]),
                outputs=Schema([TensorSpec(np.dtype(np.float32), (-1, expected.shape[1]))]),
            ),
            input_example=example,
            validate_serving_input=False,  # `_compare` loads it, and looks at the numbers
            # named here, since MLflow would find them out by loading the model in another process
            pip_requirements=[f"torch=={version}", f"numpy=={np.__version__}", f"mlflow=={mlflow.__version__}"],
            serialization_format="pt2",
            tags={WEIGHTS_TAG: digest, "prunefront.name": choice.title, "prunefront.key": str(choice.record["key"])},
        )
    _compare(mlflow.pytorch.load_model(info.model_uri), example, expected)
    return str(info.model_id)


def _compare(loaded: Any, example: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> None:
    import torch

    with torch.inference_mode():
        answer = loaded(torch.from_numpy(example)).numpy()
    largest = float(np.abs(answer - expected).max())
    if not largest <= 1e-4 * max(1.0, float(np.abs(expected).max())):
        raise ValueError(f"the model loaded back differs from the network by {largest:.2g}")
