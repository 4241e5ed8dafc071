"""The process that makes rows for `benchmarks.gpu`, one line of JSON each; a row that hangs or crashes takes only it.

Says first what the device is, then when a row begins and what was found. It ends where the group of rows ends, or when the
device answers no more after an error.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import time
import traceback
from typing import Any

import torch

from benchmarks.gpu_jobs import COMPILED, Job, add_arguments, chosen
from prune_core.evaluation.device_sets import clear_sets
from prune_core.training import prepare_runtime


def main() -> None:
    """Make the rows from number ``--first`` on."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--first", type=int, required=True)
    given = parser.parse_args()
    say = _lines()
    device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if given.device == "auto" else given.device)
    jobs = chosen(given, device)
    device = _prepared(device, jobs[given.first].group)
    say({"card": _card(device), "about": _about()})
    jobs = chosen(given, device)
    for number in range(given.first, len(jobs)):
        if jobs[number].group != jobs[given.first].group:
            return
        say({"begin": number})
        found = made(jobs[number])
        broken = not _answers(device)
        say({"end": number, "found": found | ({"broken": True} if broken else {})})
        if broken:
            return


def made(job: Job) -> dict[str, Any]:
    """Return the row of a job, or why there is none, with the traceback; and the seconds it took."""
    started = time.perf_counter()
    try:
        found = {**job.row, **job.make()}
    except Exception as error:  # noqa: BLE001  (the other rows of the one run there may be)
        first = str(error).strip().splitlines()[:1]
        why = f"{type(error).__name__}: {first[0][:200] if first else ''}"
        found = {**job.row, "error": why, "traceback": traceback.format_exc()[-4000:]}
        if job.part == "checks":
            found["outcome"] = why
    return {**found, "seconds": round(time.perf_counter() - started, 2)}


def _lines() -> Any:
    """Keep the real output for our lines: what anybody else prints goes to the errors."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    return say


def _prepared(device: torch.device, group: str) -> torch.device:
    if group != COMPILED:
        return prepare_runtime(device=device.type, threads=1)
    # Inductor reads the old switches of TF32 in some releases, which raises once the new ones were set
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda", torch.cuda.current_device()) if device.type == "cuda" else device


def _answers(device: torch.device) -> bool:
    """Give back what the row held; return whether the device still answers."""
    try:
        clear_sets()
        gc.collect()
        if device.type == "cuda":
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
    except RuntimeError:
        return False
    return True


def _card(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU (dry run, no speeds)"


def _about() -> str:
    cudnn = torch.backends.cudnn.version() if torch.cuda.is_available() else None
    return f"torch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {cudnn}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
