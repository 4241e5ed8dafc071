"""What the last run wrote down of plan and tables: told again by ``status``, and not believed where it went stale."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from prune_core.base.files import read_json, write_json
from sweeps.folder.paths import ANSWERS, ASKED, PLANNED, RECORDS, STUDY, WHERE, trial_folder
from sweeps.plan.plan import make_plan
from sweeps.plan.written import last_plan, write_plan
from sweeps.run.answers import known_answers, write_answers
from sweeps.run.plan_limits import limit_warnings
from sweeps.run.plan_power import power_lines
from sweeps.run.status import status_text
from sweeps.run.trial_text import trial_lines
from sweeps.search.more_seeds import decided_trials
from sweeps.search.space import Candidate
from sweeps.search.whole_plan import whole_plan
from sweeps.study.model import load_study, read_study
from sweeps.study.yaml import write_study
from tests.sweeps.exporting import run_without_ray

HEAVY = ("torch", "ray", "mlflow", "optuna", "pandas", "scipy", "matplotlib", "plotly")


@pytest.fixture(scope="module", name="whole")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study as its run left it."""
    out = run_without_ray(tmp_path_factory.mktemp("whole"))
    (out / "columns.json").write_text('{"columns": []}')
    plan = make_plan(read_study(out), out)
    plan = replace(plan, never=tuple(limit_warnings(plan)))
    assert plan.data is not None
    write_study(plan.study.to_plain(), out / STUDY, provenance={"commit": "0123456789abcdef", "data": plan.data.to_plain()})
    write_plan(plan, out, plan.trials)
    write_answers(plan, out)
    return out


@pytest.fixture(name="out")
def _out(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "runs" / "small"))


def test_the_written_plan_is_the_plan(out: Path) -> None:
    assert last_plan(out) == make_plan(read_study(out), out, recorded=True)
    assert whole_plan(out) == whole_plan(out, read_study(out))


def test_status_is_the_same_with_and_without_what_was_written(out: Path) -> None:
    assert known_answers(out) is not None
    said = status_text(out)
    (out / ANSWERS).unlink()
    assert status_text(out) == said
    (out / PLANNED).unlink()
    assert status_text(out) == said


def test_what_was_written_names_the_folder_as_it_is_called_now(out: Path) -> None:
    plain = {**read_json(out / ANSWERS), "front": ["  export it: prunefront export {the folder} --pick one"]}
    write_json(out / ANSWERS, plain)
    assert f"  export it: prunefront export {out} --pick one" in status_text(out)


@pytest.mark.parametrize(
    "words", [["status", "FOLDER"], ["logs", "FOLDER", "TRIAL"], ["--help"]], ids=lambda words: words[0]
)
def test_a_command_that_only_reads_imports_nothing_heavy(whole: Path, words: list[str]) -> None:
    trial = min(path.name for path in (whole / "trials").iterdir())
    assert _heavy_in([{"FOLDER": str(whole), "TRIAL": trial}.get(word, word) for word in words]) == "[0, []]"


def test_a_trial_is_found_by_the_name_that_was_planned(out: Path) -> None:
    plan = last_plan(out)
    assert plan is not None
    for trial in plan.trials:
        (trial_folder(out, trial.key) / WHERE).unlink(missing_ok=True)
        assert trial.key in "\n".join(trial_lines(out, trial.name, 3))


def _heavy_in(words: list[str]) -> str:
    """Return the status of a command in a process of its own, and which heavy packages it imported."""
    code = f"""
        import sys
        from dashboards.cli import PAGES, cli
        from sweeps.cli.group import run_cli
        status = run_cli(cli, {words!r}, pages=PAGES)
        sys.exit(str([status, [name for name in {HEAVY!r} if name in sys.modules]]))
    """
    found = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert found.stdout, found.stderr
    return found.stderr.strip().splitlines()[-1]


