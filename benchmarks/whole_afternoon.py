"""An afternoon's script: what `benchmarks.whole_scripts` compares ours with.

    python -m benchmarks.whole_afternoon STUDY.json FOLDER SEED

A loop over methods and ratios that trains the baseline again for each, reads all images through a DataLoader, and makes
corrupted images anew for each network. It is started once per seed, so that it has a process per core as well. The
corruptions are our generator's, which is many times as fast as what such a script calls (`benchmarks.corruption_speed`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from benchmarks.whole_parts import corruption_scores, fresh, pruned, scores, trained
from benchmarks.whole_study import ARMS, Data, Judged
from prune_core.corruptions.apply import corrupt_numbered

BATCH = 64


class Pictures(Dataset[tuple[Tensor, Tensor]]):
    """Pictures one by one: corrupted when they are asked for, then made a tensor."""

    def __init__(self, data: Data, judged: Judged, cell: tuple[str, int] | None) -> None:
        self._data, self._judged, self._cell = data, judged, cell

    def __len__(self) -> int:
        return len(self._judged.labels if self._cell is None else self._judged.positions)

    def __getitem__(self, at: int) -> tuple[Tensor, Tensor]:
        each = self._judged
        position = at if self._cell is None else int(each.positions[at])
        picture = each.images[position : position + 1]
        if self._cell is not None:
            picture = corrupt_numbered(picture, *self._cell, each.numbers[at : at + 1])
        return self._data.normalised(picture)[0], each.labels[position]


def logits(network: nn.Module, pictures: Dataset[Any]) -> tuple[Tensor, Tensor]:
    """Return logits and labels."""
    with torch.no_grad():
        found = [(network(images), labels) for images, labels in DataLoader(pictures, batch_size=BATCH)]
    given, labels = zip(*found, strict=True)
    return torch.cat(given), torch.cat(labels)


def judge(network: nn.Module, data: Data) -> dict[str, float]:
    """Return the columns of one network."""
    network.eval()
    row: dict[str, float] = {}
    for prefix, each in data.sets.items():
        cells = {cell: logits(network, Pictures(data, each, cell)) for cell in each.cells}
        found = scores(*logits(network, Pictures(data, each, None))) | corruption_scores(cells)
        row |= {prefix + name: value for name, value in found.items()}
    row["train_accuracy"] = scores(*logits(network, TensorDataset(*data.few)))["accuracy"]
    return row


def main() -> None:
    """Do everything; save the table after each network."""
    plain, folder, seed = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    data = Data(plain)
    rows: list[dict[str, Any]] = []
    for method, ratio in ARMS:
        network = trained(fresh(seed), data, "training", data.recipe("training").epochs)
        pruned(network, method, ratio)
        for budget in (0, data.budget):
            if budget:
                trained(network, data, "fine_tuning", budget)
            about = {"method": method, "ratio": ratio, "seed": seed, "budget": budget}
            rows.append(about | judge(network, data))
            (folder / f"results-{seed}.json").write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
