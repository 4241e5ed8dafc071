"""A network as files that others can load: safetensors with its architecture, a torch.export program, ONNX."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from prune_core.base.errors import BadInput, UnknownName
from prune_core.pruning import save_network
from prune_core.pruning.normalisation import INPUT
from prune_core.training.precision import switches_as_at_start

FILES = {"safetensors": "model.safetensors", "onnx": "model.onnx", "pt2": "model.pt2"}
"""Format -> name of its file."""
INT8 = "model.int8.onnx"
OUTPUT = "logits"
"""Name of the output in ONNX; that of the input is `prune_core.pruning.normalisation.INPUT`."""
_NEEDED = ("onnx", "onnxruntime", "onnxscript")


def formats_here() -> tuple[str, ...]:
    """Return the formats that can be made with what is installed; only ONNX needs further packages."""
    whole = all(find_spec(name) is not None for name in _NEEDED)
    return tuple(name for name in FILES if whole or name != "onnx")


def check_formats(formats: tuple[str, ...], *, int8: bool) -> None:
    """Refuse formats that there are not, and ONNX where its packages are missing.

    Raises:
        BadInput: with what is allowed, or what to install.
    """
    for name in formats:
        if name not in FILES:
            raise UnknownName("format", name, FILES)
    if not formats and not int8:
        raise BadInput(f"--formats is empty (allowed: one or more of {', '.join(FILES)})")
    missing = [name for name in _NEEDED if find_spec(name) is None] if int8 or "onnx" in formats else []
    if missing:
        raise BadInput(
            f"ONNX needs {', '.join(missing)}: pip install 'prunefront[export]' (without: --formats safetensors,pt2)"
        )


def write_safetensors(network: nn.Module, path: Path, facts: Mapping[str, str]) -> None:
    """Write the self-describing file that `prune_core.pruning.load_network` and `prunefront evaluate` take."""
    save_network(network, path, metadata=dict(facts))


def exported(network: nn.Module, shape: tuple[int, int, int]) -> torch.export.ExportedProgram:
    """Return the network in eval mode as a torch.export program for any number of images.

    Args:
        network: any network of ours, on the CPU.
        shape: of one image, ``(C, H, W)``.
    """
    network.eval()
    with _quiet(), torch.no_grad(), switches_as_at_start():
        # two images: with one the exporter takes the number of images for a constant
        program = torch.export.export(
            network, (torch.zeros(2, *shape),), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},)
        )
    for node in program.graph_module.graph.nodes:
        node.meta.pop("stack_trace", None)  # it names folders of this machine
    return program


def write_program(program: torch.export.ExportedProgram, path: Path) -> None:
    """Write the program; ``torch.export.load(path).module()`` needs PyTorch alone."""
    with _quiet(), path.open("wb") as stream:
        torch.export.save(program, stream)


def write_onnx(program: torch.export.ExportedProgram, path: Path, facts: Mapping[str, str]) -> None:
    """Write the program as one ONNX file: input ``images`` (batch, C, H, W), output ``logits`` (batch, K), both float32."""
    import onnx

    with _quiet(), switches_as_at_start():
        made = torch.onnx.export(program, input_names=[INPUT], output_names=[OUTPUT], dynamo=True, verbose=False)
    if made is None:
        raise RuntimeError("torch.onnx.export gave no program")
    model = made.model_proto
    _tidy(model)
    onnx.helper.set_model_props(model, dict(facts))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))


def _tidy(model: Any) -> None:
    """Drop what the exporter noted about this machine (stack traces), and call the first axis ``batch``."""
    for part in (model, model.graph, *model.graph.node, *model.graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    values = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    symbol = model.graph.input[0].type.tensor_type.shape.dim[0].dim_param
    for value in values:
        value.ClearField("metadata_props")
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param and axis.dim_param == symbol:
                axis.dim_param = "batch"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' notes off the terminal; errors are raised all the same."""
    names = ("torch.onnx", "onnxscript", "torch.export", "torch._export", "onnx_ir")
    before = {name: logging.getLogger(name).level for name in names}
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
