"""What a study's parent run says about the study: a description with links, parameters, and the images among its inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prune_core.base.addresses import shown
from sweeps.plan.plan import Plan
from sweeps.study.model import Study
from sweeps.tracking.entry import ON_FRONT, Images

REPORT_PAGE = "report/index.html"
"""The report among the parent's artifacts."""


@dataclass(frozen=True)
class About:
    """What a study is.

    Attributes:
        text: the description, in Markdown, without links.
        parameters: what it asks for, flat.
        images: its images; None where they are not known.
    """

    text: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    images: Images | None = None


NOTHING = About()
"""Of a tracker that is used without a study."""


def about_study(plan: Plan) -> About:
    """Return what is said about a study: as its file says, before anything ran."""
    study = plan.study
    return About(_text(study, plan), _parameters(study), study_images(plan))


def study_images(plan: Plan) -> Images | None:
    """Return the images of a study; None where the run does not know them."""
    facts, data = plan.data, plan.study.data
    if plan.checksum is None:
        return None
    profile: dict[str, object] = {"validation": data.validation, "train": data.train, "test": data.test}
    if facts is not None and facts.counted:
        profile |= {"images": facts.train + facts.test, "shape": list(facts.shape), "classes": facts.classes}
    return Images(data.name.partition(":")[0], plan.checksum, shown(data.name), profile)


def finished_text(about: About, front: Path, experiment: str, run: str) -> str:
    """Return the description of a parent run whose sweep ended, with what there is and links to it.

    Args:
        about: the study.
        front: ``front.csv``.
        experiment: MLflow's id of the experiment.
        run: MLflow's id of the parent run.
    """
    import pandas as pd  # 0.25 s of CPU, where there is a table

    lines = [about.text, ""]
    place = f"#/experiments/{experiment}"
    if front.is_file() and not (table := pd.read_csv(front)).empty:
        longest = int(table["budget"].max())
        members = int(table["budget"].eq(longest).sum())
        lines.append(
            f"**Front**: {members} candidates after {longest} epoch{'s' * (longest != 1)} of fine-tuning, {len(table)} over "
            f"all budgets; their runs carry the tag `{ON_FRONT}` = `true`."
        )
    report = f"{place}/runs/{run}/artifacts/{REPORT_PAGE}"
    lines.append(f"**Look at**: [report]({report}), [all runs of the experiment]({place}/runs)")
    return "\n".join(lines)


def _text(study: Study, plan: Plan) -> str:
    better = {"min": "small", "max": "large"}
    wanted = ", ".join(f"{column} ({better[direction]})" for column, direction in study.objectives.items())
    methods = sorted({arm.method for arm in plan.arms})
    lines = [
        f"**{study.name}**: which of {_some(methods, 'method')} at which of {_some(study.pruned_ratios, 'ratio')} and after "
        f"how much fine-tuning ({_epochs(study.budgets)}) gives the smallest network that keeps its quality?",
        "",
        f"- **Networks**: {_list(study.networks)}",
        f"- **Methods**: {_list(methods)}",
        f"- **Images**: {shown(study.data.name)}",
        f"- **Objectives**: {wanted}; decided on {study.select_on} images",
    ]
    if study.limits:
        lines.append(f"- **Limits**: {_list(study.limits)}")
    return "\n".join(lines)


def _parameters(study: Study) -> dict[str, object]:
    return {
        "data": shown(study.data.name),
        "networks": _list(study.networks),
        "methods": _list(sorted({name for arm in study.arms for name in arm.methods})),
        "ratios": _list(study.ratios),
        "budgets": _list(study.budgets),
        "seeds": _list(study.seeds),
        "objectives": _list(study.objectives),
        "limits": _list(study.limits) or "none",
        "select_on": study.select_on,
        "search": study.search.kind,
        "corruptions": study.evaluation.corruptions,
        **{f"fine_tuning.{name}": value for name, value in study.fine_tuning.items()},
        **{f"training.{name}": value for name, value in study.training.items()},
    }


def _epochs(budgets: Sequence[int]) -> str:
    return f"{_list(budgets)} epoch{'s' * (list(budgets) != [1])}"


def _list(names: Iterable[object]) -> str:
    return ", ".join(str(name) for name in names)


def _some(names: Iterable[object], what: str) -> str:
    count = len(list(names))
    return f"{count} {what}{'s' * (count != 1)}"
