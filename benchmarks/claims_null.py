"""How often a report says something false where nothing differs, and finds what does: whole reports simulated.

    python -m benchmarks.claims_null --studies 2000 --seeds 5 --candidates 32 [--discrete] [--skewed] [--images 0.5] [--json]
    python -m benchmarks.claims_null --studies 2000 --table

A study: one network, arms at several ratios, accuracy, ECE and mPC on selection and report images. All candidates and the
control are equally good (A/A), which is where the best of them owes most to luck. A seed moves all of them; a candidate's
own luck with a seed is shared by its selection and report numbers; images move each candidate, in part alike for its seeds.
``--discrete``: metrics count 1,000 images, of which each network gets one or two otherwise than its baseline. ``--skewed``:
a candidate's luck is exponential, a long tail to one side. ``--spread``: true values differ by so many seed deviations, for
the coverage alone (then claims are no errors).

The claims are made by the functions that the report calls, in all of its places, on arrays; ``--whole`` goes through the
report's tables and pages, and says the same of the same study. Power: to one candidate the smallest
difference that ``plan`` names is added in ECE and mPC, and it is found where the report claims it for that candidate.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri, stdtrit

from benchmarks.arguments import OneLineParser
from benchmarks.claims_tables import whole_report
from benchmarks.claims_worlds import (
    ACCURACY,
    BETTER,
    ECE,
    IMAGES,
    METRICS,
    MPC,
    SEED,
    Array,
    Said,
    Study,
    Weights,
    World,
    contrasts,
    layout,
    simulate,
)
from dashboards.analysis.chosen import chosen
from dashboards.analysis.claims import Chosen, Paired, claims, paired_family
from dashboards.analysis.ratio_panels import ratio_figures
from sweeps.front.claim_levels import DECIDABLE, Place
from sweeps.front.demands import MARGIN
from sweeps.front.image_noise import main_effect
from sweeps.front.power import smallest_difference

_ROUNDING = 1e-12
"""An interval that is narrower is that of equal numbers, but for rounding: there is no ratio to it."""
SEED_OF_THE_TABLE = 7
"""Of the simulation; 0 to 4 were looked at while the method was made."""


def report(study: Study, weights: Weights) -> Said:
    """Make the claims of a report, in every place."""
    winners, found, said, alone = gains(study)
    able = np.flatnonzero(_kept(study).mean(axis=1) >= -MARGIN)
    said += [_beyond(alone[ACCURACY]), *(_driving(study, *place) for place in weights)]
    said += [_apart(study, able, who, metric) for who, metric, *_ in winners]
    return Said(any(said), found, winners)


Winners = list[tuple[int, int, Chosen, Chosen]]


def gains(study: Study) -> tuple[Winners, NDArray[np.bool_], list[bool], list[list[Paired | None]]]:
    """Make the claims against the control: of those that were chosen, and of all.

    Returns:
        Who was chosen, ``(C, 3)`` where a gain is claimed, whether anything is claimed, and the differences by metric.
    """
    found = np.zeros((len(study.differences), 3), dtype=bool)
    accuracy = _kept(study)
    able = np.flatnonzero(accuracy.mean(axis=1) >= -MARGIN)
    winners = [_winner(study, able, accuracy, metric) for metric in (ECE, MPC)] if len(able) else []
    smallest = _smallest(study, able, accuracy) if len(able) else []
    demands, against = len(smallest), [-MARGIN] * len(smallest) + [0.0] * len(winners)
    primary = claims([*smallest, *(gap for _, _, gap, _ in winners)], against, place="primary")
    for (who, metric, gap, _), sure in zip(winners, primary[demands:], strict=True):
        found[who, metric] = sure and gap.mean * BETTER[metric] > 0

    alone = [_family(study.differences[..., metric], study.difference_noise, metric) for metric in range(3)]
    rows = [one for row in zip(*alone, strict=True) for one in row]
    beaten = claims(rows, place="control")
    better = [one is not None and one.mean * BETTER[at % 3] > 0 for at, one in enumerate(rows)]
    found |= (np.array(beaten) & np.array(better)).reshape(-1, 3)
    return winners, found, [any(primary[demands:]), any(beaten)], alone  # that the smallest keeps its accuracy is true


def _kept(study: Study) -> Array:
    return study.selection[1:, :, ACCURACY] - study.selection[0, :, ACCURACY]


def _driving(study: Study, place: Place, families: Sequence[Array]) -> bool:
    """Return whether anything is claimed of effects or trends."""
    told = [name for figure in ratio_figures() for name in figure.told]
    metrics = [at for at, name in enumerate(METRICS) if place != "trends" or name in told]
    each: list[Paired | None] = []
    for weight in families:
        values = np.einsum("gc,csm->gsm", weight, study.report[1:])
        moved = None if study.noise is None else np.einsum("gc,csmr->gsmr", weight, study.noise[1:])
        each += [one for metric in metrics for one in _family(values[..., metric], moved, metric)]
    return any(claims(each, place=place))


def _apart(study: Study, able: NDArray[np.int64], who: int, metric: int) -> bool:
    """Return whether anybody is told apart from a chosen candidate."""
    rivals, moved = able[able != who], study.selection_noise
    gaps = study.selection[1 + rivals, :, metric] - study.selection[1 + who, :, metric]
    noise = None if moved is None else moved[1 + rivals, :, metric] - moved[1 + who, :, metric]
    return any(claims(paired_family(gaps, noise), place="rivals", among=len(able)))


def _beyond(found: Sequence[Paired | None]) -> bool:
    """Return whether a loss beyond the margin is claimed; that accuracy stays within it, as is demanded, is true here."""
    told = claims(found, [-MARGIN] * len(found), place="margins")
    return any(sure and one is not None and one.mean < -MARGIN for one, sure in zip(found, told, strict=True))


def _family(values: Array, noise: Array | None, metric: int) -> list[Paired | None]:
    return paired_family(values, None if noise is None else noise[:, :, metric]) if len(values) else []


def _winner(study: Study, able: NDArray[np.int64], accuracy: Array, metric: int) -> tuple[int, int, Chosen, Chosen]:
    """Return the candidate that is chosen by a metric, the metric, its difference to the control and its number."""
    selection = BETTER[metric] * study.selection[1 + able, :, metric]
    at = int(selection.mean(axis=1).argmax())
    found = []
    for values, noise in (
        (study.differences, study.difference_noise),
        (study.report[1:], None if study.noise is None else study.noise[1:]),
    ):
        one = chosen(
            values[able, :, metric],
            None if noise is None else noise[able, :, metric],
            at,
            selection,
            demands=[(accuracy[able], -MARGIN, False)],
        )
        assert one is not None  # noqa: S101  (every seed is there)
        found.append(one)
    return int(able[at]), metric, found[0], found[1]


def _smallest(study: Study, able: NDArray[np.int64], accuracy: Array) -> list[Chosen | None]:
    """Return what is demanded of the smallest candidate that keeps its accuracy: chosen for its size, no luck in that."""
    _, ratios = layout(len(accuracy))
    at = int(np.lexsort((able, -(able % ratios)))[0])
    moved = study.selection_noise
    noise = None if moved is None else (moved[1 + able] - moved[0])[:, :, ACCURACY]
    return [chosen(accuracy[able], noise, at, None, demands=[(accuracy[able], -MARGIN, True)])]


def naive_width(values: Array, noise: Array | None) -> float:
    """Return the width of the interval that does not know of the choice: t over seeds, normal over images."""
    half = -float(stdtrit(len(values) - 1, 0.025)) * float(values.std(ddof=1)) / np.sqrt(len(values))
    images = 0.0 if noise is None else np.sqrt(float(main_effect(noise)))
    return 2 * float(np.hypot(half, ndtri(0.975) * images))


def planted(study: Study, world: World, who: int) -> Study:
    """Return the study with the smallest difference that ``plan`` names added to one candidate, in ECE and mPC."""
    added = np.zeros_like(study.report)
    own = IMAGES**-1 * np.sqrt(1.5) * np.ones(3) if world.discrete else SEED
    for metric in (ECE, MPC):
        deviation = np.sqrt(2.0) * float(own[metric]) * np.sqrt(1.0 + world.images**2 * (not world.discrete))
        images = 0.0 if world.discrete else np.sqrt(2.0) * world.images * float(own[metric])
        size = smallest_difference(world.seeds, world.candidates, deviation, images)
        added[1 + who, :, metric] = BETTER[metric] * (size if np.isfinite(size) else 0.0)
    return replace(study, report=study.report + added, selection=study.selection + added)


@dataclass(frozen=True)
class Counted:
    """What is counted in one study: a false claim, and of each winner coverage, width against naive ones, and power."""

    false: bool
    covered: list[bool]
    widths: list[float]
    found: list[bool]


def simulated(world: World, seed: int = SEED_OF_THE_TABLE, *, whole: bool = False) -> Iterator[Counted]:
    """Simulate studies without end; ``whole``: by the pages of the report instead of what they call."""
    stream, weights = np.random.default_rng(seed), contrasts(world.candidates)
    for number in count():
        study = simulate(stream, world)
        said = whole_report(study) if whole else report(study, weights)
        covered, widths = [], []
        for who, metric, gap, value in said.winners:
            truth = study.true[1 + who, metric]
            if world.seeds < 2:
                continue  # one seed has no interval
            covered += [bool(one.low <= truth <= one.high) for one in (gap, value) if one is not None]
            moved = study.difference_noise
            usual = naive_width(study.differences[who, :, metric], None if moved is None else moved[who, :, metric])
            widths.append((gap.high - gap.low) / usual if usual > _ROUNDING else 1.0)
        who, other = number % world.candidates, planted(study, world, number % world.candidates)
        again = whole_report(other).found if whole else gains(other)[1]
        yield Counted(said.false, covered, widths, [bool(again[who, metric]) for metric in (ECE, MPC)])


def summary(counted: Sequence[Counted]) -> dict[str, Any]:
    """Return the numbers of some studies; None where there is none: studies of one seed have no interval."""
    return {
        "any_false_claim": _of(np.mean, [one.false for one in counted]),
        "winner_coverage": _of(np.mean, [each for one in counted for each in one.covered]),
        "winner_width_ratio": _of(np.median, [each for one in counted for each in one.widths]),
        "power": _of(np.mean, [each for one in counted for each in one.found]),
        "studies": len(counted),
    }


def _of(number: Callable[[Sequence[float]], Any], values: Sequence[float]) -> float | None:
    return float(number(values)) if len(values) else None


def measure(world: World, studies: int, seed: int = SEED_OF_THE_TABLE, *, whole: bool = False) -> dict[str, Any]:
    """Simulate some studies and count."""
    return summary(list(islice(simulated(world, seed, whole=whole), studies)))


TABLE = {
    "normal": [World(seeds, candidates) for seeds in (3, 5, 10) for candidates in (2, 8, 32, 64)],
    "normal, images": [World(seeds, candidates, images=0.5) for seeds, candidates in ((3, 32), (5, 8), (5, 32), (10, 64))],
    "discrete": [World(5, candidates, discrete=True) for candidates in (8, 32)],
    "discrete, images": [World(seeds, candidates, discrete=True, images=0.5) for seeds, candidates in ((5, 8), (10, 32))],
    "skewed": [World(seeds, candidates, skewed=True) for seeds, candidates in ((5, 8), (5, 32), (10, 32))],
}
"""The settings of the table in ``docs/report.md``."""


def table_row(noise: str, world: World, found: dict[str, Any]) -> str:
    """Return one line of the table, as Markdown; of studies with several seeds."""
    studies = int(found["studies"])
    power = f"{found['power']:.2f}" if world.seeds >= DECIDABLE else "–"
    false = f"{found['any_false_claim']:.3f} (up to {upper_end(round(found['any_false_claim'] * studies), studies):.3f})"
    cells = [noise, world.seeds, world.candidates, studies, false, f"{found['winner_coverage']:.3f}"]
    return f"| {' | '.join(map(str, cells))} | {found['winner_width_ratio']:.2f} | {power} |"


def upper_end(hits: int, studies: int) -> float:
    """Return the upper end of the 95 % interval of a share (Clopper and Pearson 1934)."""
    return float(betaincinv(hits + 1, studies - hits, 0.975)) if hits < studies else 1.0


def _at_least(least: float, kind: Callable[[str], float]) -> Callable[[str], Any]:
    """Return what reads a number of the command line and refuses a smaller one, NaN and infinity."""

    def read(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            number = np.nan
        if not least <= number < np.inf:
            kinds = "whole" if kind is int else "finite"
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed (allowed: {kinds} numbers from {least})")
        return number

    return read


def main() -> None:
    """Print one object, or a line for people."""
    positive, size = _at_least(1, int), _at_least(0, float)
    parser = OneLineParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=positive, default=2000)
    parser.add_argument("--seeds", type=positive, default=5)
    parser.add_argument("--candidates", type=positive, default=32)
    parser.add_argument("--discrete", action="store_true")
    parser.add_argument("--skewed", action="store_true")
    parser.add_argument("--images", type=size, default=0.5)
    parser.add_argument("--spread", type=size, default=0.0)
    parser.add_argument("--seed", type=_at_least(0, int), default=SEED_OF_THE_TABLE, help="of the simulation")
    parser.add_argument("--whole", action="store_true", help="through the report's tables and pages; the same, but slow")
    parser.add_argument("--table", action="store_true", help="all settings of the table in docs/report.md, as Markdown")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.table:
        for noise, world in ((noise, world) for noise, worlds in TABLE.items() for world in worlds):
            print(table_row(noise, world, measure(world, given.studies, given.seed)), flush=True)
        return
    world = World(given.seeds, given.candidates, given.discrete, given.skewed, given.images, given.spread)
    found = measure(world, given.studies, given.seed, whole=given.whole)
    texts = [f"{name} {'-' if value is None else format(value, 'g')}" for name, value in found.items()]
    print(json.dumps(found, allow_nan=False) if given.json else "  ".join(texts))


if __name__ == "__main__":
    main()
