"""What a terminal says about the limits of a study, by its table of records."""

from __future__ import annotations

import pandas as pd

from sweeps.front.within import limit_lines
from sweeps.study.deciding import deciding_columns
from sweeps.study.model import Study


def study_limits(study: Study, records: pd.DataFrame) -> list[str]:
    """Return who meets the limits at the longest budget, or why nobody does; nothing for a study without limits."""
    decisive = deciding_columns(study.objectives, records.columns, study.select_on)
    evaluation = study.evaluation.model_dump(mode="json")
    return limit_lines(records, decisive, study.seeds, study.select_on, study.parsed_limits, evaluation)
