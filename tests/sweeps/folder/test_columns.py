"""``columns.json``: what a run knew of its metrics and costs; absent in older folders, refused where it is damaged."""

from __future__ import annotations

import json
import tarfile
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest

from prune_core.base.build import BUILD_COLUMNS
from prune_core.base.errors import BadInput
from prune_core.base.trial_folder import NORMALISATION
from prune_core.metrics import METRICS, Metric, file_metric
from prune_core.metrics.quantities import quantity_of
from sweeps.folder.columns import columns_known, read_columns, write_columns
from sweeps.folder.paths import COLUMNS
from sweeps.records.columns import CHECKPOINT, CONTROL_KEY, record_columns

FIXTURE = Path(__file__).parents[2] / "fixtures" / "study-0.1.0.tar.xz"


def test_a_plugins_metric_is_known_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as plugin:
        plugin.setattr(METRICS, "_entries", dict(METRICS._entries))
        file_metric(Metric("margin", "mean margin", lambda p, bins: 0.5, "max", "fraction", 0.0, 1.0, "a test", decimals=2))
        write_columns(tmp_path)
        columns = record_columns()
    assert "margin" not in METRICS
    with columns_known(tmp_path):
        found = quantity_of("val_margin")
        assert found is not None and (found.title, found.direction, found.decimals) == ("mean margin", "max", 2)
        assert record_columns() == columns
    assert "margin" not in record_columns()


def test_it_is_written_only_when_it_says_something_new(tmp_path: Path) -> None:
    write_columns(tmp_path)
    before = (tmp_path / COLUMNS).stat().st_mtime_ns
    write_columns(tmp_path)
    assert (tmp_path / COLUMNS).stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"columns": 1}', '{"columns": [1]}', '{"columns": [{"name": "x"}]}', '{"columns": [{"name": 7}]}']
)
def test_a_damaged_file_is_refused_with_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / COLUMNS).write_text(text)
    with pytest.raises(BadInput, match=COLUMNS) as caught:
        read_columns(tmp_path)
    assert "\n" not in str(caught.value)


def test_names_from_outside_cannot_be_markup(tmp_path: Path) -> None:
    write_columns(tmp_path)
    plain = json.loads((tmp_path / COLUMNS).read_text())
    plain["columns"][0]["name"] = "<script>"
    (tmp_path / COLUMNS).write_text(json.dumps(plain))
    with pytest.raises(BadInput, match="no name for a column"):
        read_columns(tmp_path)


def test_a_folder_of_version_0_1_0_has_none_and_its_columns_are_ours(tmp_path: Path) -> None:
    assert read_columns(tmp_path) == []
    with tarfile.open(FIXTURE) as held:
        member = held.extractfile("./smoke/records.parquet")
        assert member is not None
        since = {CONTROL_KEY, CHECKPOINT, NORMALISATION, *BUILD_COLUMNS}
        held_columns = list(pd.read_parquet(BytesIO(member.read())).columns)
        assert held_columns == [column for column in record_columns() if column not in since]
