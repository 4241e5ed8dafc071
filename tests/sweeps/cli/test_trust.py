"""A folder that somebody sent: its code runs when the user has confirmed it, and never to read the folder."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from dashboards.cli import PAGES
from dashboards.reading.live_state import live_state
from dashboards.reading.study_folder import read_study_folder
from prune_core.base.errors import BadInput
from prune_core.base.files import read_json, write_json
from sweeps.cli.group import cli, run_cli
from sweeps.folder.confirmed import trust_file
from sweeps.folder.paths import PLANNED
from sweeps.plan.plan import make_plan
from sweeps.plan.written import write_plan, written_plan
from sweeps.run.status import status_text
from sweeps.study.model import load_study, read_study
from sweeps.study.yaml import read_study_yaml, write_study
from tests.sweeps.exporting import run_without_ray

EVIL = "import pathlib\n(pathlib.Path(__file__).parent / 'marker').touch()\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study without plugins, as its run left it."""
    return run_without_ray(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def out(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same study as somebody sent it: with a plugin beside ``study.yaml``."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.delenv("PRUNEFRONT_TRUST_PLUGINS", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(whole.parent, tmp_path / "runs")
    out = tmp_path / "runs" / "small"
    study = load_study(out / "study.yaml")
    rewrite(out, plugins=["evil"])
    (out / "evil.py").write_text(EVIL)
    plan = replace(make_plan(study, out, recorded=True), study=read_study(out))
    write_plan(plan, out, plan.trials)
    path, modules = list(sys.path), set(sys.modules)
    yield out
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith(("evil", "my_")):
            del sys.modules[name]


def rewrite(out: Path, **changes: object) -> None:
    plain = read_study_yaml(out / "study.yaml")
    provenance = plain.pop("provenance", None)
    write_study({**plain, **changes}, out / "study.yaml", provenance=provenance)


def prunefront(*words: object) -> int:
    pages = PAGES if words[0] == "report" else None  # a page takes its time, also after rescoring
    return run_cli(cli, [str(word) for word in words], pages=pages)


READING = [
    ("status", "OUT"),
    ("report", "OUT"),
    ("compare", "OUT", "OUT"),
    ("export", "OUT", "--list"),
    ("rescore", "OUT"),
    ("rescore", "OUT", "--bins", "10"),
]
COMPUTING = [
    ("run", "OUT"),
    ("run", "OUT/study.yaml"),
    ("plan", "OUT"),
    ("plan", "OUT/study.yaml"),
    ("export", "OUT", "--formats", "safetensors"),
    ("studies", "OUT", "--keys"),
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
@pytest.mark.parametrize("planned", [True, False], ids=["planned", "older"])
def test_reading_imports_no_plugin(
    out: Path, words: tuple[str, ...], planned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    if not planned and words[0] == "report":
        pytest.skip("a report reads no plan where its table is the newest")
    if not planned:
        (out / PLANNED).unlink()
    status = prunefront(*(word.replace("OUT", str(out)) for word in words))
    said = capsys.readouterr()
    assert status == (2 if not planned and words[0] == "rescore" else 0), said.err
    assert not (out / "marker").exists()
    assert "evil" not in sys.modules


def test_the_live_page_imports_no_plugin(out: Path) -> None:
    (out / "records.parquet").unlink()
    study = read_study_folder(out)
    assert len(study.records) == 4  # baseline, control, two arms
    state = live_state(out)
    assert state["known"] == state["counts"]["complete"] == len(study.records)
    assert not (out / "marker").exists()


@pytest.mark.parametrize("words", COMPUTING, ids=" ".join)
def test_computing_without_trust_ends_in_one_line(
    out: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert prunefront(*(word.replace("OUT", str(out)) for word in words)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and f"evil from {out / 'evil.py'}" in said and "--trust-plugins" in said
    assert not (out / "marker").exists()


@pytest.mark.parametrize("words", [each for each in COMPUTING if each[0] != "run"], ids=" ".join)
def test_computing_with_trust_imports_and_says_what(
    out: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word.replace("OUT", str(out)) for word in words]
    assert prunefront(*given, "--trust-plugins") == 0
    assert capsys.readouterr().err.count(f"plugins: evil from {out / 'evil.py'}") == 1
    assert (out / "marker").exists()


def test_the_environment_is_a_word_too(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRUNEFRONT_TRUST_PLUGINS", "1")
    assert prunefront("plan", out) == 0
    assert (out / "marker").exists()


def test_what_was_confirmed_is_known_by_content(out: Path, tmp_path: Path) -> None:
    assert prunefront("plan", out, "--trust-plugins") == 0
    assert stat.S_IMODE(trust_file().stat().st_mode) == 0o600
    moved = tmp_path / "runs" / "moved"
    out.rename(moved)
    (moved / "marker").unlink()
    assert prunefront("plan", moved) == 0
    for name in ("evil.py", "mlflow_skinny.py", "onnx/numpy_helper.py"):  # the plugin, and what a late import would find
        (moved / name).parent.mkdir(exist_ok=True)
        before = (moved / name).read_text() if (moved / name).exists() else None
        (moved / name).write_text((before or "") + "# changed\n")
        assert prunefront("plan", moved) == 2
        if before is None:
            (moved / name).unlink()
        else:
            (moved / name).write_text(before)
    assert prunefront("plan", moved) == 0


def test_a_list_that_others_may_write_confirms_nothing(out: Path) -> None:
    assert prunefront("plan", out, "--trust-plugins") == 0
    assert prunefront("plan", out) == 0
    trust_file().chmod(0o666)
    assert prunefront("plan", out) == 2


def test_a_file_that_the_user_names_is_their_word(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = read_study_yaml(out / "study.yaml")
    plain.pop("provenance")
    mine = tmp_path / "mine"
    mine.mkdir()
    write_study(plain, mine / "mine.yaml")
    (mine / "evil.py").write_text(EVIL)
    assert prunefront("plan", mine / "mine.yaml", "--out", tmp_path / "runs" / "mine") == 0
    assert f"plugins: evil from {mine / 'evil.py'}" in capsys.readouterr().err
    # and so is the folder of its run, in which the same code is named
    (out / "evil.py").unlink()
    rewrite(out, plugin_paths=[str(mine)])
    sys.modules.pop("evil")
    assert prunefront("plan", out) == 0


def test_a_module_that_is_missing_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prunefront("corrupt", "--plugin", "no_such_module", "--data", "digits", "-o", tmp_path / "x.png") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "no_such_module cannot be imported" in said


def test_cached_bytecode_is_not_what_was_confirmed(out: Path) -> None:
    import importlib.util
    import py_compile

    source = out / "evil.py"
    source.write_text(EVIL.replace("marker", "poison"))
    cached = Path(importlib.util.cache_from_source(str(source)))
    py_compile.compile(str(source), cfile=str(cached))
    about = source.stat()
    source.write_text(EVIL)
    os.utime(source, ns=(about.st_atime_ns, about.st_mtime_ns))  # same time, same size: Python would take the old one
    assert prunefront("plan", out, "--trust-plugins") == 0
    assert (out / "marker").exists() and not (out / "poison").exists()


def test_columns_of_a_plugin_stay_when_it_is_not_imported(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(out, objectives={"accuracy": "max", "my_metric": "min"})
    records = pd.read_parquet(out / "records.parquet").assign(my_metric=0.25)
    records.to_parquet(out / "records.parquet")
    for path in out.glob("trials/*/budget-*/record.json"):
        write_json(path, {**read_json(path), "my_metric": 0.25})
    assert prunefront("rescore", out, "--bins", "10") == 0
    assert "columns of plugins stay as they are: evil not imported" in capsys.readouterr().out
    assert pd.read_parquet(out / "records.parquet")["my_metric"].eq(0.25).all()
    assert all(read_json(path)["my_metric"] == 0.25 for path in out.glob("trials/*/budget-*/record.json"))
    assert prunefront("export", out, "--list") == 0


def test_status_of_a_study_with_plugins_counts_what_its_run_planned(out: Path) -> None:
    text = status_text(out)
    assert "evil: not imported here" in text and "small_vgg-l1_filter, small_vgg-unstructured" in text
    assert "there      4 of 4 trials" in text


@pytest.mark.parametrize(
    "damage",
    [
        "{}",
        '{"trials": [1]}',
        '{"trials": [{"description": {}}]}',
        '{"trials": [{"name": 1}]}',
        "[]",
        "{",
    ],
)
def test_a_damaged_plan_is_one_line(out: Path, damage: str) -> None:
    (out / PLANNED).write_text(damage)
    with pytest.raises(BadInput, match="no plan that a run wrote"):
        written_plan(read_study(out), out)
    assert "cannot be made here" in status_text(out)


def test_a_written_plan_names_no_other_folder_than_that_of_its_description(out: Path) -> None:
    plain = json.loads((out / PLANNED).read_text())
    keys = {trial.key for trial in written_plan(read_study(out), out).trials}
    assert keys == {path.name for path in (out / "trials").iterdir()}
    assert all("key" not in entry for entry in plain["trials"])


@pytest.mark.parametrize("words", [*READING, *COMPUTING], ids=" ".join)
def test_a_link_out_of_the_folder_is_one_line(
    out: Path, tmp_path: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    (out / "study.yaml").rename(tmp_path / "secret.yaml")
    (out / "study.yaml").symlink_to(tmp_path / "secret.yaml")
    assert prunefront(*(word.replace("OUT", str(out)) for word in words)) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "study.yaml: is a link" in said.err


@pytest.mark.parametrize("key", ["mlflow", "optuna"])
def test_a_place_that_a_folder_names_needs_a_word(out: Path, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = f"sqlite:///{out.parent / 'elsewhere.db'}"
    rewrite(out, plugins=[], tracking={key: place})
    assert prunefront("run", out) == 2
    assert "sends results to" in capsys.readouterr().err
    if key == "mlflow":
        assert prunefront("export", out, "--formats", "safetensors", "--mlflow") == 2
    assert not (out.parent / "elsewhere.db").exists()
