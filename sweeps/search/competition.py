"""One more seed of a told candidate competes with a new candidate, within a number of trials that is fixed beforehand.

Between two batches of a search the model says what each would add to the front of what is known. Per trial that it costs,
the better one is done. A decision depends on what was told; it is written down before its trials start, and not made again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune_core.base.files import read_json, write_json
from sweeps.folder.paths import MORE_SEEDS
from sweeps.search.space import Candidate

Extra = tuple[str, int]
"""The key of a candidate, and a seed that it is tried with besides those of the study."""
More = Mapping[str, tuple[dict[str, float], int]]
"""By candidate: the means of what the search is told over all its seeds, adjusted, and how many seeds they are of."""


@dataclass(frozen=True)
class Decision:
    """What was decided between two batches.

    Attributes:
        asked: how many candidates had been asked for.
        new: what the best new candidate is worth per trial.
        chosen: extra seeds, each with its worth per trial; none: new candidates are next.
    """

    asked: int
    new: float
    chosen: tuple[tuple[Extra, float], ...]

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        chosen = [{"candidate": key, "seed": seed, "worth_per_trial": worth} for (key, seed), worth in self.chosen]
        return {"asked": self.asked, "new_worth_per_trial": self.new, "chosen": chosen}


class Competition:
    """Who gets the next trials, and what was decided so far.

    Args:
        rule: what decisions depend on beside what was told; those of another rule in the folder are not kept.
        seeds: the extra seeds, in the order in which a candidate gets them.
        most: extra seeds at most, over all candidates.
        total: trials of the whole search.
        new: trials that a new candidate costs.
        needs: returns the names of the trials that an extra seed needs, its own and unpruned ones that others may share.
        out: the output folder.
    """

    def __init__(
        self,
        rule: Mapping[str, Any],
        *,
        seeds: Sequence[int],
        most: int,
        total: int,
        new: int,
        needs: Callable[[Candidate, int], Collection[str]],
        out: Path,
    ) -> None:
        self._rule, self._seeds, self._most, self._total = dict(rule), tuple(seeds), most, total
        self._needs, self._out, self.new = needs, out, new
        self.decisions = decisions_in(out, self._rule)

    @property
    def given(self) -> list[Extra]:
        """The extra seeds that were decided on."""
        return [extra for decision in self.decisions for extra, _ in decision.chosen]

    def _bought(self) -> set[str]:
        return {name for key, seed in self.given for name in self._needs(Candidate.from_key(key), seed)}

    @property
    def limit(self) -> int:
        """How many candidates the search may ask for in all, with what extra seeds have left of its trials."""
        return max(0, self._total - len(self._bought())) // self.new

    def settled(self, asked: int) -> bool:
        """Whether it was decided already that new candidates are next after so many."""
        return any(decision.asked == asked and not decision.chosen for decision in self.decisions)

    def decide(self, asked: int, told: Sequence[tuple[str, float]], new: Sequence[float], batch: int) -> Decision:
        """Return what is worth most per trial: extra seeds, as many trials as a batch at most, or else new candidates.

        Args:
            asked: how many candidates were asked for.
            told: the key of each told candidate, and what one more seed of it is worth.
            new: what new candidates are worth, the best first.
            batch: how many candidates are asked for at once.
        """
        bought, given = self._bought(), self.given
        bar = (new[0] if len(new) else 0.0) / self.new
        left = min(self._total - asked * self.new - len(bought), batch * self.new)
        open_ = {key: worth for key, worth in told if worth > 0}
        chosen: list[tuple[Extra, float]] = []
        while open_ and len(given) + len(chosen) < self._most:
            offers = []
            for key, worth in open_.items():
                had = sum(one == key for one, _ in given)
                if had < len(self._seeds):
                    names = set(self._needs(Candidate.from_key(key), self._seeds[had])) - bought
                    offers += [(-worth / len(names), key, self._seeds[had], names)] if 0 < len(names) <= left else []
            if not offers or -min(offers)[0] <= bar:
                break
            rate, key, seed, names = min(offers, key=lambda one: one[:2])
            chosen.append(((key, seed), -rate))
            bought |= names
            left -= len(names)
            del open_[key]
        return Decision(asked, bar, tuple(chosen))

    def note(self, decision: Decision) -> None:
        """Write a decision down."""
        self.decisions.append(decision)
        write_json(self._out / MORE_SEEDS, {"rule": self._rule, "decisions": [one.plain() for one in self.decisions]})


def decisions_in(out: Path, rule: Mapping[str, Any]) -> list[Decision]:
    """Return the decisions in a folder that were made by a rule."""
    try:
        found = read_json(out / MORE_SEEDS)
        if found.get("rule") != dict(rule):
            return []
        return [
            Decision(
                int(one["asked"]),
                float(one["new_worth_per_trial"]),
                tuple(((str(e["candidate"]), int(e["seed"])), float(e["worth_per_trial"])) for e in one["chosen"]),
            )
            for one in found["decisions"]
        ]
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return []