def test_status_of_a_search_that_is_at_work_imports_no_torch(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("sweeps.cost.measuring.WORK", {"cpu": 1e6})
    plain = read_study(out).to_plain() | {"search": {"kind": "random", "candidates": 4}, "budgets": [0, 1], "limits": []}
    (out / ANSWERS).unlink()
    write_study(plain, out / STUDY, provenance=yaml.safe_load((out / STUDY).read_text())["provenance"])
    (out / RECORDS).unlink()
    plan = make_plan(read_study(out), out, recorded=True)
    write_plan(replace(plan, finds=tuple(power_lines(plan, out))), out, plan.trials)
    asked = [Candidate("small_vgg-l1_filter", "0.5", 1), Candidate("small_vgg-unstructured", "0.5", 0)]
    write_json(out / ASKED, [candidate.key for candidate in asked])
    said = status_text(out)  # measures the network, which is remembered
    found = last_plan(out)
    assert found is not None
    assert whole_plan(out).trials == whole_plan(out, read_study(out)).trials
    assert "besides    2 further trials on disk" in said
    assert _heavy_in(["status", str(out)]) == "[0, ['pandas']]"


def _more_seeds(out: Path) -> None:
    plain = yaml.safe_load((out / STUDY).read_text())
    plain["seeds"] = [*plain["seeds"], 17]
    (out / STUDY).write_text(yaml.safe_dump(plain, sort_keys=False))


def _a_comment(out: Path) -> None:
    (out / STUDY).write_text(f"# looked at\n{(out / STUDY).read_text()}")


def _torn(out: Path) -> None:
    text = (out / PLANNED).read_text()
    (out / PLANNED).write_text(text[: len(text) // 2])


def _changed(key: str, value: object) -> Callable[[Path], None]:
    def change(out: Path) -> None:
        write_json(out / PLANNED, {**read_json(out / PLANNED), key: value})

    return change


STALE = {
    "grown study": _more_seeds,
    "edited study": _a_comment,
    "torn file": _torn,
    "no file": lambda out: (out / PLANNED).unlink(),
    "other version": _changed("version", "0.0.1"),
    "no arms": _changed("arms", []),
    "parts of nothing": _changed("parts", []),
    "trials of nothing": _changed("trials", 3),
    "a list": lambda out: (out / PLANNED).write_text("[]"),
}


@pytest.mark.parametrize("change", STALE.values(), ids=STALE)
def test_a_plan_that_need_not_be_that_of_the_study_is_made_anew(out: Path, change: Callable[[Path], None]) -> None:
    change(out)
    assert last_plan(out) is None
    plan = make_plan(read_study(out), out, recorded=True)
    assert f"trials     {len(plan.trials)}: " in status_text(out)


def test_a_position_of_a_part_below_zero_is_no_plan(out: Path) -> None:
    plain = read_json(out / PLANNED)
    plain["trials"][0]["description"]["baseline"] = -1
    write_json(out / PLANNED, plain)
    assert last_plan(out) is None


def test_a_written_trial_names_no_other_folder_than_that_of_its_description(out: Path) -> None:
    plain = read_json(out / PLANNED)
    for entry in plain["trials"]:
        entry["key"] = "../../elsewhere"
    write_json(out / PLANNED, plain)
    found = last_plan(out)
    assert found is not None
    assert {trial.key for trial in found.trials} == {path.name for path in (out / "trials").iterdir()}


def test_answers_are_those_of_the_table_that_is_there(out: Path) -> None:
    (out / RECORDS).write_bytes((out / RECORDS).read_bytes() + b" ")
    assert known_answers(out) is None


def test_answers_are_not_those_of_a_sweep_that_went_on(out: Path) -> None:
    record = next((out / "trials").glob("*/budget-*/record.json"))
    later = (out / RECORDS).stat().st_mtime_ns + 1
    os.utime(record, ns=(later, later))
    assert known_answers(out) is None


def test_a_checkpoint_that_is_another_file_now_makes_other_trials(out: Path, tmp_path: Path) -> None:
    weights = next((out / "trials").glob("*/budget-*/*.safetensors"))
    checkpoint = Path(shutil.copy(weights, tmp_path / "mine.safetensors"))
    plain = read_study(out).to_plain()
    plain["networks"]["small_vgg"]["baseline"] = {"checkpoint": str(checkpoint)}
    mine = tmp_path / "mine"
    write_study(plain, mine / STUDY, provenance={"commit": "0123456789abcdef"})
    plan = make_plan(load_study(mine / STUDY), mine)
    write_plan(plan, mine, plan.trials)
    found = last_plan(mine)
    assert found is not None
    assert found.trials == plan.trials
    checkpoint.write_bytes(checkpoint.read_bytes() + b" ")
    assert last_plan(mine) is None
    checkpoint.unlink()
    assert last_plan(mine) is None
    assert "there is no file" in status_text(mine)


def test_the_extra_seeds_of_a_written_plan_are_those_of_a_new_one(out: Path) -> None:
    plan = whole_plan(out)
    assert decided_trials(plan, out) == decided_trials(make_plan(read_study(out), out, recorded=True), out)
    assert json.loads((out / PLANNED).read_text())["arms"]
