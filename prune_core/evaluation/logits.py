"""The logits that an evaluation keeps, so that any metric can be computed later without a network. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from prune_core.base.benchmark import averaged
from prune_core.base.errors import BadInput
from prune_core.base.files import write_atomically
from prune_core.base.limits import LOGITS_BYTES
from prune_core.base.npz import NPZ_ERRORS, read_npz
from prune_core.metrics.predictions import CellPredictions, Predictions

_CELL = "cell_of_"
_ARRAYS = ("labels", "clean", "cell_index")


@dataclass(frozen=True)
class LogitSet:
    """What one network said about one set of images.

    Attributes:
        labels: ``(N,)`` int64.
        clean: ``(N, K)`` float32.
        cells: ``{corruption: (5, N2, K) float16}``, severities 1 to 5; each row less its largest logit, which changes
            no softmax and spends the 11 bits of float16 where they count.
        cell_index: ``(N2,)`` int64, increasing: which of the N images the cells are made of.
    """

    labels: npt.NDArray[Any]
    clean: npt.NDArray[Any]
    cells: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    cell_index: npt.NDArray[Any] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        if self.clean.ndim != 2 or self.labels.shape != self.clean.shape[:1]:
            raise BadInput(f"logits {self.clean.shape} and labels {self.labels.shape} must be (N, K) and (N,)")
        index = self.cell_index
        if len(index) and (index[0] < 0 or index[-1] >= len(self.labels) or (np.diff(index) <= 0).any()):
            raise BadInput(f"cell_index must increase within 0 .. {len(self.labels) - 1}")
        wanted = (len(index), self.clean.shape[1])
        for name, cell in self.cells.items():
            if cell.ndim != 3 or cell.shape[1:] != wanted:
                raise BadInput(f"cell {name}: shape {cell.shape}, wanted (severities, {wanted[0]}, {wanted[1]})")

    @property
    def cell_labels(self) -> npt.NDArray[Any]:
        """``(N2,)``: the labels of the images of the cells."""
        return np.asarray(self.labels[self.cell_index])

    def predictions(self) -> Predictions:
        """Return the clean predictions.

        Raises:
            Diverged: a logit is not finite.
        """
        return Predictions(self.clean, self.labels)

    def cell_predictions(self) -> CellPredictions | None:
        """Return the predictions under corruption, None where there are no cells.

        Raises:
            Diverged: a logit is not finite.
        """
        if not self.cells:
            return None
        return CellPredictions.from_logits(self.cells, self.cell_labels, float(self.predictions().correct.mean()))

    def averaged_predictions(self) -> CellPredictions | None:
        """Return those predictions under corruption that mPC and the other summaries are taken over.

        Raises:
            Diverged: a logit is not finite.
        """
        if not self.cells:
            return None
        cells = {name: self.cells[name] for name in averaged(tuple(self.cells))}
        return CellPredictions.from_logits(cells, self.cell_labels, float(self.predictions().correct.mean()))

    def scaled(self, temperature: float) -> LogitSet:
        """Return the set of logits / temperature: what every other metric, interval or figure after scaling starts from."""
        cells = {name: cell.astype(np.float32) / np.float32(temperature) for name, cell in self.cells.items()}
        return LogitSet(self.labels, self.clean.astype(np.float64) / temperature, cells, self.cell_index)

    def save(self, path: Path | str) -> None:
        """Write one ``.npz``, atomically, without pickle."""
        arrays = {"labels": self.labels, "clean": self.clean, "cell_index": self.cell_index}
        arrays |= {_CELL + name: cell for name, cell in self.cells.items()}

        def write(temporary: Path) -> None:
            with temporary.open("wb") as stream:
                np.savez(stream, allow_pickle=False, **arrays)

        write_atomically(Path(path), write)

    @classmethod
    def load(cls, path: Path | str) -> LogitSet:
        """Read what `save` wrote.

        Raises:
            BadInput: the file is missing, cut short, or none of ours.
        """
        try:
            file = read_npz(Path(path), lambda name: name in _ARRAYS or name.startswith(_CELL), LOGITS_BYTES)
            cells = {name.removeprefix(_CELL): cell for name, cell in file.items() if name.startswith(_CELL)}
            return cls(file["labels"], file["clean"], cells, file["cell_index"])
        except (*NPZ_ERRORS, MemoryError) as error:
            raise BadInput(f"{path}: no readable file of logits ({error})") from error
