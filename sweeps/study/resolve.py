"""The second look at a study: every name against its registry, every default resolved, every path absolute."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.errors import BadInput, UnknownName
from prune_core.base.kinds import REFERENCES
from prune_core.corruptions import EXTRA, STANDARD, expanded
from prune_core.data import DATASETS
from sweeps.study.errors import naming_key
from sweeps.study.objectives import check_columns, default_objectives
from sweeps.study.options import check_layers_fit, method_options, method_traits, network_options, recipe_of
from sweeps.study.plugins import plugin_folders
from sweeps.study.precision import check_precision
from sweeps.study.search import checked_search
from sweeps.study.sections import SEED, SEED_IN_NAME, ArmSection, BaselineSection, DataSection, NetworkSection, choices_of

if TYPE_CHECKING:
    from sweeps.study.model import Study


def resolve(study: Study, folder: Path) -> Study:
    """Return the study with names checked, defaults resolved and paths absolute.

    Args:
        study: what pydantic let through.
        folder: the study file's folder; relative paths start there. Its plugins are imported already.

    Raises:
        BadInput: the key's path, what is wrong, what is allowed.
    """
    check_precision(study)
    networks = _lone_baseline(study)
    with naming_key("training"):
        training = recipe_of(study.training)
    with naming_key("fine_tuning"):
        fine_tuning = _without_epochs(study.fine_tuning)
    changes: dict[str, Any] = {
        "plugin_paths": plugin_folders(study.plugin_paths, folder) if study.plugins else (),
        "baseline": None,
        "training": training,
        "fine_tuning": fine_tuning,
        "networks": {
            label: _network(f"networks.{label}", label, each, training, folder) for label, each in networks.items()
        },
        "dense": {label: _network(f"dense.{label}", label, each, training, folder) for label, each in study.dense.items()},
    }
    _check_labels(study, networks)
    changes["arms"] = tuple(
        _arm(f"arms.{position}", each, study, training, fine_tuning) for position, each in enumerate(study.arms)
    )
    with naming_key("data"):
        changes["data"] = _data(study.data, folder)
    if study.data.validation == 0 and study.select_on == "validation":
        raise BadInput(
            "data.validation: 0 leaves nothing to choose on (allowed: whole numbers from 1, or select_on: report)"
        )
    changes["evaluation"] = _evaluation(study, folder)
    changes["objectives"] = study.objectives or default_objectives(study)
    check_columns(study, changes["objectives"])
    changes["search"] = checked_search(study)
    return study.model_copy(update=changes)


def _without_epochs(values: dict[str, Any], base: dict[str, Any] | None = None) -> dict[str, Any]:
    if "epochs" in values:
        raise BadInput("epochs of fine-tuning are the study's budgets (allowed: leave this key out)")
    resolved = recipe_of({**(base or {}), **values})
    del resolved["epochs"]
    return resolved


def _lone_baseline(study: Study) -> dict[str, NetworkSection]:
    if study.baseline is None:
        return study.networks
    if len(study.networks) != 1:
        raise BadInput("baseline: this key is for studies of one network (allowed: networks.LABEL.baseline)")
    label, network = next(iter(study.networks.items()))
    if network.baseline is not None:
        raise BadInput(f"baseline: given twice, also under networks.{label}.baseline")
    return {label: network.model_copy(update={"baseline": study.baseline})}


def _network(where: str, label: str, network: NetworkSection, training: dict[str, Any], folder: Path) -> NetworkSection:
    name = network.name or label
    with naming_key(f"{where}.options"):
        options = network_options(name, network.options)
    with naming_key(f"{where}.training"):
        recipe_of({**training, **network.training})
    baseline = network.baseline
    if baseline is not None and where.startswith("dense."):
        raise BadInput(f"{where}.baseline: the dense ladder is trained here (allowed: leave this key out)")
    if baseline is not None:
        with naming_key(f"{where}.baseline.checkpoint"):
            baseline = _checkpoint(baseline, folder, label)
    return network.model_copy(update={"name": name, "options": options, "baseline": baseline})


def _checkpoint(baseline: BaselineSection, folder: Path, label: str) -> BaselineSection:
    path = Path(_absolute(str(baseline.checkpoint), folder))
    path = path if path.is_absolute() else folder / path  # a name with {seed} in it
    each_seed = SEED in str(path)
    if each_seed and baseline.sha256 is not None:
        raise BadInput("sha256 is of one file, {seed} names several, one for each seed (allowed: leave sha256 out)")
    if not each_seed and not path.is_file():
        moved = f"if it was moved, --set networks.{label}.baseline.checkpoint=PATH: trials count by what is in it, and stay"
        raise BadInput(f"there is no file {str(path)!r} (allowed: a readable checkpoint; {moved}; {SEED_IN_NAME})")
    return baseline.model_copy(update={"checkpoint": path})


def _check_labels(study: Study, networks: dict[str, NetworkSection]) -> None:
    for label in [*networks, *study.dense]:
        if label == "all" or label in REFERENCES or not label.replace("-", "").replace("_", "").replace(".", "").isalnum():
            raise BadInput(
                f"{'networks' if label in networks else 'dense'}.{label}: this label is not allowed "
                "(allowed: letters, digits, - _ . and no word of the records)"
            )
    both = set(networks) & set(study.dense)
    if both:
        raise BadInput(f"dense.{min(both)}: this label is also under networks (allowed: a label of its own)")


def _arm(where: str, arm: ArmSection, study: Study, training: dict[str, Any], fine_tuning: dict[str, Any]) -> ArmSection:
    for label in arm.networks:
        if label != "all" and label not in study.networks:
            raise BadInput(f"{where}.networks: {UnknownName('network label', label, [*study.networks, 'all'])}")
    if "all" in arm.networks and len(arm.networks) > 1:
        raise BadInput(f"{where}.networks: all stands alone, got {list(arm.networks)}")
    for method in arm.methods:
        with naming_key(f"{where}.methods"):
            method_traits(method)
        for chosen in _checked_choices(where, arm):
            with naming_key(f"{where}.{'choices' if chosen else 'options'}"):
                options = method_options(method, {**arm.options, **chosen}, study.rule)
                for label in study.networks if "all" in arm.networks else arm.networks:
                    section = study.networks[label]
                    check_layers_fit(section.name or label, section.options, options, (arm.ratios or study.ratios)[-1])
    with naming_key(f"{where}.fine_tuning"):
        _without_epochs(arm.fine_tuning, fine_tuning)
    with naming_key(f"{where}.training"):
        recipe_of({**training, **arm.training})
    ratios = [ratio for ratio in arm.ratios or study.ratios if ratio != "0"]
    if not ratios:
        raise BadInput(f"{where}.ratios: 0 alone prunes nothing (allowed: decimals in (0, 1))")
    _check_rounds(where, arm, study)
    _check_scratch(where, arm, ratios, {**training, **arm.training})
    return arm


def _check_rounds(where: str, arm: ArmSection, study: Study) -> None:
    if arm.rounds == 1 and arm.round_epochs != 1:
        raise BadInput(
            f"{where}.round_epochs: with one round there is nothing between (allowed: rounds from 2, or leave this key out)"
        )
    last = (arm.rounds - 1) * arm.round_epochs
    if study.budgets[-1] < last:
        raise BadInput(
            f"{where}.rounds: the last of {arm.rounds} rounds comes after {last} epochs, the longest budget is "
            f"{study.budgets[-1]} (allowed: a budget from {last}, fewer rounds, fewer round_epochs)"
        )


def _check_scratch(where: str, arm: ArmSection, ratios: list[str], training: dict[str, Any]) -> None:
    if arm.scratch is None:
        return
    for ratio in arm.scratch:
        if ratio not in ratios:
            raise BadInput(f"{where}.scratch: {ratio} is no ratio of this arm (allowed: {', '.join(ratios)})")
    if arm.rounds > 1:
        raise BadInput(f"{where}.scratch: needs an architecture that is found at once (allowed: rounds: 1)")
    if recipe_of(training)["epochs"] < 1:
        raise BadInput(f"{where}.scratch: trains as a baseline does (allowed: training.epochs from 1)")


def _checked_choices(where: str, arm: ArmSection) -> list[dict[str, Any]]:
    """Return the combinations of an arm's choices, which are some, all different, and not options at the same time."""
    for option, values in arm.choices.items():
        if option in arm.options:
            raise BadInput(f"{where}.choices.{option}: also under options (allowed: one of the two)")
        if not values or any(value in values[:place] for place, value in enumerate(values)):
            raise BadInput(f"{where}.choices.{option}: {list(values)} is no list of choices (allowed: different values)")
    return list(choices_of(arm))


