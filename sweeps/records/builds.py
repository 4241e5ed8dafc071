"""Which builds the records of a table come of: said wherever there is more than one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from prune_core.base.build import BASELINE_BUILD, BUILD, NOT_RECORDED, build_text
from prune_core.base.trial_folder import COMPLETE

if TYPE_CHECKING:
    import pandas as pd


def builds_of(records: pd.DataFrame) -> Counter[str]:
    """Return how many records each build made; those that do not say theirs count as `NOT_RECORDED`."""
    return Counter(own for own, _ in _builds(records))


def builds_line(records: pd.DataFrame) -> str | None:
    """Return a line with the counts where the records, or their baselines, come of more than one build; else None."""
    found = _builds(records)
    counts = Counter(own for own, _ in found)
    others = sum(1 for own, base in found if own != NOT_RECORDED and base != own)
    if len(counts) < 2 and not others:
        return None
    parts = [f"{count} record{'s' if count != 1 else ''} by {build}" for build, count in sorted(counts.items())]
    if others:
        parts.append(f"{others} of them from a baseline of another build")
    return f"mixed builds: {'; '.join(parts)}"


def _builds(records: pd.DataFrame) -> list[tuple[str, str]]:
    """The build of each network that was judged, and the one of its baseline."""
    judged = records[records["status"].eq(COMPLETE)] if "status" in records else records
    texts = judged.reindex(columns=[*BUILD, BASELINE_BUILD])
    rows: list[dict[str, Any]] = [dict(zip(texts.columns, row, strict=True)) for row in texts.to_numpy(dtype=object)]
    return [
        (build_text(row) or NOT_RECORDED, str(row[BASELINE_BUILD]) if isinstance(row[BASELINE_BUILD], str) else NOT_RECORDED)
        for row in rows
    ]
