"""What the engine itself costs: thousands of trials that do nothing, through the whole command ``prunefront run``.

    python -m benchmarks.engine_scale [500 1500 5000] [--search grid|random|optuna] [--profile FILE]

Per count a fresh process runs a study of about so many trials whose trials only write their records (`engine_noop`), with
MLflow and Optuna in the output folder and the report at the end, and then runs it again, when everything is there. Reported:
processor seconds of the driver alone (not of Ray, not of the workers) and wall seconds, and the driver's peak memory.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

SEEDS = 5
CONTROLS_AND_BASELINES = 2


def study_of(trials: int, search: str) -> dict[str, Any]:
    """Return a study with about so many trials: one network, two methods, five seeds, as many ratios as it takes."""
    ratios = max(1, round((trials / SEEDS - CONTROLS_AND_BASELINES) / 2))
    return {
        "name": "noop",
        "data": {"name": "digits", "train": 300, "validation": 100, "test": 100},
        "networks": {"small_vgg": {"options": {"width": 4}}},
        "training": {"epochs": 1, "learning_rate": 0.1},
        "fine_tuning": {"learning_rate": 0.01},
        "arms": [{"methods": ["unstructured", "l1_filter"]}],
        "ratios": [round((number + 1) / (ratios + 1), 5) for number in range(ratios)],
        "budgets": [0],
        "seeds": list(range(SEEDS)),
        "plugins": ["engine_noop"],
        "tracking": {"log_models": 0},  # trials that do nothing leave no network
        "evaluation": {"images_per_cell": 20, "selection_images_per_cell": 20, "train_images": 100},
        **({} if search == "grid" else {"search": {"kind": search, "candidates": 2 * ratios}}),
    }


def main() -> None:
    """Measure each count in a process of its own, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("counts", nargs="*", type=int, default=[500, 1500, 5000])
    parser.add_argument("--search", default="grid", choices=("grid", "random", "optuna"))
    parser.add_argument("--profile", type=Path, help="write cProfile's numbers of the first run here")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.inside:
        inside(chosen.inside, chosen.profile)
        return
    print("| trials | driver CPU per trial | wall per trial | peak memory | run again: CPU | run again: wall |")
    print("|---|---|---|---|---|---|")
    for count in chosen.counts:
        print(line(count, chosen.search, chosen.profile), flush=True)


def line(count: int, search: str, profile: Path | None) -> str:
    """Run a study twice; return the table's line."""
    folder = Path(tempfile.mkdtemp(prefix="engine-"))
    try:
        shutil.copy(Path(__file__).with_name("engine_noop.py"), folder)
        (folder / "study.yaml").write_text(yaml.safe_dump(study_of(count, search)))
        first, again = (measured(folder, each) for each in (profile, None))
    finally:
        shutil.rmtree(folder)
    trials = first["trials"]
    return (
        f"| {trials:,} | {1000 * first['cpu'] / trials:.1f} ms | {1000 * first['wall'] / trials:.1f} ms | "
        f"{first['memory']:.0f} MB | {again['cpu']:.1f} s | {again['wall']:.1f} s |"
    )


def measured(folder: Path, profile: Path | None) -> dict[str, float]:
    """Run the study in a process of its own; return what that measured about itself."""
    command = [sys.executable, "-m", "benchmarks.engine_scale", "--inside", str(folder)]
    command += ["--profile", str(profile)] if profile else []
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    if ran.returncode != 0:
        raise RuntimeError(ran.stdout + ran.stderr)
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


def inside(folder: Path, profile: Path | None) -> None:
    """Run the study here, as the command does, and print what it took."""
    profiler = cProfile.Profile(time.thread_time) if profile else None  # processor time of the main thread
    begun = time.monotonic()
    if profiler:
        profiler.enable()
    from dashboards.cli import build
    from sweeps.cli.group import cli, run_cli
    from sweeps.folder.pages import Pages

    out = folder / "runs" / "noop"
    status = run_cli(cli, ["run", str(folder / "study.yaml"), "--out", str(out)], pages=Pages(build))
    if profiler:
        profiler.disable()
        profiler.dump_stats(str(profile))
    if status != 0:
        sys.exit(status)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "trials": len(list(out.glob("trials/*/outcome.json"))),
                "cpu": used.ru_utime + used.ru_stime,
                "wall": time.monotonic() - begun,
                "memory": used.ru_maxrss * 1024 / 1e6,
            }
        )
    )


if __name__ == "__main__":
    main()
