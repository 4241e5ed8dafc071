"""Names of runs that tell them apart in MLflow's narrow column: what differs stands within the first 20 characters."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping

from prune_core.base.kinds import CONTROL, NEVER_FINE_TUNED, PRUNED
from sweeps.plan.arms import Arm
from sweeps.plan.trials import PlannedTrial

SHOWN = 20
"""Characters of a name that MLflow's table of runs shows before it cuts it off."""
_WORD = 6
"""Characters for the network, and for the arm."""
_SEPARATORS = re.compile(r"[-_ ./=]+")


def short_names(names: Iterable[str], width: int = _WORD) -> dict[str, str]:
    """Return a name of at most so many characters for each, all different: ``resnet110`` becomes ``res110``.

    Words that all names share are left out, and a number at the end is kept, since networks are told apart by it.
    """
    whole = sorted(set(names))
    words = {name: [word for word in _SEPARATORS.split(name) if word] for name in whole}
    shared = set.intersection(*map(set, words.values())) if len(whole) > 1 else set()
    found: dict[str, str] = {}
    for name in whole:
        own = "".join(word for word in words[name] if word not in shared) or "".join(words[name]) or name
        taken = set(found.values())
        found[name] = next(each for each in _tries(name, own, width) if each not in taken)
    return found


def _tries(name: str, own: str, width: int) -> Iterator[str]:
    number = re.search(r"\d*$", own[1:])
    tail = number.group()[-(width - 1) :] if number else ""
    yield own if len(own) <= width else own[: width - len(tail)] + tail
    yield own[:width]
    digest = hashlib.sha256(name.encode()).hexdigest()
    for length in range(1, width):
        yield own[: width - length] + digest[:length]
    yield from (f"{at:0{width}x}" for at in range(16**width))


class RunNames:
    """Names the runs of a study: ``vgg-l1filt-.50-s1``. The trial's whole name is a tag beside it.

    Args:
        arms: of the plan. A search that draws a rate for each candidate adds it behind the name.
        dense: labels of the smaller networks that are trained as they are.
    """

    def __init__(self, arms: Iterable[Arm], dense: Iterable[str] = ()) -> None:
        arms = list(arms)
        self._networks = short_names([*(arm.network for arm in arms), *dense])
        self._arms = short_names(_tail(arm.name, arm.network) for arm in arms)

    def of(self, trial: PlannedTrial) -> str:
        """Return the name of a trial's run."""
        network, tail = self._networks.get(trial.network, trial.network), _tail(trial.arm, trial.network)
        ratio = "" if trial.kind in (CONTROL, *NEVER_FINE_TUNED) and trial.ratio == "0" else f"-{_ratio(trial.ratio)}"
        budget = "" if trial.description.budget is None else f"-b{trial.description.budget}"
        if trial.kind == PRUNED:
            known, rest = _longest(self._arms, tail)
            return f"{network}-{known}{ratio}-s{trial.seed}{budget}{rest}"
        rest = tail.removesuffix(trial.kind).strip("-")
        return f"{network}-{trial.kind}{ratio}-s{trial.seed}{budget}" + (f"-{rest}" if rest else "")


def _tail(arm: str, network: str) -> str:
    return arm.removeprefix(network).strip("-")


def _longest(names: Mapping[str, str], tail: str) -> tuple[str, str]:
    """Return the short name of the longest known beginning of an arm, and what comes behind it."""
    known = max((name for name in names if tail == name or tail.startswith(f"{name}-")), key=len, default=None)
    return (tail, "") if known is None else (names[known], tail[len(known) :])


def _ratio(ratio: str) -> str:
    return (ratio if len(ratio) > 4 else f"{float(ratio):.2f}").removeprefix("0")