def _data(section: DataSection, folder: Path) -> DataSection:

    kind, colon, argument = section.name.partition(":")
    DATASETS.get(kind)
    options = dict(section.options)
    if isinstance(options.get("root"), str):
        options["root"] = _absolute(options["root"], folder)
    return section.model_copy(update={"name": f"{kind}{colon}{_absolute(argument, folder)}", "options": options})


def _absolute(path: str, folder: Path) -> str:
    """Return a path from the study file's folder, or from where the user is; as it is where there is nothing at either."""
    given = Path(path).expanduser()
    found = next((place for place in (folder / given, Path.cwd() / given) if path and place.exists()), None)
    return path if found is None else str(found.resolve())


def _evaluation(study: Study, folder: Path) -> Any:
    section = study.evaluation
    with naming_key("evaluation.corruptions"):
        corruptions = _corruptions(section.corruptions)
    selection = _selection_corruptions(study)
    if section.folder is not None and section.corruptions != "official":
        raise BadInput(
            f"evaluation.folder: corruptions {section.corruptions!r} read no folder (allowed: leave this key out)"
        )
    if section.sha256 is not None and section.corruptions != "official":
        raise BadInput(f"evaluation.sha256: corruptions {section.corruptions!r} read no files (allowed: leave this key out)")
    counts = (
        ("images_per_cell", section.images_per_cell, study.data.test),
        ("selection_images_per_cell", section.selection_images_per_cell, study.data.validation),
        ("train_images", section.train_images, study.data.train),
    )
    for key, count, available in counts:
        if available and count > available and key in section.model_fields_set:
            raise BadInput(f"evaluation.{key}: {count} images asked, the study has {available} (allowed: up to {available})")
    _check_report_budgets(study)
    # a default that is more than there is means all of them
    update: dict[str, Any] = {key: available for key, count, available in counts if available and count > available}
    update |= {"corruptions": corruptions, "selection_corruptions": selection}
    if section.folder is not None:
        update["folder"] = (folder / section.folder.expanduser()).resolve()
    return section.model_copy(update=update)


