"""The study file: read, checked, resolved. Whatever is wrong becomes one line with file, key and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from prune_core.base.errors import BadInput
from sweeps.storage.place import checked_place
from sweeps.study.errors import one_line
from sweeps.study.objectives import decisive_columns, objective_directions
from sweeps.study.resolve import resolve
from sweeps.study.sections import (
    CHEAP_IMAGES_PER_CELL,
    ArmSection,
    BaselineSection,
    DataSection,
    EvaluationSection,
    NetworkSection,
    ResourcesSection,
    SearchSection,
    Section,
    TrackingSection,
)
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
from sweeps.study.yaml import apply_overrides, find_study, read_study_yaml

Direction = Literal["max", "min"]


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
    training: dict[str, Any] = Field(default={}, description="training recipe of baselines (see Recipe)")
    fine_tuning: dict[str, Any] = Field(
        default={}, description="fine-tuning recipe (see Recipe); its epochs are the budgets"
    )
    ratios: Ratios = Field(description="pruning ratios in [0, 1); 0 is always part of a study and need not be named")
    budgets: Budgets = Field(description="epochs of fine-tuning at which networks are judged")
    seeds: Seeds = Field(description="repetitions: independent baselines, each pruned at all ratios")
    objectives: dict[str, Direction] = Field(default={}, description="what the front is made of; empty takes the defaults")
    limits: Limits = Field(default=(), description="demands on winners, for example 'val_ece_t <= 0.05'")
    margins: dict[str, float] = Field(
        default={}, description="how much of a metric may be lost against the control: column -> amount"
    )
    primary: Primary = Field(
        default=PRIMARY_METRICS,
        description="what the study is made to find out: whether the network recommended for its size (accuracy), its "
        "calibration (ece) or its robustness (mpc) differs from its control; the fewer, the smaller the differences found",
    )
    select_on: Literal["validation", "report"] = Field(
        default="validation", description="which images decide; report is said wherever it is shown"
    )
    evaluation: EvaluationSection = Field(default=EvaluationSection(), description="how networks are judged")
    search: SearchSection = Field(default=SearchSection(), description="what to try next")
    resources: ResourcesSection = Field(default=ResourcesSection(), description="what a trial may use")
    rule: Literal["exact", "paper"] = Field(default="exact", description="paper: the study's own threshold, off by one")
    keep: Literal["all", "front", "none"] = Field(default="all", description="whose weights and logits stay at the end")
    storage: str | None = Field(
        default=None,
        description="object storage that weights and logits of finished trials move to: s3://BUCKET/PREFIX, gs://..., "
        "file:///FOLDER; null is the output folder",
    )
    plugins: tuple[str, ...] = Field(default=(), description="Python modules with networks, methods, ... of yours")
    plugin_paths: tuple[str, ...] = Field(
        default=(), description="folders to look for plugins in; the study file's own is added"
    )
    tracking: TrackingSection = Field(default=TrackingSection(), description="where the books are kept")

    @field_validator("objectives", mode="before")
    @classmethod
    def _with_directions(cls, value: Any) -> Any:

        if isinstance(value, list | tuple):
            if len(set(map(str, value))) < len(value):
                raise ValueError(f"{list(value)} has a name twice")
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

    @cached_property
    def parsed_limits(self) -> tuple[Limit, ...]:
        """The limits as comparisons."""
        return tuple(parse_limit(text) for text in self.limits)

    @cached_property
    def decisive(self) -> dict[str, Direction]:
        """The columns that decide: ``val_*`` of each objective that has one, unless the report images decide."""
        return decisive_columns(self.objectives, self.select_on)

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


def study_from_plain(plain: Any, *, where: str, folder: Path) -> Study:
    """Return the checked and resolved study of plain data.

    Args:
        plain: what the YAML file says, overrides applied.
        where: how messages call the file.
        folder: what relative paths in it are relative to.

    Raises:
        BadInput: one line with file, key and what is allowed.
    """
    if not isinstance(plain, dict):
        raise BadInput(f"{where}: a study file is a mapping of keys to values, this is {type(plain).__name__}")
    plain = {key: value for key, value in plain.items() if key != "provenance"}
    try:
        study = Study.model_validate(plain)
    except ValidationError as error:
        raise BadInput(f"{where}: {one_line(error, Study)}") from None
    try:
        return resolve(study, folder)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None


def load_study(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Study:
    """Return a shipped study by name, or the study of a file.

    Args:
        name_or_path: ``quickstart``, or a path.
        overrides: ``key.sub=value`` each, the value read as YAML; list entries by position (``arms.0.ratios=[0.5]``).

    Raises:
        BadInput: one line with file, key and what is allowed.
    """
    path = find_study(str(name_or_path))
    plain = read_study_yaml(path)
    apply_overrides(plain, overrides)
    return study_from_plain(plain, where=path.name, folder=path.parent.resolve())
