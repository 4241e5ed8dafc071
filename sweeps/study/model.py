"""The study file: read, checked, resolved. Whatever is wrong becomes one line with file, key and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from prune_core.base.errors import BadInput
from prune_core.metrics import Direction
from prune_core.metrics.columns import metric_columns
from sweeps.folder.links import refuse_links
from sweeps.folder.paths import STUDY
from sweeps.storage.place import checked_place
from sweeps.study.credentials import refuse_credentials
from sweeps.study.deciding import deciding_columns
from sweeps.study.errors import one_line
from sweeps.study.objectives import objective_directions
from sweeps.study.plugins import import_plugins_of
from sweeps.study.resolve import resolve
from sweeps.study.running_sections import ResourcesSection, TrackingSection
from sweeps.study.search_sections import SearchSection
from sweeps.study.section import Section
from sweeps.study.sections import (
    CHEAP_IMAGES_PER_CELL,
    ArmSection,
    BaselineSection,
    DataSection,
    EvaluationSection,
    NetworkSection,
)
from sweeps.study.trust import Confirm, NotTrusted, is_received, never, require_trust
from sweeps.study.values import (
    PRIMARY_METRICS,
    Budgets,
    Label,
    Limit,
    Limits,
    Primary,
    Ratios,
    Seed,
    Seeds,
    Title,
    parse_limit,
)
from sweeps.study.yaml import apply_overrides, find_study, read_study_yaml, study_folder

NOTES = "x-"
"""Top-level keys that begin so are not read: a place for what the rest of the file repeats (``<<: *name``)."""


_RECORDED = "as the run wrote it"


class Study(Section):
    """A study: every default resolved, every name known, every path absolute. Frozen, equal to what its own YAML says."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="names the output folder runs/<name> and the MLflow run"
    )
    title: Title = Field(default="", description="one line for the report's head")
    demonstration: bool = Field(
        default=False, description="true: the report calls itself a demonstration and draws no verdicts"
    )
    project: Label = Field(default="prunefront", description="groups studies; the MLflow experiment unless given")
    seed: Seed = Field(default=0, description="the study's seed: cuts the images, part of every random stream")
    data: DataSection = Field(description="the images")
    networks: dict[Label, NetworkSection] = Field(min_length=1, description="networks to prune, by label")
    baseline: BaselineSection | None = Field(default=None, description="short for the baseline of the only network")
    arms: tuple[ArmSection, ...] = Field(min_length=1, description="which methods prune which networks")
    dense: dict[Label, NetworkSection] = Field(
        default={}, description="smaller networks, trained as they are: what pruning has to beat"
    )
    training: dict[str, Any] = Field(
        default={}, description="how baselines are trained, by SGD; the defaults are those of the paper"
    )
    fine_tuning: dict[str, Any] = Field(
        default={},
        description="how pruned networks and controls are fine-tuned: the keys of training, without epochs (see budgets)",
    )
    ratios: Ratios = Field(description="pruning ratios in [0, 1); 0 is always part of a study and need not be named")
    budgets: Budgets = Field(description="epochs of fine-tuning at which networks are judged")
    seeds: Seeds = Field(description="repetitions: independent baselines, each pruned at all ratios")
    objectives: dict[str, Direction] = Field(
        default={}, description="the columns that span the front; empty takes the defaults"
    )
    limits: Limits = Field(default=(), description="demands on winners, for example 'val_ece_t <= 0.05'")
    margins: dict[str, float] = Field(
        default={}, description="how much of a metric may be lost against the control: column -> amount"
    )
    primary: Primary = Field(
        default=PRIMARY_METRICS,
        description="the study's main questions: whether the network recommended for its size (accuracy), its calibration "
        "(ece) or its robustness (mpc) differs from its control; with fewer questions it finds smaller differences",
    )
    select_on: Literal["validation", "report"] = Field(
        default="validation", description="which images decide; where it is report, every page says so"
    )
    evaluation: EvaluationSection = Field(default=EvaluationSection(), description="how networks are judged")
    search: SearchSection = Field(default=SearchSection(), description="what to try next")
    resources: ResourcesSection = Field(default=ResourcesSection(), description="what a trial may use")
    rule: Literal["exact", "paper"] = Field(
        default="exact",
        description="which weights a ratio removes; paper: by the threshold of Liu et al. 2019, which removes one more",
    )
    keep: Literal["all", "front", "none"] = Field(default="all", description="whose weights and logits stay at the end")
    storage: str | None = Field(
        default=None,
        description="object storage that weights and logits of finished trials move to: s3://BUCKET/PREFIX, gs://..., "
        "file:///FOLDER; null is the output folder",
    )
    plugins: tuple[str, ...] = Field(default=(), description="your Python modules with networks, methods, ...")
    plugin_paths: tuple[str, ...] = Field(
        default=(), description="folders to look for plugins in; the study file's own is added"
    )
    tracking: TrackingSection = Field(default=TrackingSection(), description="where MLflow and Optuna keep what they record")

    @field_validator("objectives", mode="before")
    @classmethod
    def _with_directions(cls, value: Any, info: ValidationInfo) -> Any:
        if info.context == _RECORDED:  # the directions are there, and the code that knows them may not be
            return value
        if isinstance(value, list | tuple):
            if len(set(map(str, value))) < len(value):
                raise ValueError(f"{list(value)} lists a name twice")
            value = dict.fromkeys(map(str, value), "")
        return objective_directions(value) if isinstance(value, dict) else value

    @field_validator("storage")
    @classmethod
    def _a_storage(cls, value: str | None) -> str | None:
        return None if value is None else checked_place(value)

    @field_validator("margins")
    @classmethod
    def _no_negative_margin(cls, value: dict[str, float]) -> dict[str, float]:
        for column, amount in value.items():
            if not amount >= 0:
                raise ValueError(f"margin of {column} is {amount} (allowed: numbers from 0)")
        return value

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with other fields; what is worked out of fields is worked out anew."""
        copy = super().model_copy(update=update, deep=deep)
        for name in copy.__dict__.keys() - type(self).model_fields.keys():
            del copy.__dict__[name]
        return copy

    @cached_property
    def parsed_limits(self) -> tuple[Limit, ...]:
        """The limits as comparisons."""
        return tuple(parse_limit(text) for text in self.limits)

    @cached_property
    def decisive(self) -> dict[str, Direction]:
        """The columns that decide: ``val_*`` of each objective that has one, unless the report images decide."""
        return deciding_columns(self.objectives, frozenset(metric_columns()), self.select_on)

    @property
    def report_budgets(self) -> tuple[int, ...]:
        """The budgets at which the test images under corruption are judged; none where there are no corruptions.

        Always the longest, and those asked for. Without a word: all where that is cheap, and where these images decide.
        """
        chosen = self.evaluation
        if chosen.corruptions == "none":
            return ()
        longest = self.budgets[-1]
        if chosen.report_budgets is not None:
            return tuple(sorted({*chosen.report_budgets, longest}))
        cheap = chosen.images_per_cell <= CHEAP_IMAGES_PER_CELL
        return self.budgets if cheap or self.select_on == "report" else (longest,)

    @property
    def pruned_ratios(self) -> tuple[str, ...]:
        """The ratios above 0: ratio 0 is the control, which is always there."""
        return tuple(ratio for ratio in self.ratios if ratio != "0")

    def to_plain(self) -> dict[str, Any]:
        """Return the resolved study as plain data; `study_from_plain` of it is an equal study."""
        return self.model_dump(mode="json")


def study_from_plain(
    plain: Any, *, where: str, folder: Path, received: bool = False, confirm: Confirm = require_trust
) -> Study:
    """Return the checked and resolved study of plain data.

    Args:
        plain: what the YAML file says, overrides applied.
        where: how messages call the file.
        folder: what relative paths in it are relative to.
        received: whether the study is that of an output folder, which somebody may have sent.
        confirm: asked before its plugins are imported; raises where they must not be.

    Raises:
        BadInput: one line with file, key and what is allowed.
    """
    plain = _keys(plain, where)
    try:
        refuse_credentials(plain)
        import_plugins_of(plain, folder, received=received, confirm=confirm)
        study = Study.model_validate(plain)
        return resolve(study, folder)
    except ValidationError as error:
        raise BadInput(f"{where}: {one_line(error, Study)}") from None
    except NotTrusted:
        raise
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None


def load_study(name_or_path: str | Path, overrides: Sequence[str] = (), *, confirm: Confirm = require_trust) -> Study:
    """Return a shipped study by name, or the study of a file.

    Args:
        name_or_path: ``quickstart``, or a path.
        overrides: ``key.sub=value`` each, the value read as YAML; list entries by position (``arms.0.ratios=[0.5]``).
        confirm: asked before plugins are imported. By default those of a file are, as a script that the user names, and
            those of an output folder only when the user has confirmed them.

    Raises:
        BadInput: one line with file, key and what is allowed.
    """
    path = find_study(str(name_or_path))
    switches = _switches(Study)
    plain = read_study_yaml(path, switches=switches)
    received = study_folder(str(name_or_path)) is not None or is_received(path, plain)
    if received:
        refuse_links(path.parent)
    apply_overrides(plain, overrides, switches=switches)
    return study_from_plain(plain, where=path.name, folder=path.parent.resolve(), received=received, confirm=confirm)


def read_study(out: Path) -> Study:
    """Return the study of an output folder for who only reads: nothing of its code is imported.

    A study with plugins is taken as the run wrote it, defaults and names resolved; only its shape is checked.

    Raises:
        BadInput: one line with file, key and what is allowed.
    """
    refuse_links(out)
    path = out / STUDY
    plain = read_study_yaml(path, switches=_switches(Study))
    if not isinstance(plain, dict) or not plain.get("plugins"):
        return load_study(path, confirm=never)
    return study_as_written(plain, path.name)


def study_as_written(plain: Any, where: str) -> Study:
    """Return a study as its run wrote it, with defaults and names resolved; only its shape is checked, and no network built.

    Raises:
        BadInput: one line with file, key and what is allowed.
    """
    known = _keys(plain, where)
    try:
        refuse_credentials(known)
        return Study.model_validate(known, context=_RECORDED)
    except ValidationError as error:
        raise BadInput(f"{where}: {one_line(error, Study)}") from None
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None


def _keys(plain: Any, where: str) -> dict[str, Any]:
    """Return the keys of a study file that are read."""
    if not isinstance(plain, dict):
        raise BadInput(f"{where}: a study file is a mapping of keys to values, this is {type(plain).__name__}")
    return {key: value for key, value in plain.items() if key != "provenance" and not str(key).startswith(NOTES)}


def _switches(model: type[Section], prefix: str = "") -> list[str]:
    """Return the paths of the keys that take true or false and nothing else, sections directly below included."""
    found = []
    for name, field in model.model_fields.items():
        if field.annotation is bool:
            found.append(f"{prefix}{name}")
        elif isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found += _switches(field.annotation, f"{prefix}{name}.")
    return found
