"""Keep a finished grid as a small table in the repository, for `benchmarks.search_quality`.

Usage: python -m benchmarks.pack_world RUN_DIR [--into benchmarks/worlds]

Writes NAME/study.yaml and NAME/records.parquet. Of the records stay: what a row is (arm, network, method, ratio, seed,
budget, status), every metric of the selection images with its twin of the report images, the differences in accuracy to the
control, all costs and the seconds of training and evaluation. Left out: keys, MLflow's run, builds, what was measured by
severity and on training images, the other differences. Of the study's places on the machine only the last name stays.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

WORLDS = Path(__file__).parent / "worlds"
ROW = ["arm", "network", "method", "ratio", "seed", "budget", "status"]
COSTS = ["parameters", "nonzero_parameters", "macs", "nonzero_macs", "size_bytes", "train_seconds", "evaluate_seconds"]


def kept_columns(records: pd.DataFrame) -> list[str]:
    """Return the columns that stay."""
    numbers = list(records.select_dtypes("number").columns)
    selection = [column for column in numbers if column.startswith("val_")]
    twins = [column.removeprefix("val_") for column in selection if column.removeprefix("val_") in numbers]
    deltas = [column for column in ("delta_val_accuracy", "delta_accuracy") if column in numbers]
    costs = [column for column in COSTS if column in records]
    return [*ROW, *selection, *twins, *deltas, *costs]


def without_places(study: dict[str, Any]) -> dict[str, Any]:
    """Return a study as plain data whose paths are names: where the images were is nobody's business."""
    kind, colon, argument = str(study["data"]["name"]).partition(":")
    name = Path(argument).name
    for suffix in (".gz", ".tar", ".tgz"):
        name = name.removesuffix(suffix)
    data = {**study["data"], "name": f"{kind}{colon}{name}"}
    return {**study, "data": data, "plugin_paths": [], "tracking": {}}


def pack(run: Path, into: Path) -> Path:
    """Write the small folder of one finished grid and return it."""
    study = without_places(yaml.safe_load((run / "study.yaml").read_text(encoding="utf-8")))
    text = yaml.safe_dump(study, sort_keys=False, allow_unicode=True)
    places = [line for line in text.splitlines() if ": /" in line or "- /" in line]
    if places:
        raise SystemExit(f"{run}: a path would be kept: {places[0].strip()}")
    out = into / str(study["name"])
    out.mkdir(parents=True, exist_ok=True)
    (out / "study.yaml").write_text(text, encoding="utf-8")
    records = pd.read_parquet(run / "records.parquet")
    records[kept_columns(records)].to_parquet(out / "records.parquet", compression="zstd", index=False)
    return out


def main() -> int:
    """Pack one grid."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN_DIR", help="output folder of a finished grid")
    parser.add_argument("--into", type=Path, default=WORLDS, help="where the folder goes (default benchmarks/worlds)")
    asked = parser.parse_args()
    out = pack(asked.run, asked.into)
    print(f"{out}: {sum(path.stat().st_size for path in out.iterdir()) / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
