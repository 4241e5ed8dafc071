"""Accuracy and ECE of every corruption and severity as one small table: what stays when logits are thinned. No torch."""

from __future__ import annotations

import contextlib
import csv
import io
from pathlib import Path

from prune_core.base.errors import BadInput
from prune_core.base.files import write_atomically
from prune_core.base.plain_text import csv_cell
from prune_core.base.trial_folder import CORRUPTIONS
from prune_core.evaluation.logits import LogitSet
from prune_core.metrics.robustness import cell_accuracy, cell_ece


def corruption_table(logits: LogitSet | None, bins: int) -> str:
    """Return the cells of a report set as CSV, one row per corruption; empty where no corrupted image was judged.

    Args:
        logits: of the report images.
        bins: of every ECE.

    Returns:
        Columns ``corruption``, ``images`` (per cell), ``accuracy_s1`` ... ``accuracy_s5`` and, where a cell has the 1,000
        images that its ECE needs, ``ece_s1`` ... ``ece_s5``; fractions.

    Raises:
        Diverged: a logit is not finite.
    """
    cells = logits.cell_predictions() if logits is not None else None
    if cells is None:
        return ""
    blocks = {"accuracy": cell_accuracy(cells)}
    with contextlib.suppress(BadInput):  # too few images: the bias of the estimate would be most of it
        blocks["ece"] = cell_ece(cells, bins)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["corruption", "images", *(f"{name}_s{severity}" for name in blocks for severity in cells.severities)])
    for row, corruption in enumerate(cells.corruptions):
        numbers = [f"{value:.6f}" for block in blocks.values() for value in block[row]]
        writer.writerow([csv_cell(corruption), cells.correct.shape[2], *numbers])
    return text.getvalue()


def write_corruption_table(folder: Path, report: LogitSet | None, bins: int) -> None:
    """Write the table of a budget's folder beside its record, where corrupted images were judged."""
    table = corruption_table(report, bins)
    if table:
        write_atomically(folder / CORRUPTIONS, lambda path: path.write_text(table, encoding="utf-8"))
