"""The recommended network of a study, by the rule that all places share (`sweeps.front.recommended`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.front.recommended import Recommended, recommended_of
from sweeps.study.model import Study

if TYPE_CHECKING:
    import pandas as pd


def study_recommended(study: Study, records: pd.DataFrame) -> Recommended:
    """Return the recommended network of a study's records."""
    return recommended_of(
        records,
        study.objectives,
        seeds=study.seeds,
        limits=study.parsed_limits,
        margins=study.margins,
        select_on=study.select_on,
    )
