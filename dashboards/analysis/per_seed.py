"""What each seed measured for a candidate, and what the choice of base images does to it, for every table with claims."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.analysis.claims import Array, Paired, paired_family
from dashboards.reading.study_folder import StudyFolder
from sweeps.front.seeds import seed_records, values_of

DELTA = "delta_"


def seed_measured(study: StudyFolder, chosen: pd.DataFrame, columns: Sequence[str]) -> tuple[Array, Array]:
    """Return values ``(C, S, M)`` and their deviations on R resampled sets of base images ``(C, S, M, R)``.

    Both are NaN where a seed is missing, the deviations also where a record's folder does not say. The deviations of a
    ``delta_*`` column are those of the record minus those of its control, on the same images. Seeds that judged one and the
    same network count once.
    """
    rows, _ = seed_records(study.records, chosen)
    rows = np.where(np.append(study.repeated, False)[rows], -1, rows)
    return values_of(study.records, rows, columns), table_noise(study, rows, columns)


def table_noise(study: StudyFolder, rows: NDArray[np.int64], columns: Sequence[str]) -> Array:
    """Return the deviations of rows of the table of records (-1: none), ``(*rows.shape, M, R)``."""
    noise = _noise(study, rows, [name.removeprefix(DELTA) for name in columns])
    compared = [place for place, name in enumerate(columns) if name.startswith(DELTA)]
    if compared:
        controls = np.append(study.controls, -1)[rows]
        noise[..., compared, :] -= _noise(study, controls, [columns[place].removeprefix(DELTA) for place in compared])
    return noise


def _noise(study: StudyFolder, rows: NDArray[np.int64], columns: Sequence[str]) -> Array:
    needed = np.unique(rows[rows >= 0])
    found = study.images.of_table(study.records.iloc[needed], columns)
    lacking = np.full((1, *found.shape[1:]), np.nan)
    places = np.full(len(study.records) + 1, len(needed))
    places[needed] = np.arange(len(needed))
    return np.asarray(np.concatenate([found, lacking])[places[rows]])


def candidate_differences(study: StudyFolder, chosen: pd.DataFrame, columns: Sequence[str]) -> list[list[Paired | None]]:
    """Return what the seeds and images say about each candidate in each column: ``[candidate][column]``.

    In each column the candidates are one family: their errors borrow from each other.
    """
    values, noise = seed_measured(study, chosen, columns)
    families = [paired_family(values[:, :, place], noise[:, :, place]) for place in range(len(columns))]
    return [[family[row] for family in families] for row in range(len(values))]


def with_images(study: StudyFolder) -> bool:
    """Return whether what the choice of images adds is known for every complete record, so that intervals hold it."""
    done = study.records[study.records["status"].eq("complete")]
    pairs = zip(done["key"].astype(str), done["budget"].astype(int), strict=True)
    return len(done) > 0 and all(study.images.of_record(key, budget) is not None for key, budget in pairs)
