"""The five answers that the first screen of a report must give, worked out from the records without the report's code.

python -m benchmarks.first_screen DIR

It knows the default rule only (a study without limits and margins) and candidates of equal seeds, as in quickstart.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

LOST = {"delta_val_accuracy": -0.01, "delta_val_mpc": -0.02}
GAINED = {"delta_val_ece": 0.01}
_SHOWN = ["accuracy", "ece", "mpc", "worst_corruption_accuracy", "size_bytes", "macs"]
_CANDIDATE = ["arm", "network", "method", "ratio", "budget"]
_UNPRUNED = ["baseline", "control", "dense", "scratch"]


def five_answers(records: pd.DataFrame) -> dict[str, str]:
    """Return question -> answer, from the table of records of a study without limits and margins.

    Raises:
        ValueError: no pruned network qualifies with a smaller file than its control.
    """
    table = records[records["budget"].eq(records["budget"].max()) & records["status"].eq("complete")]
    means = table.groupby(_CANDIDATE)[
        [*LOST, *GAINED, "accuracy", "ece", "mpc", "worst_corruption_accuracy", "size_bytes", "macs"]
    ]
    found = means.mean().reset_index()
    control = found[found["method"].eq("control")].groupby("network")["size_bytes"].min()
    pruned = found[~found["method"].isin(_UNPRUNED)]
    kept = pd.Series(True, index=pruned.index)
    for name, least in LOST.items():
        kept &= pruned[name].ge(least)
    for name, most in GAINED.items():
        kept &= pruned[name].le(most)
    smaller = pruned[kept & pruned["size_bytes"].lt(pruned["network"].map(control))]
    if not len(smaller):
        raise ValueError("no pruned network qualifies with a smaller file than its control")
    one = smaller.sort_values("size_bytes").iloc[0]
    own = table[table["arm"].eq(one["arm"]) & table["ratio"].eq(one["ratio"])]
    worst = own["worst_corruption"].mode().iloc[0].replace("_", " ")
    full = float(control[one["network"]])
    return {
        "which": f"{one['network']}, {one['method']} {one['ratio']:g}, {one['budget']} epochs",
        "why": f"the smallest file of {len(smaller)} of {len(pruned)}: {one['size_bytes']:,.0f} against {full:,.0f} bytes",
        "how sure": f"{len(own)} seeds; accuracy {100 * own['delta_accuracy'].mean():+.1f} points on average",
        "what it costs": f"accuracy {100 * one['accuracy']:.1f} %, ECE {100 * one['ece']:.2f} %, "
        f"mPC {100 * one['mpc']:.1f} %, file {100 * (one['size_bytes'] / full - 1):+.0f} %",
        "what breaks it first": f"{worst}: {100 * one['worst_corruption_accuracy']:.1f} %",
    }


if __name__ == "__main__":
    for question, answer in five_answers(pd.read_parquet(Path(sys.argv[1]) / "records.parquet")).items():
        print(f"{question}: {answer}")
