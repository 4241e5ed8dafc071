"""The recommended network in MLflow's registry, under the study's name: it loads by ``models:/NAME@recommended``."""

from __future__ import annotations

import contextlib
import io
import re
from typing import TYPE_CHECKING, Any

from sweeps.export.choice import RECOMMENDED, Choice
from sweeps.folder.identity import UID_TAG

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from sweeps.front.recommended import Recommended


_MODEL = "prunefront.model"
"""The tag of a version that says which model it is of."""


def registered_name(client: MlflowClient, study: str, uid: str) -> str:
    """Return the name under which a study's network is registered: the study's own, unless another one took it.

    Args:
        client: of the study's MLflow.
        study: the study's name; MLflow allows neither slashes nor colons.
        uid: the study's identity (`sweeps.folder.identity`).
    """
    name = re.sub(r"[/:]", "_", study)
    there = _model(client, name)
    return name if there is None or there.tags.get(UID_TAG) == uid else f"{name}-{uid[:8]}"


def register_recommended(client: MlflowClient, study: str, uid: str, choice: Choice, model_id: str) -> str:
    """Register a model of the study's MLflow, unless it is there, and let the alias point to it; return its address.

    Args:
        client: of the study's MLflow.
        study: the study's name.
        uid: the study's identity.
        choice: the network.
        model_id: MLflow's id of its model.
    """
    name = registered_name(client, study, uid)
    _withdraw_elsewhere(client, name, uid)
    if _model(client, name) is None:
        client.create_registered_model(name, {UID_TAG: uid}, f"The networks that the study {study} recommended.")
    found = [one for one in client.search_model_versions(f"name = '{name}'") if one.tags.get(_MODEL) == model_id]
    version = str(found[0].version) if found else _new_version(name, choice, model_id)
    if _alias(client, name) != version:
        client.set_registered_model_alias(name, RECOMMENDED, version)
    return f"models:/{name}@{RECOMMENDED}"


def withdraw_recommended(client: MlflowClient, study: str, uid: str, *, unless: Recommended | None = None) -> None:
    """Take the alias away: the study recommends none of its networks now, or one that is no model.

    Args:
        client: of the study's MLflow.
        study: the study's name.
        uid: the study's identity.
        unless: what the study recommends: an alias that points to this very network stays.
    """
    name = registered_name(client, study, uid)
    _withdraw_elsewhere(client, name, uid)
    version = _alias(client, name)
    if version is not None and not (unless is not None and _is_of(client, name, version, unless)):
        client.delete_registered_model_alias(name, RECOMMENDED)


def _is_of(client: MlflowClient, name: str, version: str, network: Recommended) -> bool:
    """Whether a version is of a network: by its title, and by the key of its trial, which says how it was trained."""
    from mlflow.exceptions import MlflowException

    tags = client.get_model_version(name, version).tags
    if network.row is None or tags.get("prunefront.name") != network.title:
        return False
    try:
        model = client.get_logged_model(str(tags.get(_MODEL)))
    except MlflowException:  # somebody deleted it
        return False
    return model.tags.get("prunefront.key") in str(network.row["keys"]).split(";")


def _withdraw_elsewhere(client: MlflowClient, name: str, uid: str) -> None:
    """Take the alias from what the study registered under an earlier name: it would go on naming an old answer."""
    for model in client.search_registered_models(f"tags.`{UID_TAG}` = '{uid}'"):
        if model.name != name and RECOMMENDED in dict(model.aliases):
            client.delete_registered_model_alias(model.name, RECOMMENDED)


def _new_version(name: str, choice: Choice, model_id: str) -> str:
    import mlflow

    with contextlib.redirect_stderr(io.StringIO()):  # MLflow prints what it did
        made = mlflow.register_model(f"models:/{model_id}", name, tags={_MODEL: model_id, "prunefront.name": choice.title})
    return str(made.version)


def _model(client: MlflowClient, name: str) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def _alias(client: MlflowClient, name: str) -> str | None:
    """Return the version that the alias points to; None where there is none."""
    there = _model(client, name)
    version = None if there is None else dict(there.aliases).get(RECOMMENDED)
    return None if version is None else str(version)
