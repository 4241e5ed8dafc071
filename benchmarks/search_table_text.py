"""The search table as a page and as plain data, with what it says about the goals."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.search_statistics import Key, clusters_of, mean_of, ratio_of
from benchmarks.search_worlds import FRACTIONS, OURS, SLOW, Group

if TYPE_CHECKING:
    from benchmarks.search_table import Found

Table = Mapping[str, Mapping[str, "Found"]]
"""Group -> searcher -> what it did."""
GOALS = (1 / 8, 1 / 4)
"""Fractions at which the goals are set."""
HALF, ROUGH_LIMIT = 0.5, 1.1
PACKAGES = ("optuna", "optuna-integration", "botorch", "gpytorch", "torch", "numpy")
NAMES = {1 / 16: "1/16", 1 / 8: "1/8", 1 / 4: "1/4", 1 / 2: "1/2"}


def rivals(found: Mapping[str, Found], ablations: Sequence[str]) -> list[str]:
    """Return the searchers of others."""
    return [name for name in found if name != OURS and name not in ablations]


def best_rival(found: Mapping[str, Found], fraction: float, ablations: Sequence[str]) -> str:
    """Return the searcher of others that misses least at a fraction, against ours over the searches that both did."""
    able = [name for name in rivals(found, ablations) if fraction in found[name].missing]

    def against(name: str) -> float:
        ours, theirs = found[OURS].missing[fraction], found[name].missing[fraction]
        keys = shared(ours, theirs)
        return sum(theirs[key] for key in keys) / max(sum(ours[key] for key in keys), 1e-12)

    return min(able, key=against)


def shared(one: Mapping[Key, float], other: Mapping[Key, float]) -> list[Key]:
    """Return the searches that both did."""
    return sorted(set(one) & set(other))


def ratio_at(found: Mapping[str, Found], other: str, fraction: float) -> Any:
    """Return ours over another's missing share, with its interval, over the searches that both did."""
    ours, theirs = found[OURS].missing[fraction], found[other].missing[fraction]
    keys = shared(ours, theirs)
    clusters = clusters_of({key: found[OURS].told[key] for key in keys})
    return ratio_of({key: ours[key] for key in keys}, {key: theirs[key] for key in keys}, clusters)


def block(group: Group, found: Mapping[str, Found], floor: Mapping[Key, float], ablations: Sequence[str]) -> list[str]:
    """Return the part of the page about one group."""
    lines = [
        f"### `{group.name}`" + {"designed": ", the grid that the prototype was designed on"}.get(group.kind, ""),
        "",
        "| searcher | " + " | ".join(f"share at {NAMES[each]}" for each in FRACTIONS) + " | trials to .95 | regret at 1/4 |",
        "|---|" + "---|" * len(FRACTIONS) + "---:|---:|",
    ]
    for name, one in found.items():
        cells = []
        for fraction in FRACTIONS:
            if fraction not in one.missing:
                cells.append("-")
                continue
            share = {key: 1 - value for key, value in one.missing[fraction].items()}
            cells.append(mean_of(share, clusters_of({key: one.told[key] for key in share})).text())
        regret = one.regret.get(1 / 4)
        cells += [trials_text(one), "-" if not regret else f"{np.mean(list(regret.values())):.3f}"]
        lines.append(f"| {_called(name, ablations)} | {' | '.join(cells)} |")
    if floor:
        lines += ["", f"Regret of who tried everything (the noise of one seed): {np.mean(list(floor.values())):.3f}."]
    return [*lines, ""]


def trials_text(one: Found) -> str:
    """Return the median number of trials to nearly all, and how many searches did not get there."""
    short = sum(one.trials[key] > one.tried[key] for key in one.trials)
    middle, tried = float(np.median(list(one.trials.values()))), max(one.tried.values())
    text = f"more than {tried}" if middle > tried else f"{middle:.0f}"
    return text + (f" ({short} of {len(one.trials)} never)" if short else "")


def _called(name: str, ablations: Sequence[str]) -> str:
    if name == OURS:
        return "**ours** (`default`)"
    return name if name in ablations else f"`{name}`"


def ratio_lines(groups: Sequence[Group], table: Table, ablations: Sequence[str]) -> list[str]:
    """Return the table of ratios: ours against the best other searcher, against random and TPE."""
    lines = [
        "| grid | at | best other | ours / best other, missing share | ours / random | ours / tpe |",
        "|---|---|---|---|---|---|",
    ]
    for group in groups:
        found = table[group.name]
        for fraction in (each for each in FRACTIONS if each in found[OURS].missing):
            best = best_rival(found, fraction, ablations)
            able = [other for other in (best, "random", "tpe") if fraction in found.get(other, found[OURS]).missing]
            texts = [ratio_at(found, other, fraction).text(2) if other in found else "-" for other in able]
            lines.append(f"| {group.name} | {NAMES[fraction]} | {best} | {' | '.join(texts)} |")
    return lines


