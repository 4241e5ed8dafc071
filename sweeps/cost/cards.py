"""GPU hours of a study from the tables that `make gpu-check` wrote, for plans made where there is no GPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.files import read_json
from prune_core.base.recipe import Recipe
from prune_core.trial.description import BaselineDescription
from prune_core.trial.description_parts import NetworkDescription
from sweeps.cost.calibration import trained_baselines
from sweeps.cost.cost import Speed, cost_of
from sweeps.cost.sizes import Sizes
from sweeps.plan.keys import network_description
from sweeps.study.options import network_options

if TYPE_CHECKING:
    from sweeps.plan.plan import Plan
    from sweeps.plan.trials import PlannedTrial

TABLES = Path(__file__).parents[2] / "docs" / "results"
"""Where the tables lie in a checkout; an installation without the docs has none."""

SHAPE = (32, 32, 3)
"""Of the images that the tables were measured with."""


@dataclass(frozen=True)
class Card:
    """What was measured on one kind of GPU.

    Attributes:
        name: of the card.
        file: name of the table.
        training: rows of `benchmarks.gpu`, with name, options, precision, batch and ``rate``, the steps per second.
        evaluation: rows with the best rate of images judged.
    """

    name: str
    file: str
    training: tuple[Mapping[str, Any], ...]
    evaluation: tuple[Mapping[str, Any], ...]

    def speed(self, baseline: BaselineDescription, known: Speed, sizes: Sizes) -> Speed | None:
        """Return how fast a network is on this card; None where just that was not measured.

        Args:
            baseline: the description of the baseline.
            known: what is the same on every device.
            sizes: of the data.
        """
        recipe, network = baseline.training or Recipe(), baseline.network
        if tuple(sizes.shape) != SHAPE:
            return None
        for row in self.training:
            rate = row.get("rate")
            same = (row.get("precision"), row.get("batch")) == (recipe.precision, recipe.batch_size)
            judged = next((each.get("best") for each in self.evaluation if each["network"] == row["network"]), None)
            if same and isinstance(rate, float) and isinstance(judged, float) and _is(row, network):
                return replace(known, train=rate * recipe.batch_size, judge=judged, device="gpu")
        return None


def cards(folder: Path = TABLES) -> Iterator[Card]:
    """Yield what was measured, a card each; a file that is none of ours is passed over."""
    for path in sorted(folder.glob("gpu-*.json")):
        try:
            found = read_json(path)
            yield Card(found["card"], path.name, tuple(found["rows"]["training"]), tuple(found["rows"]["evaluation"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue


def card_hours(
    plan: Plan,
    out: Path,
    speeds: Mapping[str, Speed],
    sizes: Sizes,
    decided: Sequence[PlannedTrial] = (),
    *,
    folder: Path = TABLES,
) -> list[tuple[Card, float]]:
    """Return the hours of what is missing on each kind of GPU that was measured, one trial at a time.

    A card on which one of the study's networks, precisions or batch sizes was not measured is left out. Pruned networks are
    counted as if they were whole.
    """
    baselines = trained_baselines(plan.trials)
    found = []
    for card in cards(folder):
        there = {label: card.speed(baselines[label], speed, sizes) for label, speed in speeds.items() if label in baselines}
        fast = {label: speed for label, speed in there.items() if speed is not None}
        if fast and fast.keys() == baselines.keys():
            found.append((card, cost_of(plan, out, fast, sizes, decided).device_seconds / 3600))
    return found


def card_lines(
    plan: Plan, out: Path, speeds: Mapping[str, Speed], sizes: Sizes, decided: Sequence[PlannedTrial] = ()
) -> list[str]:
    """Return what a plan says of GPUs where the study asks for one and there is none here."""
    if plan.study.resources.device != "cuda" or any(speed.device == "gpu" for speed in speeds.values()):
        return []
    found = card_hours(plan, out, speeds, sizes, decided)
    if not found:
        return ["  GPU hours  unknown: these networks were measured on no GPU yet (make gpu-check, where there is one)"]
    return [f"  GPU hours  about {hours:.1f} on one {card.name}, from docs/results/{card.file}" for card, hours in found]


def _is(row: Mapping[str, Any], network: NetworkDescription) -> bool:
    if row.get("name") != network.name:
        return False
    return network_description(network.name, network_options(network.name, row["options"])) == network
