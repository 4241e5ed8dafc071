"""After the sweep: the networks of the front become MLflow 3 models and get a picture, each with its trial's run, once."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from prune_core.base.description import content_key
from prune_core.base.files import read_json, write_json
from prune_core.base.trial_folder import REPORT
from prune_core.evaluation.logits import LogitSet
from sweeps.export.choice import Choice, WeightsGone, choices, open_study, worth
from sweeps.export.recommended import study_recommended
from sweeps.folder.identity import study_uid
from sweeps.folder.pages import JudgedNetwork, Picture
from sweeps.folder.paths import FRONT, TRACKED_FRONT
from sweeps.front.recommended import Recommended
from sweeps.storage.files import bring_back
from sweeps.study.model import Study
from sweeps.tracking.models import log_model, open_client, own_artifacts, registered
from sweeps.tracking.place import short_reason
from sweeps.tracking.registered import withdraw_recommended

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_PATIENCE = 2
"""Networks in a row that may fail; then the server is left alone until the next start."""


def log_front(out: Path, picture: Picture | None = None) -> list[str]:
    """Bring the front into MLflow, as many of its networks as the study says; return what the user is told.

    Args:
        out: the study's output folder.
        picture: draws one network; None leaves the pictures out.

    Returns:
        One line, or one for each network that could not be logged, and one for each whose weights are gone; none where all
        was there before, or nothing is to be logged.

    Raises:
        BadInput: no study, or no candidate that has all its seeds.
    """
    study, records = open_study(out)
    most, table = study.tracking.log_models, (out / FRONT).read_text(encoding="utf-8", errors="replace")
    found = study_recommended(study, records)
    state = content_key([table, _run_ids(records), most, picture is not None, found.name, study.name])
    if _state(out) == state:
        return []
    gone: list[str] = []
    front: list[Choice] = []
    if most and len(table.splitlines()) > 1:
        try:
            front = choices(out, study, records, gone=gone.append)
        except WeightsGone as error:  # all of them
            gone = [str(error)]
    chosen = sorted(front, key=worth)[:most]
    lines: list[str] = []
    try:
        client = open_client(study, out)
        lines = _log(client, out, study, chosen, picture)
        if lines:
            if chosen[0].recommended and len(lines) < _PATIENCE:  # the server answers: another network is no model
                registered(client, study, out, chosen[0])
            return [*lines, *_gone_lines(gone)]
        address = _register(client, out, study, chosen, found)
    except Exception as error:  # noqa: BLE001 - as below
        return [*lines, f"MLflow: the recommended network is not registered ({short_reason(error)})"]
    write_json(out / TRACKED_FRONT, {"state": state})
    if not front:
        return _gone_lines(gone)
    line = f"MLflow: {len(chosen)} network{'s' * (len(chosen) > 1)} of the front logged as models"
    if address is not None:
        line += f", the recommended one loads by {address}"
    if (more := len(front) - len(chosen)) > 0:
        line += f", {more} more {'are' if more > 1 else 'is'} not"
        line += f" (tracking.log_models is {most}; all: prunefront export --mlflow)"
    return [line, *_gone_lines(gone)]


def _gone_lines(gone: list[str]) -> list[str]:
    return [f"MLflow: no model: {each}" for each in gone]


def _state(out: Path) -> object:
    try:
        return read_json(out / TRACKED_FRONT).get("state")
    except (OSError, ValueError, AttributeError):
        return None


def _run_ids(records: pd.DataFrame) -> list[str]:
    return sorted({str(each) for each in records["mlflow_run_id"].dropna()})


def _register(client: MlflowClient, out: Path, study: Study, chosen: list[Choice], recommended: Recommended) -> str | None:
    """Register the recommended network, which is the first that was logged; return its address, None where there is none.

    Where it is not among them, since none are to be logged or its weights are gone, an alias to an earlier answer goes.
    """
    if chosen and chosen[0].recommended:
        return registered(client, study, out, chosen[0])
    withdraw_recommended(client, study.name, study_uid(out), unless=recommended)
    return None


def _log(client: MlflowClient, out: Path, study: Study, chosen: list[Choice], picture: Picture | None) -> list[str]:
    """Log one after the other; return a line for each that failed."""
    lines: list[str] = []
    in_a_row = 0
    for position, choice in enumerate(chosen):
        try:
            log_model(client, choice, own_artifacts(study, out))
            if picture is not None:
                _log_picture(client, choice, picture, study.evaluation.ece_bins)
            in_a_row = 0
        except Exception as error:  # noqa: BLE001 - whatever MLflow raises is told, and the next start tries again
            lines.append(f"MLflow: {choice.title} is not logged as a model ({short_reason(error)})")
            in_a_row += 1
        left = len(chosen) - position - 1
        if in_a_row == _PATIENCE and left:
            return [*lines, f"MLflow: {left} more network{'s' * (left > 1)} of the front to log at the next start"]
    return lines


def _log_picture(client: MlflowClient, choice: Choice, picture: Picture, bins: int) -> None:
    bring_back(choice.folder, [REPORT])
    if not (choice.folder / REPORT).exists():
        return
    called = choice.record.get("corruption_set")
    network = JudgedNetwork(
        title=f"{choice.title}, seed {choice.record['seed']}",
        images="report images",
        logits=LogitSet.load(choice.folder / REPORT),
        record=choice.record,
        bins=bins,
        corruptions=called if isinstance(called, str) else None,
    )
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / f"network-b{choice.budget}.png"
        picture(network, path)
        client.log_artifact(str(choice.record["mlflow_run_id"]), str(path))
