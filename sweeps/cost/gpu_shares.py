"""``gpus_per_trial: auto``: which share of a GPU a trial of each network gets, measured once and written into the folder."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.files import read_json, write_json
from prune_core.trial.description import BaselineDescription
from sweeps.cost.share_process import STEPS
from sweeps.cost.sizes import Sizes, sizes_of
from sweeps.folder.paths import GPU_SHARES
from sweeps.study.running_sections import AUTO, AUTO_SHARE

if TYPE_CHECKING:
    from sweeps.plan.plan import Plan
    from sweeps.study.model import Study

COUNTS = (1, 2, 4)
"""Trials on one GPU that are tried."""
WORTH = 1.1
"""Times the steps per second of fewer trials, below which more of them are not worth it: each then takes longer to end."""
FULL = 0.9
"""Of a GPU's memory that trials may fill together; images that are kept for evaluation take what is free."""
SECONDS = 3.0
LIMIT = 300.0
"""Seconds after which trainings that do not answer are ended, as if they did not fit."""


@dataclass(frozen=True)
class Together:
    """Some trainings at once on one GPU.

    Attributes:
        rate: steps per second of all of them.
        bytes: of the largest.
    """

    rate: float
    bytes: int


Measure = Callable[[Mapping[str, Any], int], Together]


def in_processes(asked: Mapping[str, Any], count: int) -> Together:
    """Measure so many trainings at once, each in a process of its own, as trials are.

    Args:
        asked: what `sweeps.cost.share_process` reads.
        count: of trainings.

    Raises:
        RuntimeError: one of them ended without an answer: no memory, as a rule.
    """
    command = [sys.executable, "-m", "sweeps.cost.share_process"]
    started = [
        subprocess.Popen(  # noqa: S603  (our own module)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        for _ in range(count)
    ]
    end = threading.Timer(LIMIT, _kill, (started,))
    end.daemon = True
    end.start()
    try:
        for process in started:
            _send(process, json.dumps(asked))
        held = [int(_answer(process)["bytes"]) for process in started]
        for process in started:
            _send(process, "go")
        return Together(sum(float(_answer(process)["rate"]) for process in started), max(held))
    finally:
        end.cancel()
        _kill(started)
        for process in started:
            process.wait()


def gpu_shares(plan: Plan, out: Path, tell: Callable[[str], None], measure: Measure = in_processes) -> dict[str, float]:
    """Return the share of a GPU that a trial gets, by the network's label.

    What stands in the study's folder counts; what is missing there is measured where this machine has a GPU, and written
    down. Elsewhere a trial gets a whole one (`AUTO_SHARE`), and nothing is written.

    Args:
        plan: of the study.
        out: the study's folder.
        tell: called with a line about each measurement.
        measure: of some trainings at once; by default each in a process of its own.
    """
    resources = plan.study.resources
    baselines = {trial.network: trial.description.baseline for trial in plan.trials}
    if resources.gpus_per_trial != AUTO:
        return dict.fromkeys(baselines, resources.share)
    total, sizes = _gpu_bytes(), sizes_of(plan.study, plan.data)
    known = _known(out / GPU_SHARES)
    missing = [label for label in baselines if label not in known]
    if total and sizes is not None and missing:
        for label in missing:
            known[label] = _measured(asked_of(plan.study, baselines[label], sizes), total, measure)
            tell(f"gpus_per_trial of {label}: {known[label]['share']:g}, measured: {_text(known[label])}")
            write_json(out / GPU_SHARES, known)
    elif missing:
        tell(f"gpus_per_trial: auto has no GPU to measure here, so every trial gets {AUTO_SHARE:g}")
    return {label: float(known[label]["share"]) if label in known else AUTO_SHARE for label in baselines}


def asked_of(study: Study, baseline: BaselineDescription, sizes: Sizes, device: str = "cuda") -> dict[str, Any]:
    """Return what `sweeps.cost.share_process` is asked for one network of a study."""
    return {
        "baseline": baseline.to_plain(),
        "sizes": vars(sizes),
        "device": device,
        "threads": study.resources.threads,
        "plugins": list(study.plugins),
        "plugin_paths": list(study.plugin_paths),
        "steps": STEPS,
        "seconds": SECONDS,
    }


def best_count(found: Mapping[int, Together], total: int) -> int:
    """Return how many trials share a GPU: as many as make it faster, by `WORTH` each time, and as its memory holds.

    Args:
        found: by the number of trials at once.
        total: bytes of the GPU.
    """
    best = min(found)
    for count in sorted(found)[1:]:
        if count * found[count].bytes > FULL * total or found[count].rate < WORTH * found[best].rate:
            break
        best = count
    return best


def _measured(asked: Mapping[str, Any], total: int, measure: Measure) -> dict[str, Any]:
    found: dict[int, Together] = {}
    for count in COUNTS:
        if found and count * found[max(found)].bytes > FULL * total:
            break
        with suppress(RuntimeError):
            found[count] = measure(asked, count)
            continue
        break
    share = 1 / best_count(found, total) if found else AUTO_SHARE
    rates = {str(count): each.rate for count, each in found.items()}
    return {"share": share, "steps_per_second": rates, "bytes": max((each.bytes for each in found.values()), default=0)}


def _known(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = read_json(path)
        return {label: each for label, each in found.items() if 0 < float(each["share"]) <= 1}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _gpu_bytes() -> int:
    import torch

    return torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else 0


def _text(found: Mapping[str, Any]) -> str:
    rates = ", ".join(f"{count} at once {rate:.0f} steps/s" for count, rate in found["steps_per_second"].items())
    return f"{rates}; {found['bytes'] / 2**30:.1f} GiB each" if rates else "no training fits"


def _kill(started: list[subprocess.Popen[str]]) -> None:
    for process in started:
        process.kill()


def _send(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None  # noqa: S101  (for the type checker)
    with suppress(BrokenPipeError):
        process.stdin.write(text + "\n")
        process.stdin.flush()


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None  # noqa: S101
    text = process.stdout.readline()
    if not text:
        raise RuntimeError("a training ended without an answer")
    found: dict[str, Any] = json.loads(text)
    return found
