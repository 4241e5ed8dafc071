"""Which precisions a study's device has: TF32 is of GPUs, and a CPU that computed in fp32 under that name would mislead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prune_core.base.errors import BadInput

if TYPE_CHECKING:
    from sweeps.study.model import Study


def check_precision(study: Study) -> None:
    """Check every recipe that the study's file names.

    Raises:
        BadInput: ``tf32`` without a GPU, with the key's path.
    """
    if study.resources.device == "cuda":
        return
    for where, recipe in _recipes(study):
        if recipe.get("precision") == "tf32":
            raise BadInput(f"{where}.precision: 'tf32' needs a GPU (allowed with device cpu: fp32, bf16)")


def _recipes(study: Study) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "training", study.training
    yield "fine_tuning", study.fine_tuning
    for kind, sections in (("networks", study.networks), ("dense", study.dense)):
        for label, section in sections.items():
            yield f"{kind}.{label}.training", section.training
    for position, arm in enumerate(study.arms):
        yield f"arms.{position}.training", arm.training
        yield f"arms.{position}.fine_tuning", arm.fine_tuning
