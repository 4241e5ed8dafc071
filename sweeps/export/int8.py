"""The INT8 file: static quantisation on training images, and its metrics measured again, since that file is what ships."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prune_core.data import Subset
from prune_core.evaluation.batch_size import BATCH_SIZE
from prune_core.evaluation.evaluation import LogitSet, evaluate_network
from prune_core.pruning.normalisation import INPUT
from prune_core.trial.data import Corrupted, TrialData, report_cells, selection_cells
from prune_core.trial.description import EvaluationDescription
from sweeps.export.files import OUTPUT

CALIBRATION_IMAGES = 256


def calibration_images(data: TrialData) -> NDArray[np.float32]:
    """Return training images, balanced over classes and the same for every network of a study, ``(N, C, H, W)``."""
    train = data.split.train
    few = data.balanced_positions(train, CALIBRATION_IMAGES, "calibration of INT8")
    return data.normalised(train.images[train.index[few]])


def write_int8(source: Path, path: Path, images: NDArray[np.float32]) -> None:
    """Quantise an ONNX file: weights int8 per channel, activations uint8 by the range over the images.

    Weights use 7 of the 8 bits (``reduce_range``): CPUs without VNNI instructions add up products in 16 bits, which overflow
    otherwise, and the same file would then give other answers on another CPU.

    Args:
        source: the float32 file.
        path: the file to write.
        images: normalised training images ``(N, C, H, W)``.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = path.with_suffix(".prepared")
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)
    try:
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(path),
            _Batches(images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    finally:
        logging.getLogger().setLevel(level)
        prepared.unlink(missing_ok=True)


class _Batches:
    """Calibration images as the quantiser asks for them."""

    def __init__(self, images: NDArray[np.float32]) -> None:
        self._parts: Iterator[NDArray[np.float32]] = iter(np.array_split(images, max(1, len(images) // 32)))

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next feed, None after the last."""
        part = next(self._parts, None)
        return None if part is None else {INPUT: part}


class OnnxNetwork(nn.Module):
    """An ONNX file in the place of a network, so that what judges networks judges the file."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        super().__init__()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(N, K)``."""
        return torch.from_numpy(self._session.run([OUTPUT], {INPUT: images.contiguous().numpy()})[0])


def judge_onnx(
    path: Path, data: TrialData, evaluation: EvaluationDescription, threads: int = 1
) -> tuple[LogitSet | None, LogitSet | None]:
    """Return what an ONNX file says about the selection and the report images, clean and corrupted as the study has them.

    Args:
        path: the file.
        data: the study's images.
        evaluation: that section of the trial's description.
        threads: of onnxruntime.

    Raises:
        Diverged: a logit is not finite.
        BadInput: the corrupted images are not there.
    """
    network = OnnxNetwork(path, threads)
    selection = _logits(network, data, data.split.validation, selection_cells(data, evaluation, None))
    report = _logits(network, data, data.split.test, report_cells(data, evaluation, None))
    return selection, report


def _logits(network: nn.Module, data: TrialData, subset: Subset, cells: Corrupted | None) -> LogitSet | None:
    if not len(subset.labels):
        return None
    return evaluate_network(
        network,
        subset.array(),
        subset.labels,
        mean=data.dataset.mean,
        std=data.dataset.std,
        corrupted=None if cells is None else cells.images,
        cell_index=None if cells is None else cells.positions,
        batch_size=BATCH_SIZE["cpu"],
    )
