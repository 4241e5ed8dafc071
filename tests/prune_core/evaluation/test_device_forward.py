"""The way of a GPU through an evaluation, on the CPU: what lies there, what streams, and which images meet in a batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from prune_core.evaluation import device_sets
from prune_core.evaluation.batch_size import BATCH_SIZE, batch_size_of, images_at_once, keyed_batch_size
from prune_core.evaluation.device_forward import device_batches, device_logits
from prune_core.evaluation.device_sets import DeviceSets, clear_sets, identity_of, sets_on
from prune_core.evaluation.forward import forward_arrays
from prune_core.networks import build_network
from prune_core.training.trace import OperatorTrace

CPU = torch.device("cpu")
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


def pixels(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def mapped(path: Path, images: np.ndarray) -> np.ndarray:
    np.save(path, images)
    return np.load(path, mmap_mode="r")


@pytest.mark.parametrize("limit", [0, 10 * 3072, 1 << 30])
@pytest.mark.parametrize("size", [1, 4, 7, 100])
def test_batches_are_the_images_in_order(tmp_path: Path, limit: int, size: int) -> None:
    """Whatever lies on the device: nothing, the first of three arrays, or both that are files."""
    arrays = [mapped(tmp_path / "a.npy", pixels(9)), pixels(5, 1), mapped(tmp_path / "b.npy", pixels(8, 2))]
    sets = DeviceSets(CPU, limit)
    batches = list(device_batches(arrays, sets, size))
    assert [len(batch) for batch in batches] == [size] * (22 // size) + [22 % size] * (22 % size > 0)
    np.testing.assert_array_equal(torch.cat(batches).numpy(), np.concatenate(arrays))
    assert sets.bytes == {0: 0, 10 * 3072: 9 * 3072, 1 << 30: 17 * 3072}[limit]
    sets.clear()
    assert sets.bytes == 0


def test_logits_are_those_of_the_other_way(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_network("resnet8").eval()
    arrays = [mapped(tmp_path / "a.npy", pixels(9)), pixels(5, 1)]
    expected = forward_arrays(network, arrays, MEAN, STD, device=CPU, batch_size=4)
    std, mean = torch.tensor(STD).view(1, 3, 1, 1), torch.tensor(MEAN).view(1, 3, 1, 1)
    with torch.inference_mode():
        found = device_logits(network, arrays, 1 / (255 * std), mean / std, DeviceSets(CPU, 1 << 30), 4)
    np.testing.assert_allclose(found.numpy(), np.concatenate(expected), rtol=1e-4, atol=1e-5)


def test_nothing_is_read_back_before_the_end() -> None:
    """Every operator of a batch only queues work: no value of an image or a logit comes to the host."""

    class Linear(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.mean((2, 3))

    one = torch.ones(1, 3, 1, 1)
    with torch.inference_mode(), OperatorTrace() as trace:
        found = device_logits(Linear(), [pixels(10)], one / 255, 0 * one, DeviceSets(CPU, 0), 4)
    assert trace.host_read is None and found.shape == (10, 3)


def test_a_file_is_known_again_and_a_changed_one_is_not(tmp_path: Path) -> None:
    five = pixels(20).reshape(5, 4, 32, 32, 3)
    first = mapped(tmp_path / "set.npy", five)
    cells = [identity_of(first[severity]) for severity in range(5)]
    assert len(set(cells)) == 5 and None not in cells
    again = np.load(tmp_path / "set.npy", mmap_mode="r")
    assert [identity_of(again[severity]) for severity in range(5)] == cells
    assert identity_of(again.reshape(20, 32, 32, 3)[4:8]) == cells[1]
    assert identity_of(again[0][::2]) != identity_of(again[0][:2])
    assert identity_of(np.array(first[0])) is None
    assert identity_of(first[0][[0, 1]]) is None  # chosen images are a copy in memory
    (tmp_path / "set.npy").unlink()
    changed = mapped(tmp_path / "set.npy", 255 - five)
    assert identity_of(changed[0]) != cells[0]
    sets = DeviceSets(CPU, 1 << 30)
    brought = sets.get(changed[1])
    assert brought is not None and sets.get(np.load(tmp_path / "set.npy", mmap_mode="r")[1]) is brought
    np.testing.assert_array_equal(brought.numpy(), 255 - five[1])


def test_one_holder_for_each_device() -> None:
    assert sets_on(CPU) is sets_on(torch.device("cpu"))
    clear_sets()
    assert sets_on(CPU).bytes == 0


def test_a_gpu_without_a_number_is_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of what this process may use; the share is read below torch's own check, which takes no `cuda` alone."""
    monkeypatch.setattr(device_sets, "_SETS", {})
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (50, 80))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 10)
    monkeypatch.setattr(torch.cuda.memory, "_lazy_init", lambda: None)
    monkeypatch.setattr(torch._C, "_cuda_getMemoryFraction", lambda index: 0.5 if index == 1 else 1.0, raising=False)
    sets = sets_on(torch.device("cuda"))
    assert sets is sets_on(torch.device("cuda:1")) and sets.device == torch.device("cuda:1")
    assert device_sets._allowed(sets.device) == 40
    assert device_sets._allowed(torch.device("cuda:0")) == 60


def test_the_batch_size_belongs_to_the_kind_of_device() -> None:
    assert batch_size_of("cpu") == BATCH_SIZE["cpu"] == 64 and keyed_batch_size("cpu") is None
    assert batch_size_of("cuda:1") == batch_size_of("cuda") == keyed_batch_size("cuda") == BATCH_SIZE["cuda"]
    assert images_at_once(1000, 32, 32) == 1000 and images_at_once(1000, 28, 28) == 1000
    assert images_at_once(1000, 64, 64) == 250 and images_at_once(1000, 224, 224) == 64
    assert images_at_once(10, 224, 224) == 10
