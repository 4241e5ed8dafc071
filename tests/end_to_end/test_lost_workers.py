"""Workers that die under their trials: who gets further goes on, who does not is given up after the limit."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from benchmarks.engine_scale import study_of
from prune_core.base.files import read_json
from prune_core.base.trial_folder import DESCRIPTION, read_outcome
from sweeps.engine.losses import LOST_WORKERS
from tests.end_to_end.running import DEATHS, prunefront

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]


def test_five_lost_workers_end_no_trial_that_gets_further_and_one_that_dies_on_the_spot_ends(tmp_path: Path) -> None:
    study = study_of(4, "grid") | {"seeds": [0], "plugins": ["tests.end_to_end.dying"], "plugin_paths": [str(ROOT)]}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    out = tmp_path / "runs" / "dying"
    one_at_a_time = ("--set", "resources.max_concurrent=1")
    ran = prunefront("run", tmp_path / "study.yaml", "--out", out, *one_at_a_time, cwd=tmp_path, seconds=850)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    lives, outcomes = {}, {}
    for folder in (out / "trials").iterdir():
        method = (read_json(folder / DESCRIPTION)["method"] or {}).get("name") if (folder / DESCRIPTION).exists() else "spot"
        lives[method] = len(list(folder.glob("life-*")))
        outcomes[method] = read_outcome(folder) or {}
    assert (lives["unstructured"], outcomes["unstructured"]["status"]) == (DEATHS, "complete")
    assert (lives["spot"], outcomes["spot"]["status"]) == (LOST_WORKERS + 1, "failed")
    assert "its worker was lost again and again" in outcomes["spot"]["cause"]
    assert "its worker was lost again and again" in ran.stdout
