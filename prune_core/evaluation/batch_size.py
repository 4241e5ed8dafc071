"""How many images a forward pass judges at once: a property of the kind of device. Imports no torch."""

from __future__ import annotations

BATCH_SIZE = {"cpu": 64, "cuda": 1000}
"""By kind of device, for images of 32 x 32. It may change the last bits of a logit, so it is part of a trial's key; that of
the CPU is not named there, as keys are older than this. 32 to 64 was measured best on a CPU. That of a GPU is not measured
yet: `benchmarks.gpu` does it."""

_PIXELS = 32 * 32


def batch_size_of(device: str) -> int:
    """Return the batch size of a device such as ``cpu``, ``cuda`` or ``cuda:1``."""
    return BATCH_SIZE.get(device.partition(":")[0], BATCH_SIZE["cuda"])


def keyed_batch_size(device: str) -> int | None:
    """Return what a trial's description says of it: nothing on the CPU, whose keys are older than this."""
    return None if device == "cpu" else batch_size_of(device)


def images_at_once(batch_size: int, height: int, width: int) -> int:
    """Return the batch size for images of another size, so that a batch of large ones still fits; never below the CPU's.

    Args:
        batch_size: as `BATCH_SIZE` means it.
        height: in pixels.
        width: in pixels.
    """
    return min(batch_size, max(BATCH_SIZE["cpu"], batch_size * _PIXELS // max(_PIXELS, height * width)))
