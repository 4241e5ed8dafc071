"""How fast each network is on this machine, as it was measured within a day: remembered beside the data's cache."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from prune_core.base.build import torch_version
from prune_core.base.description import content_key
from prune_core.base.errors import BadInput, first_line
from prune_core.base.files import read_json, write_json
from prune_core.base.recipe import Recipe
from prune_core.data.cache import default_cache
from prune_core.trial.description import BaselineDescription
from sweeps import cost
from sweeps.cost.cost import NOT_HERE, Speed
from sweeps.cost.sizes import Sizes
from sweeps.plan.places import visible_gpus
from sweeps.study.model import Study

if TYPE_CHECKING:
    from sweeps.plan.trials import PlannedTrial

FRESH_SECONDS = 86400.0
"""A measurement is believed so long: what else runs on the machine changes, and hardly touches processor seconds."""


def speeds_of(
    study: Study,
    trials: Iterable[PlannedTrial],
    sizes: Sizes,
    *,
    cache: Path | None = None,
    within: float = FRESH_SECONDS,
    on_failure: Callable[[str, str], None] | None = None,
) -> dict[str, Speed]:
    """Return the speed of every network that the trials name, by label, on the study's device.

    Where the study asks for a GPU and there is none here, nothing is measured: what its trials would take on a CPU is of no
    use to anybody, since they do not run there.

    Args:
        study: the resolved study.
        trials: of any kind.
        sizes: of the data: images of that shape are made up.
        cache: where measured speeds are remembered; by default beside the data.
        within: how old a measurement may be, in seconds.
        on_failure: called with the label of a network that cannot be measured, and what is wrong in one line.

    Raises:
        BadInput: a network cannot be measured, and nobody asked to be called.
    """
    folder = (cache or default_cache()) / "speeds"
    speeds = {}
    for label, baseline in trained_baselines(trials).items():
        try:
            speeds[label] = _remembered(study, baseline, sizes, folder, within)
        except Exception as error:
            reason = str(error) if isinstance(error, BadInput) else first_line(error)
            if on_failure is None:
                raise BadInput(f"network {label} cannot be measured: {reason}") from error
            on_failure(label, reason)
    return speeds


def trained_baselines(trials: Iterable[PlannedTrial]) -> dict[str, BaselineDescription]:
    """Return a baseline of every network, by label, with the recipe of its epochs: that of fine-tuning for a checkpoint."""
    known = list(trials)
    baselines = {trial.network: trial.description.baseline for trial in known}
    tuned = {trial.network: trial.description.fine_tuning for trial in known if trial.description.fine_tuning is not None}
    return {
        label: each if each.training is not None else replace(each, training=tuned.get(label))
        for label, each in baselines.items()
    }


def _remembered(study: Study, baseline: BaselineDescription, sizes: Sizes, folder: Path, within: float) -> Speed:
    device = study.resources.device if study.resources.device != "cuda" or visible_gpus() else NOT_HERE
    recipe = baseline.training or Recipe()
    identity = {
        "network": baseline.network.to_plain(),
        "batch": recipe.batch_size,
        "threads": baseline.threads,
        "shape": list(sizes.shape),
        "classes": sizes.classes,
        "host": platform.node(),
        "torch": torch_version(),
        "augmentation": recipe.augmentation,
        "device": device,
    }
    path = folder / f"{content_key(identity)}.json"
    known = _fresh(path, within)
    if known is not None:
        return known
    if device == NOT_HERE:
        speed = cost.unmeasured_speed(baseline, sizes)
    else:
        speed = cost.measured_speed(baseline, sizes, study.resources.threads, device)
    try:
        write_json(path, vars(speed))
    except OSError:
        return speed  # a cache that cannot be written costs a second next time
    return speed


def _fresh(path: Path, within: float) -> Speed | None:
    try:
        return Speed(**read_json(path)) if time.time() - path.stat().st_mtime < within else None
    except (OSError, ValueError, TypeError):
        return None
