"""What a study writes besides its trials: the report, the tables, and MLflow's database, files and models.

The constants were measured on the shipped studies ``smoke`` (8 trials) and ``quickstart`` (120 trials of 2 networks).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sweeps.folder.paths import MLFLOW_DATABASE, report_page
from sweeps.study.model import Study

PAGE_BYTES, CANDIDATE_BYTES = 4_920_000, 4_400
"""The report's page, most of it the script that draws; and what it says of each candidate."""
FIGURE_BYTES = 1_650_000
"""Per network: the figures as PNG and SVG."""
TABLE_BYTES = 2_200
"""Per record: the tables, as Parquet and as CSV."""
DATABASE_BYTES, RUN_BYTES = 1_080_000, 18_000
"""MLflow's database, and what a trial adds to it."""
ARTIFACT_BYTES = 5_000
"""Per record: corruptions by severity, kept with the run."""
MODEL_BYTES, MODEL_WEIGHTS = 80_000, 2.5
"""A logged model beside its weights, and how many times its weights are in it."""
PICTURE_BYTES = 135_000
"""The picture of a network of the front."""


def book_bytes(study: Study, out: Path, *, trials: float, records: float, parameters: Iterable[int]) -> int:
    """Return what report, tables and MLflow will take on this disk; what an earlier run left there is written over.

    Args:
        study: the resolved study.
        out: its output folder.
        trials: that are still to be done.
        records: that they write.
        parameters: of each network of the study.
    """
    if not records:
        return 0
    sizes = list(parameters)
    candidates = records / len(study.seeds)
    report = 0.0 if report_page(out).exists() else PAGE_BYTES + FIGURE_BYTES * max(1, len(sizes))
    report += candidates * CANDIDATE_BYTES
    tables = records * TABLE_BYTES
    if study.tracking.mlflow is not None:  # a server of its own keeps its copies there
        return round(report + tables)
    database = 0 if (out / MLFLOW_DATABASE).exists() else DATABASE_BYTES
    models = min(study.tracking.log_models, candidates)
    weights = 4 * sum(sizes) / max(1, len(sizes))
    logged = models * (MODEL_BYTES + MODEL_WEIGHTS * weights + PICTURE_BYTES)
    return round(2 * (report + tables) + database + trials * RUN_BYTES + records * ARTIFACT_BYTES + logged)
