"""The sections of a study file that say where trials run and what is tracked. Every key is explained here, once."""

from __future__ import annotations

import math
import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from sweeps.study.section import Section

AUTO = "auto"
AUTO_SHARE = 1.0
"""GPUs per trial with ``gpus_per_trial: auto``, until they are measured, and where there is no GPU to do it."""


_MOST_THREADS = 1024
"""More than any machine has cores; with a million of them PyTorch ends the process."""


class ResourcesSection(Section):
    """What one trial may use, and how long the whole may take."""

    cpus_per_trial: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="cores that Ray books per trial")
    gpus_per_trial: float | Literal["auto"] = Field(
        default=0.0,
        description="GPUs (or a fraction) per trial, which also caps its GPU memory; default 1 with device cuda; auto "
        "measures it",
    )
    custom: dict[str, float] = Field(
        default={},
        description="what else a trial books, by the names that your nodes were started with: {a100: 1}, "
        "{'accelerator_type:A100': 0.001}; trials go to such nodes only",
    )
    threads: int = Field(
        default=1,
        ge=1,
        le=_MOST_THREADS,
        description="compute threads per trial; part of the key, since they change the bits",
    )
    max_concurrent: int | None = Field(default=None, ge=1, description="trials at the same time; null is what fits")
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="where trials compute")
    max_hours: float | None = Field(default=None, gt=0, description="hard cap on the wall time of one run")
    hang_factor: float = Field(
        default=10.0, gt=1, description="a trial has failed when it is silent for as long as this many of its epochs take"
    )
    hang_floor_seconds: float = Field(default=120.0, gt=0, description="but never before this many seconds of silence")
    checkpoint_seconds: float = Field(default=120.0, ge=0, description="seconds between checkpoints of a running trial")
    # allow: an upgrade must not make days of finished trials useless; every record, and the plan, says its build
    mixed_builds: Literal["allow", "refuse"] = Field(
        default="allow",
        description="results of another version of torch, numpy or prunefront, or of another processor: allow and say so, "
        "or refuse",
    )

    @model_validator(mode="before")
    @classmethod
    def _whole_gpu(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("device") == "cuda":
            return {"gpus_per_trial": 1.0, **values}
        return values

    @model_validator(mode="after")
    def _gpus_fit_device(self) -> ResourcesSection:
        share = self.share
        if self.gpus_per_trial == AUTO and self.device != "cuda":
            raise ValueError(f"gpus_per_trial is auto with device {self.device} (allowed: 0, or device: cuda)")
        if not 0 <= share < math.inf:
            raise ValueError(f"gpus_per_trial is {share:g} (allowed: auto, fractions up to 1, and whole numbers)")
        if (self.device == "cuda") != (share > 0):
            allowed = "numbers above 0, or device: cpu" if self.device == "cuda" else "0, or device: cuda"
            raise ValueError(f"gpus_per_trial is {share:g} with device {self.device} (allowed: {allowed})")
        if share > 1 and share != int(share):
            raise ValueError(f"gpus_per_trial is {share:g} (allowed: fractions up to 1, and whole numbers)")
        return self

    @field_validator("custom")
    @classmethod
    def _amounts(cls, values: dict[str, float]) -> dict[str, float]:
        for name, amount in values.items():
            if name in ("CPU", "GPU") or not name.strip():
                raise ValueError(
                    f"custom names {name!r} (allowed: other names; cpus_per_trial and gpus_per_trial say the rest)"
                )
            if not 0 < amount < math.inf or (amount > 1 and amount != int(amount)):
                raise ValueError(f"custom.{name} is {amount:g} (allowed: fractions up to 1, and whole numbers)")
        return values

    @property
    def share(self) -> float:
        """GPUs per trial as a number; `AUTO_SHARE` where they are to be measured."""
        return AUTO_SHARE if isinstance(self.gpus_per_trial, str) else self.gpus_per_trial


class TrackingSection(Section):
    """Where MLflow and Optuna keep what they record."""

    mlflow: str | None = Field(
        default=None, description="MLflow tracking URI, without credentials; null is mlflow.db in the output folder"
    )
    experiment: str | None = Field(default=None, description="MLflow experiment; null is the project's name")
    optuna: str | None = Field(
        default=None, description="Optuna storage URL, without a password; null is optuna.db in the output folder"
    )
    tags: dict[str, str] = Field(default={}, description="tags of yours for every run in MLflow")
    log_models: int = Field(
        default=20,
        ge=0,
        description="networks of the front, at most, that become MLflow models after the sweep, seconds each; 0 is none",
    )

    @field_validator("log_models", mode="before")
    @classmethod
    def _not_one(cls, value: object) -> object:
        return (20 if value else 0) if isinstance(value, bool) else value

    @field_validator("optuna")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"[A-Za-z][A-Za-z0-9+._-]*://", value):
            raise ValueError(
                f"{value!r} is no address of a database (allowed: sqlite:///FILE, postgresql+psycopg://HOST/NAME, "
                "mysql+pymysql://HOST/NAME; or leave the key out)"
            )
        return value

    @field_validator("tags")
    @classmethod
    def _own_tags(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if not re.fullmatch(r"[A-Za-z0-9_./ -]{1,100}", name) or name.startswith(("mlflow.", "prunefront.")):
                raise ValueError(
                    f"{name!r} cannot be a tag (allowed: letters, digits, _ . / - and spaces; not mlflow.*, prunefront.*)"
                )
        return value
