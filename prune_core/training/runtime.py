"""What a process must be told anew for each trial: workers are reused, and module globals leak from trial to trial."""

from __future__ import annotations

import os

import torch

from prune_core.base.errors import BadInput
from prune_core.training.precision import multiply_in


def prepare_runtime(
    *, device: str = "cpu", threads: int = 1, seed: int = 0, memory_fraction: float | None = None
) -> torch.device:
    """Set threads, dtype, seeds and determinism; return the device.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        threads: threads inside one operation; they change the bits, so a study names them.
        seed: of the global generators (initialisation, dropout).
        memory_fraction: share of the GPU's memory that this process may use, in (0, 1]; None is all of it.

    Returns:
        The device; a GPU with its number, which some functions of torch insist on.

    Raises:
        BadInput: a device that this machine or torch does not have, or fewer than one thread.
    """
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise BadInput(f"device {device!r} is unknown (allowed: cpu, cuda, cuda:N)") from error
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise BadInput(f"threads is {threads!r}, allowed: whole numbers from 1")
    if chosen.type == "cuda":
        chosen = _prepare_cuda(chosen, memory_fraction)
    torch.set_num_threads(threads)
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.manual_seed(seed)
    return chosen


def _prepare_cuda(device: torch.device, memory_fraction: float | None) -> torch.device:
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if not torch.cuda.is_available():
        raise BadInput("device 'cuda' is not there: torch sees no CUDA device (allowed here: cpu)")
    # Only here: on a CPU what we use is deterministic anyway, and this call imports torch's compiler, for seconds.
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling fresh memory hides bugs at the price of speed; ours never read what they did not write.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    multiply_in("ieee")
    numbered = torch.device("cuda", torch.cuda.current_device()) if str(device) == "cuda" else device
    torch.cuda.set_device(numbered)
    # always: a worker that is used again may have had another share
    torch.cuda.set_per_process_memory_fraction(1.0 if memory_fraction is None else float(memory_fraction), numbered)
    return numbered
