from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory):
    from tests.dashboards import synthetic

    table = synthetic.records()
    out = synthetic.write(tmp_path_factory.mktemp("study") / "synthetic", table)
    synthetic.write_logits(out, table)
    return out


@pytest.fixture(scope="session")
def page(study_folder):
    from dashboards.report.report import build_report

    return build_report(study_folder)
