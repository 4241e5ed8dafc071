"""The networks of a study as a list for a terminal: what ``export --list`` says, what is worth most first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from prune_core.base.plain_text import NO_VALUE
from prune_core.metrics.numbers import plain_number
from prune_core.metrics.quantities import title_of as quantity_title
from sweeps.export.choice import Choice


def table_lines(chosen: Sequence[Choice]) -> list[str]:
    """Return the chosen networks as a table: the report numbers of the very checkpoint, and whether limits are missed.

    Beside the headlines it has the columns of the study's objectives and limits. Whether a candidate meets the limits is a
    column where the study has some.
    """
    asked = dict.fromkeys(column for each in chosen for column in each.asked)
    shown = [column for column in asked if any(_shown(each.record, column) not in NO_VALUE for each in chosen)]
    limited, remarked = any(each.verdict for each in chosen), any(each.remark for each in chosen)
    heads = (
        "network",
        "seed",
        *map(quantity_title, shown),
        *(["limits"] if limited else []),
        *([""] if remarked else []),
        "trial",
    )
    rows = [
        (
            each.name,
            str(each.record["seed"]),
            *(_shown(each.record, column) for column in shown),
            *([each.verdict] if limited else []),
            *([each.remark] if remarked else []),
            str(each.record["key"]),
        )
        for each in chosen
    ]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    aligned = ("<", ">", *(">" for _ in shown), *("<" for _ in heads[2 + len(shown) :]))
    return [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, aligned, widths, strict=True)).rstrip()
        for row in (heads, *rows)
    ]


def _shown(record: Mapping[str, Any], column: str) -> str:
    value = record.get(column)
    return "-" if value is None or pd.isna(value) else plain_number(float(value), column).removesuffix(" bytes")
