"""A study without corrupted images: no table of a page, of a terminal or of an export has an empty column for them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from dashboards.analysis.comparison_text import compare_text
from dashboards.report.comparison_page import write_comparison
from dashboards.report.report import build_report
from tests.dashboards import synthetic

NOTHING = {"", "-", "\N{EN DASH}"}


def dry(table: pd.DataFrame) -> pd.DataFrame:
    """A table as a study with ``corruptions: none`` writes it: the columns are there, and empty."""
    names = [name for name in map(str, table) if "mpc" in name or "rpc" in name or "corruption" in name]
    return table.assign(**{name: float("nan") for name in names})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    changes = {
        "objectives": {"accuracy": "max", "ece": "min", "nonzero_parameters": "min"},
        "evaluation": {"corruptions": "none"},
    }
    made = synthetic.records(budgets=(0, 2)).assign(temperature=1.2, ece_t=0.02, nll_t=0.3)
    return synthetic.write(tmp_path_factory.mktemp("dry") / "out", dry(made), **changes)


def tables(page: str) -> list[list[list[str]]]:
    """The tables of a page, their rows, their cells as text; of tables with a row."""
    found = []
    for table in re.findall(r"(?s)<table.*?</table>", re.sub(r"(?s)<script.*?</script>", "", page)):
        rows = [re.findall(r"(?s)<t[hd][ >](.*?)</t[hd]>", row) for row in re.findall(r"(?s)<tr.*?</tr>", table)]
        cells = [[re.sub(r"(?s)<.*?>", "", cell.partition(">")[2] or cell).strip() for cell in row] for row in rows]
        if len(cells) > 1:
            found.append(cells)
    return found


def empty_columns(page: str) -> list[str]:
    return [
        head
        for rows in tables(page)
        for at, head in enumerate(rows[0])
        if all(row[at] in NOTHING for row in rows[1:] if at < len(row))
    ]


def test_the_report_has_no_empty_column(folder: Path) -> None:
    page = build_report(folder, print_figures=False).read_text(encoding="utf-8")
    heads = [head for rows in tables(page) for head in rows[0]]
    assert {"Factor", "Parameters kept", "Question", "Temperature"} <= {*heads}  # those tables are there
    assert empty_columns(page) == []
    assert not [head for head in heads if "mPC" in head or "orruption" in head]
    assert "ECE under corruption" not in re.sub(r"(?s)<script.*?</script>", "", page)


def test_the_comparison_has_no_empty_column(folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(folder, tmp_path / "other")
    table = pd.read_parquet(other / "records.parquet")
    table.assign(accuracy=table["accuracy"] - 0.01).to_parquet(other / "records.parquet", index=False)
    said = compare_text(folder, other)
    assert "mPC" not in said and "accuracy" in said
    page = write_comparison(folder, other, tmp_path / "page.html").read_text(encoding="utf-8")
    assert len(tables(page)) == 1 and empty_columns(page) == [] and "mPC" not in page


def test_what_one_of_two_studies_measured_is_compared(folder: Path, tmp_path: Path) -> None:
    wet = synthetic.write(tmp_path / "wet", synthetic.records(budgets=(0, 2)))
    assert "mPC" in compare_text(folder, wet)
    assert "not measured in both" in compare_text(folder, wet)