def goal_lines(groups: Sequence[Group], table: Table, ablations: Sequence[str]) -> list[str]:
    """Return each goal with whether it is met, in words."""
    unseen = [group for group in groups if group.kind == "unseen"]
    lines = []
    for fraction in GOALS:
        met, said = 0, []
        for group in (each for each in unseen if rivals(table[each.name], ablations)):
            best = best_rival(table[group.name], fraction, ablations)
            ratio = ratio_at(table[group.name], best, fraction)
            good = ratio.value <= HALF and ratio.high < 1
            met += good
            said.append(f"{group.name} {ratio.text(2)} against {best}, {'met' if good else 'not met'}")
        lines.append(
            f"- At {NAMES[fraction]}, missing share at most half of the best other searcher's, interval below 1: "
            f"met on {met} of {len(unseen)} grids that were not designed on ({'; '.join(said)})."
        )
    trials = []
    for group in (each for each in unseen if "tpe" in table[each.name]):
        ours, tpe = (float(np.mean(list(table[group.name][name].trials.values()))) for name in (OURS, "tpe"))
        verdict = "met" if ours / tpe <= HALF else "not met"
        trials.append(f"{group.name} {ours:.1f} against {tpe:.1f}, {verdict}")
    lines.append(
        "- Trials to .95 at most half of TPE's (means; who did not get there counts as one more than tried): "
        f"{'; '.join(trials)}."
    )
    rough = []
    for group in (each for each in groups if each.kind == "rough"):
        for fraction in GOALS:
            ratio = ratio_at(table[group.name], "random", fraction)
            verdict = "met" if ratio.value <= ROUGH_LIMIT else "not met"
            rough.append(f"{group.name} at {NAMES[fraction]} {ratio.text(2)}, {verdict}")
    if not rough:
        return [*lines, f"- On rough grids at most {ROUGH_LIMIT} times random's missing share: not measured in this run."]
    lines.append(f"- On rough grids at most {ROUGH_LIMIT} times random's missing share: {'; '.join(rough)}.")
    return lines


def thought_lines(table: Table) -> list[str]:
    """Return how long the searchers think."""
    lines = ["| searcher | median seconds per proposal | longest |", "|---|---:|---:|"]
    names = list(dict.fromkeys(name for found in table.values() for name in found))
    for name in names:
        seconds = [each for found in table.values() if name in found for each in found[name].seconds]
        lines.append(f"| {name} | {np.median(seconds):.2f} | {max(seconds):.1f} |")
    return lines


def page(
    groups: Sequence[Group],
    table: Table,
    floors: Mapping[str, Mapping[Key, float]],
    seeds: int,
    ablations: Sequence[str],
    asked: str = "",
) -> str:
    """Return the whole page."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES if _there(name))
    lines = [
        "# Searches compared",
        "",
        f"Made by `python -m benchmarks.search_table{asked}`; do not edit.",
        "What the numbers mean: [search.md](../search.md).",
        "",
        f"Up to {seeds} search seeds per grid and searcher; batches of 4. Machine: 2 shared cores, "
        f"Linux {platform.machine()}, Python {platform.python_version()}; {versions}.",
        "",
        "95 % intervals are percentiles of a bootstrap over told trial seeds and over the searches within them: with two or "
        "three trial seeds they are rough and rather too narrow.",
        "",
        "## Goals",
        "",
        *goal_lines(groups, table, ablations),
        "",
        "## Ours against others",
        "",
        *ratio_lines(groups, table, ablations),
        "",
        "## Grid by grid",
        "",
        *(line for group in groups for line in block(group, table[group.name], floors[group.name], ablations)),
        "## Seconds of thought",
        "",
        f"On a machine shared with other work. {', '.join(SLOW)}: to a quarter of the candidates, on two grids.",
        "",
        *thought_lines(table),
    ]
    return "\n".join(lines) + "\n"


def _there(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def to_plain(table: Table) -> dict[str, Any]:
    """Return the numbers as plain data: by grid and searcher, one value per search."""
    return {
        group: {
            name: {
                "missing": {NAMES[at]: _rounded(values) for at, values in one.missing.items()},
                "regret": {NAMES[at]: _rounded(values) for at, values in one.regret.items()},
                "trials_to_95": _rounded(one.trials),
                "told_seed": [one.told[key] for key in sorted(one.told)],
            }
            for name, one in found.items()
        }
        for group, found in table.items()
    }


def _rounded(values: Mapping[Key, float]) -> list[float]:
    return [round(float(values[key]), 5) for key in sorted(values)]