def _corruptions(chosen: str | list[str]) -> str | list[str]:
    """Return a list of corruptions and groups as names; what comes to the benchmark's 15 is called as everybody calls it."""
    if isinstance(chosen, str):
        return chosen
    names = expanded(chosen)
    return "generated" if set(names) == set(STANDARD) else list(names)


def _selection_corruptions(study: Study) -> tuple[str, ...]:
    """Return the corruptions of the validation images as names; the benchmark's groups in the benchmark's order."""
    with naming_key("evaluation.selection_corruptions"):
        names = expanded(study.evaluation.selection_corruptions)
        chosen = next((group for group in (EXTRA, STANDARD) if set(names) == set(group)), names)
        if chosen != EXTRA and study.evaluation.corruptions == "none":
            raise BadInput("evaluation.corruptions is none, so nothing is corrupted (allowed: leave this key out)")
        if chosen != EXTRA and study.data.validation == 0:
            raise BadInput("data.validation is 0, so there are no images to corrupt (allowed: leave this key out)")
    return chosen


def _check_report_budgets(study: Study) -> None:
    listed = study.evaluation.report_budgets
    if listed is None:
        return
    for budget in listed:
        if budget not in study.budgets:
            raise BadInput(
                f"evaluation.report_budgets: {budget} is none of the study's budgets "
                f"(allowed: {', '.join(map(str, study.budgets))})"
            )
    if study.evaluation.corruptions == "none":
        raise BadInput("evaluation.report_budgets: there are no corruptions to judge (allowed: leave this key out)")
    if study.select_on == "report" and study.search.kind != "grid" and len(study.report_budgets) < len(study.budgets):
        raise BadInput(
            "evaluation.report_budgets: a search that chooses on the report images needs them at every budget "
            "(allowed: leave this key out)"
        )
