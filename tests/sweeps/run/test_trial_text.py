"""What is said of one trial, from the files in its folder."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from prune_core.base.errors import BadInput
from prune_core.base.files import write_json
from prune_core.base.trial_folder import OUTCOME, PROGRESS, TRACEBACK
from sweeps.engine.trial_log import tell_log, trial_log, where_is, where_seconds
from sweeps.folder.paths import LOG, RECORDS_CSV, STUDY, trial_folder
from sweeps.run.trial_text import trial_lines


@pytest.fixture
def out(tmp_path):
    (tmp_path / STUDY).write_text("name: demo\n")
    return tmp_path


def ran(out, key, name, **more):
    folder = trial_folder(out, key)
    place = {"name": name, "node": "n1", "host": "far", "process": 7, "gpus": "0,1", "since": time.time() - 10}
    with trial_log(folder, place) as log:
        sys.stdout.write("printed by a plugin\n")
        sys.stderr.write("and on stderr\n")
        log.event("budget 0 is judged")
    return folder


def test_log_outcome_and_place_of_a_trial_by_name_key_or_beginning(out, capsys):
    folder = ran(out, "abc123", "vgg16-l1-r0.5-s0")
    ran(out, "abd999", "vgg16-l1-r0.5-s1")
    assert "printed by a plugin" in capsys.readouterr().out  # it is still where it was
    tell_log(folder, "lost its worker: node gone")
    (folder / TRACEBACK).write_text("Traceback\nValueError: no\n")
    write_json(folder / OUTCOME, {"status": "failed", "cause": "ValueError: no", "budgets": [], "key": "abc123"})
    for wanted in ("vgg16-l1-r0.5-s0", "abc123", "abc"):
        text = "\n".join(trial_lines(out, wanted, 200))
        assert text.startswith("vgg16-l1-r0.5-s0: failed: ValueError: no")
        for each in ("host far, process 7, GPUs 0,1", "printed by a plugin", "and on stderr", "budget 0", "lost its worker"):
            assert each in text
        assert text.endswith("ValueError: no")
    where, seconds = where_is(folder), where_seconds(folder)
    assert where is not None and where["node"] == "n1" and seconds is not None and 9 < seconds < 60
    with pytest.raises(BadInput, match="2 trials begin so"):
        trial_lines(out, "vgg16", 10)
    with pytest.raises(BadInput, match="vgg16-l1-r0.5-s1"):
        trial_lines(out, "vgg16-l1-r0.5-s9", 10)


def test_a_trial_that_runs_and_one_that_raises(out):
    folder = trial_folder(out, "abc123")
    with pytest.raises(RuntimeError), trial_log(folder, {"name": "t", "node": "n1", "since": time.time()}):
        raise RuntimeError("node leaves")
    now = {"phase": "fine-tune", "epoch": 1, "of": 4, "heartbeat": time.time(), "host": "far", "process": 7}
    write_json(folder / PROGRESS, now)
    text = "\n".join(trial_lines(out, "t", 200))
    assert "running, fine-tune 1/4 on far" in text and "leaves: RuntimeError: node leaves" in text


def test_trials_of_an_older_version_have_the_names_of_its_table(out):
    head = "key,arm,network,method,ratio,seed,budget"
    rows = [
        "abc1,vgg-l1_filter,vgg,l1_filter,0.5,1,0",
        "abc1,vgg-l1_filter,vgg,l1_filter,0.5,1,2",
        "abd2,vgg,vgg,control,0,0,2",
    ]
    (out / RECORDS_CSV).write_text("\n".join([head, *rows]))
    for key in ("abc1", "abd2"):
        write_json(trial_folder(out, key) / OUTCOME, {"status": "complete", "cause": None, "budgets": [2]})
    assert trial_lines(out, "vgg-l1_filter-r0.50-s1", 5)[0] == "vgg-l1_filter-r0.50-s1: complete"
    assert trial_lines(out, "vgg-control-s0", 5)[0] == "vgg-control-s0: complete"
    (out / RECORDS_CSV).write_text("key,arm\nabc1")  # half a table names nobody
    assert trial_lines(out, "abc1", 5)[0] == "abc1: complete"


def test_a_log_stops_no_trial_and_follows_no_link(out, tmp_path):
    folder = trial_folder(out, "abc123")
    folder.mkdir(parents=True)
    target = tmp_path / "elsewhere"
    target.write_text("")
    (folder / LOG).symlink_to(target)
    with trial_log(folder, {"node": "n1"}):
        sys.stdout.write("x\n")
    assert target.read_text() == ""
    assert not any("---" in line for line in trial_lines(out, "abc123", 10))


def test_the_command_needs_neither_ray_nor_torch(out):
    ran(out, "abc123", "t")
    code = (
        "import sys; from sweeps.run.trial_text import trial_lines; from pathlib import Path; "
        f"print(trial_lines(Path({str(out)!r}), 't', 5)); sys.exit(bool({{'torch', 'ray', 'pandas'}} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
