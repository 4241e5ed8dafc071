"""Arms and trials of a plan as plain data; what trials share is written once: thousands of them have a few baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prune_core.base.kinds import KINDS
from prune_core.trial.description import TrialDescription
from prune_core.trial.description_parts import MethodDescription, NetworkDescription
from sweeps.plan.arms import Arm, Base
from sweeps.plan.keys import Parts, method_description, network_description, part_label
from sweeps.plan.trials import PlannedTrial
from sweeps.study.model import Study

_TEXTS = ("name", "arm", "network", "method")
_NUMBERS = ("budgets", "report_budgets")
_SHARED = ("baseline", "evaluation", "method", "fine_tuning", "training")
"""Parts of a description that many trials share."""
_PARTS = "parts"

_ARM = ("name", "network", "method", "options", "fine_tuning", "rounds", "round_epochs")


def arm_to_plain(arm: Arm) -> dict[str, Any]:
    """Return an arm as plain data; the sections that it comes from stand in the study file."""
    named = {name: getattr(arm, name) for name in _ARM}
    base = {"name": arm.base.name, "training": arm.base.training}
    return {**named, "ratios": list(arm.ratios), "scratch": list(arm.scratch), "parts": list(arm.parts), "base": base}


def arm_from_plain(plain: Mapping[str, Any], study: Study, bases: dict[str, Base]) -> Arm:
    """Return the arm that `arm_to_plain` wrote.

    Args:
        plain: the arm.
        study: as it was planned.
        bases: those that are known already, by name; one more is added to them.

    Raises:
        KeyError, TypeError, ValueError: that is no arm of the study.
    """
    given, label = plain["base"], str(plain["network"])
    base = bases.setdefault(str(given["name"]), Base(str(given["name"]), label, study.networks[label], given["training"]))
    parts = tuple((str(part), str(choice)) for part, choice in plain["parts"])
    ratios, scratch = (tuple(map(str, plain[name])) for name in ("ratios", "scratch"))
    name, method = str(plain["name"]), str(plain["method"])
    options, fine_tuning = dict(plain["options"]), dict(plain["fine_tuning"])
    rounds, round_epochs = int(plain["rounds"]), int(plain["round_epochs"])
    return Arm(name, label, method, options, ratios, fine_tuning, rounds, round_epochs, scratch, base, parts)


def descriptions_to_plain(study: Study, arms: Iterable[Arm]) -> list[dict[str, Any]]:
    """Return how every network and every method of a study is described, as plain data."""
    found = [("network", str(each.name), each.options) for each in (*study.networks.values(), *study.dense.values())]
    found += [("method", arm.method, arm.options) for arm in arms]
    made = {"network": network_description, "method": method_description}
    return [
        {"kind": kind, "name": name, "options": options, "description": made[kind](name, options).to_plain()}
        for kind, name, options in found
    ]


def descriptions_from_plain(plain: Iterable[Mapping[str, Any]]) -> Parts:
    """Return what `descriptions_to_plain` wrote, as `known_parts` takes it.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    read: dict[str, Callable[[Any], NetworkDescription | MethodDescription]] = {
        "network": NetworkDescription.from_plain,
        "method": MethodDescription.from_plain,
    }
    return {
        part_label(each["kind"], each["name"], each["options"]): read[each["kind"]](each["description"]) for each in plain
    }


def trials_to_plain(trials: Iterable[PlannedTrial]) -> dict[str, list[Any]]:
    """Return trials as plain data: ``parts``, and ``trials`` whose descriptions name their parts by position."""
    parts: list[Any] = []
    places: dict[int, int] = {}  # by identity: what is shared is one object
    entries = []
    for trial in trials:
        description = trial.description.to_plain()
        for name in _SHARED:
            part = getattr(trial.description, name)
            if part is not None and name in description:
                if id(part) not in places:
                    places[id(part)] = len(parts)
                    parts.append(description[name])
                description[name] = places[id(part)]
        named = {name: getattr(trial, name) for name in (*_TEXTS, *_NUMBERS)}
        entries.append({**named, "description": description})
    return {_PARTS: parts, "trials": entries}


def trials_from_plain(plain: Mapping[str, Any]) -> tuple[PlannedTrial, ...]:
    """Return the trials that `trials_to_plain` wrote, or version 0.1.0, which wrote every description whole.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, IndexError: there are none in it, or not such.
    """
    parts = _Parts(plain.get(_PARTS, []))
    return tuple(_trial(entry, parts) for entry in plain["trials"])


class _Parts:
    """The parts that descriptions name by position, each read once."""

    def __init__(self, plain: list[Any]) -> None:
        self._plain = plain
        self._read: dict[tuple[str, int], Any] = {}

    def description(self, plain: Mapping[str, Any]) -> TrialDescription:
        """Return a description whose parts are given whole, or by position."""
        given = {name: plain[name] for name in _SHARED if plain.get(name) is not None}
        return TrialDescription(**{**plain, **{name: self._part(name, part) for name, part in given.items()}})

    def _part(self, name: str, at: Any) -> Any:
        if type(at) is not int:
            return TrialDescription.PARTS[name](at)
        if at < 0:
            raise ValueError(f"no part {at}")
        if (name, at) not in self._read:
            self._read[name, at] = TrialDescription.PARTS[name](self._plain[at])
        return self._read[name, at]


def _trial(entry: Mapping[str, Any], parts: _Parts) -> PlannedTrial:
    description = parts.description(entry["description"])
    texts: dict[str, Any] = {name: entry[name] for name in _TEXTS}
    numbers: dict[str, Any] = {name: tuple(entry[name]) for name in _NUMBERS}
    if not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("a name is no text")
    if not all(type(number) is int and number >= 0 for each in numbers.values() for number in each):
        raise ValueError("a budget is no whole number")
    if description.kind not in KINDS or type(description.seed) is not int:
        raise ValueError(f"no trial of kind {str(description.kind)[:40]!r}")
    float(description.ratio)
    return PlannedTrial(
        key=description.key,
        kind=description.kind,
        ratio=description.ratio,
        seed=description.seed,
        description=description,
        baseline_key=description.baseline.key,
        **texts,
        **numbers,
    )
