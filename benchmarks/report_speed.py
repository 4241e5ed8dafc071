"""How long the report and the live page take, and how large they are, for 100, 1,000 and 10,000 records.

python -m benchmarks.report_speed [RECORDS ...]
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from prune_core.base.files import write_json
from prune_core.base.trial_folder import RESAMPLED, budget_folder
from prune_core.evaluation.resampled import COLUMNS, RESAMPLES
from sweeps.study.yaml import write_study

T = TypeVar("T")
METRICS = (
    "accuracy",
    "ece",
    "nll",
    "mpc",
    "ece_t",
    "nll_t",
    "corruption_ece",
    *(f"mpc_s{s}" for s in range(1, 6)),
    *(f"corruption_ece_s{s}" for s in range(1, 6)),
)


def records(count: int, seeds: int = 3) -> pd.DataFrame:
    """Return a table of about so many random records: four methods on two networks, as many ratios as it takes."""
    stream = np.random.default_rng(0)
    arms = [(network, method) for network in ("a", "b") for method in ("control", "l1", "slim", "free", "random")]
    ratios = np.linspace(0.1, 0.95, max(1, round(count / (8 * seeds * 2))))
    rows = [
        {
            "arm": f"{network}-{method}",
            "network": network,
            "method": method,
            "ratio": 0.0 if method == "control" else ratio,
            "seed": seed,
            "budget": budget,
            "status": "complete",
            "cause": None,
            "key": f"{network}{method}{ratio:.5f}{seed}".replace(".", ""),
            "nonzero_parameters": 1e6 * (1 - ratio),
            "nonzero_macs": 1e8 * (1 - ratio),
            "compression": 1 / (1 - ratio),
        }
        for network, method in arms
        for ratio in (ratios[:1] if method == "control" else ratios)
        for seed in range(seeds)
        for budget in (0, 2)
    ]
    table = pd.DataFrame(rows)
    for name in (*METRICS, *(f"val_{name}" for name in METRICS[:4])):
        table[name] = (
            stream.uniform(0.5, 0.9, len(table))
            if name.startswith(("acc", "mpc", "val_acc"))
            else stream.uniform(0, 0.2, len(table))
        )
    same = ["network", "seed", "budget"]
    control = table[table["method"].eq("control")].set_index(same)
    at = pd.MultiIndex.from_frame(table[same])
    for name in METRICS[:4]:
        table[f"delta_{name}"] = table[name].to_numpy() - control[name].reindex(at).to_numpy()
    return table


def write_noise(out: Path, table: pd.DataFrame) -> None:
    """Write what resampled images do to each record, as trials do: half of it common to all."""
    stream = np.random.default_rng(1)
    names = [before + name for before in ("", "val_") for name in COLUMNS]
    common = {name: stream.normal(0, 0.005, RESAMPLES) for name in names}
    for key, budget in zip(table["key"], table["budget"], strict=True):
        noise = np.zeros(RESAMPLES, dtype=[(name, "<f4") for name in names])
        for name in names:
            noise[name] = common[name] + stream.normal(0, 0.005, RESAMPLES)
        folder = budget_folder(out / "trials" / key, budget)
        folder.mkdir(parents=True)
        np.save(folder / RESAMPLED, noise)


def folders(out: Path, table: pd.DataFrame) -> None:
    """Write the trials' folders as far as the live page looks at them."""
    for key, rows in table.groupby("key"):
        for budget in rows["budget"]:
            write_json(out / "trials" / str(key) / f"budget-{budget:04d}" / "record.json", {})
        write_json(out / "trials" / str(key) / "outcome.json", {"status": "complete", "cause": None, "budgets": [0, 2]})
    later = time.time() + 60  # the table is newer than the trials: a sweep that has ended
    os.utime(out / "records.parquet", (later, later))


def timed(work: Callable[[], T]) -> tuple[T, str]:
    """Return what some work gives, and the wall and CPU time it took."""
    start, busy = time.perf_counter(), time.process_time()
    result = work()
    return result, f"{time.perf_counter() - start:.1f} s ({time.process_time() - busy:.1f} s of CPU)"


def main(sizes: list[int]) -> None:
    """Print one line per size."""
    from dashboards.live.server import LiveStudy
    from dashboards.report.report import build_report

    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            table = records(size)
            table.to_parquet(out / "records.parquet")
            write_noise(out, table)
            write_study(
                {"name": "speed", "seeds": [0, 1, 2], "budgets": [0, 2]}, out / "study.yaml", provenance={"of": "chance"}
            )
            page, spent = timed(partial(build_report, out))
            size_mib = page.stat().st_size / 2**20
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{len(table):6d} records, report: {spent}, {size_mib:.2f} MiB, peak {peak:.0f} MiB", flush=True)
            folders(out, table)
            live = LiveStudy(out)
            _, looked = timed(live.state)
            figures, drawn = timed(live.figures)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            live_mib = len(figures.encode()) / 2**20
            print(f"{'':6} live page: state {looked}, front {drawn}, {live_mib:.2f} MiB, peak {peak:.0f} MiB", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=int, nargs="*", default=[100, 1000, 10000], help="how many records, one or more")
    main(parser.parse_args().records)
