"""Made-up judgements of one network, and how its table is read."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from dashboards.cli import PAGES
from prune_core.corruptions import STANDARD
from prune_core.data import load_dataset
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import record_columns
from sweeps.cli.group import cli, run_cli
from sweeps.one_network.images import report_images
from sweeps.one_network.judged import Judgement


def call(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    status = run_cli(cli, argv, pages=PAGES)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def judgement(data: str, *, jpeg: bool = False) -> Judgement:
    """A judgement of made-up answers that are right more often than not, less so at high severities."""
    draw, images, cells = np.random.default_rng(1), 60, 40
    dataset = dataclasses.replace(load_dataset(data), jpeg=jpeg)
    shown = report_images(dataset, images)
    right = np.eye(3)[shown.labels]
    clean = (2 * right + draw.normal(0, 1.2, (images, 3))).astype(np.float32)
    index = np.sort(draw.choice(images, cells, replace=False))
    made = {
        name: np.stack([(2 - 0.3 * s) * right[index] + draw.normal(0, 1.2, (cells, 3)) for s in range(5)]).astype(np.float16)
        for name in STANDARD
    }
    logits = LogitSet(shown.labels, clean, made, index)
    record = record_columns(selection=None, report=logits, train=None, bins=10)
    costs = {"parameters": 1000, "nonzero_parameters": 400, "macs": 9000, "nonzero_macs": 5000}
    more = {"sparsity": 0.6, "compression": 2.5, "size_bytes": 4000}
    return Judgement("a network", dataset, shown, "few-C (generated, seed 0)", logits, 10, {**record, **costs, **more}, 1.0)


def row(lines: list[str], title: str) -> list[str]:
    """The numbers of the one line with this title."""
    [line] = [line for line in lines if line.startswith(title + "  ")]
    return re.split(r"\s{2,}", line.strip())[1:]
