from __future__ import annotations

import json
import os
import socket
import time

import pytest

from dashboards.live.server import LiveStudy, is_loopback, live_app, serve
from dashboards.reading.live_state import live_state
from dashboards.reading.live_trials import LiveTrials, live_trials
from dashboards.reading.study_list import study_list
from prune_core.base.errors import BadInput
from prune_core.base.files import write_json
from sweeps.folder.lock import driving
from sweeps.folder.places_file import write_places
from tests.dashboards import synthetic
from tests.dashboards.serving import get, served, signed_in
from tests.matching import find

TOKEN = "right"


@pytest.fixture(scope="module")
def port(study_folder):
    with served(live_app(study_folder, token=TOKEN)) as port:
        yield port


@pytest.fixture(scope="module")
def cookie(port):
    return signed_in(port, TOKEN)


def test_the_page_and_its_scripts_come_from_here(port, cookie):
    status, page, headers = get(port, "/", Cookie=cookie)
    assert status == 200
    assert "Synthetic digits" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "connect-src 'self'" in headers["content-security-policy"]
    for name in ("plotly.js", "page.js", "live.js"):
        assert get(port, f"/script/{name}", Cookie=cookie)[2]["content-type"].startswith("text/javascript")
    for path in ("/script/report.html", "/script/../study.yaml", "/script/%2e%2e%2fstudy.yaml", "/study.yaml"):
        assert get(port, path, Cookie=cookie)[0] == 404


def test_the_figures_are_those_of_the_records(port, cookie):
    data = json.loads(get(port, "/figures.json", Cookie=cookie)[1])
    places = [place for trace in data["figures"]["front"]["data"] for place in trace["text"]]
    assert {data["candidates"]["network"][place] for place in places} == {"small_vgg", "resnet8"}
    assert {len(column) for column in data["candidates"].values()} == {len(data["hover"])}


def test_candidates_without_all_seeds_are_shown_and_do_not_compete(tmp_path):
    table = synthetic.records(networks=("small_vgg",))
    table = table[(table["seed"] == 0) | (table["ratio"] == 0.3) | table["method"].isin(["baseline", "control"])]
    data = json.loads(LiveStudy(synthetic.write(tmp_path / "s", table)).figures())
    places = {place for trace in data["figures"]["front"]["data"] for place in trace["text"]}
    pale = [place for place in places if not data["candidates"]["complete"][place]]
    assert pale
    assert not any(data["candidates"]["front"][place] for place in pale)
    assert "incomplete: does not compete" in data["hover"][pale[0]]
    assert any(data["candidates"]["front"][place] for place in places)


def test_a_foreign_host_is_refused(port, cookie):
    assert get(port, "/state.json", Host="evil.example", Cookie=cookie)[0] == 400


def test_beyond_loopback_any_name_is_answered_to_who_has_the_token(study_folder):
    with served(live_app(study_folder, token=TOKEN, hosts=["*"])) as port:
        assert get(port, "/state.json", Host="lab.example", Cookie=signed_in(port, TOKEN))[0] == 200
        assert get(port, "/state.json", Host="lab.example")[0] == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "0.0.0.0"])
def test_the_printed_address_opens_the_page_and_without_its_token_nothing_does(study_folder, monkeypatch, host):
    seen = {}

    def run(self, sockets):
        seen["app"] = self.config.app

    if host == "::1":
        try:
            socket.create_server((host, 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("no IPv6 here")
    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr("uvicorn.Server.run", run)
        for _ in range(2):
            serve(study_folder, host=host, port=0, say=said.append)
    first, token = (find(r"^http://\S+:\d+/\?token=(\S{32})$", line)[1] for line in said)
    assert first != token
    with served(seen["app"]) as port:
        for path in ("/", "/state.json", "/figures.json", "/script/page.js", f"/?token={first}", "/state.json?token="):
            assert get(port, path)[0] == 403, path
        assert get(port, "/", Cookie=signed_in(port, token))[0] == 200


def test_there_is_no_page_without_a_token(study_folder):
    with pytest.raises(ValueError, match="needs a token"):
        live_app(study_folder, token="")
    with pytest.raises(TypeError):
        live_app(study_folder)  # type: ignore[call-arg]


def test_the_token_moves_into_a_cookie(study_folder):
    with served(live_app(study_folder, token="right")) as port:
        for path in ("/", "/state.json", "/figures.json", "/script/page.js", "/?token=wrong"):
            assert get(port, path)[0] == 403
        status, _, headers = get(port, "/?token=right")
        assert status == 303  # to the page without the token in its address
        assert "right" not in headers["location"]
        assert "httponly" in headers["set-cookie"].lower()
        cookie = headers["set-cookie"].split(";")[0]
        for path in ("/", "/script/page.js", "/state.json"):
            assert get(port, path, Cookie=cookie)[0] == 200
        assert get(port, "/", Cookie=cookie.replace("right", "wrong"))[0] == 403
        assert get(port, "/favicon.ico", Cookie=cookie)[0] == 204  # asked for by the browser alone, without an error


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("192.168.1.2", False),
        ("example.org", False),
    ],
)
def test_what_counts_as_loopback(host, own):
    assert is_loopback(host) is own


def test_state_counts_outcomes_and_names_causes(tmp_path):
    out = synthetic.write(tmp_path / "s")
    for key, status, cause in (("a", "complete", None), ("b", "failed", "it <broke>"), ("c", "complete", None)):
        write_json(out / "trials" / key / "outcome.json", {"status": status, "cause": cause, "budgets": []})
    write_json(out / "trials" / "d" / "progress.json", {"phase": "fine-tune", "epoch": 1, "of": 2, "heartbeat": 4e9})
    write_json(out / "trials" / "e" / "progress.json", {"phase": "fine-tune", "epoch": 1, "of": 2, "heartbeat": 0})
    state = live_state(out)
    assert state["counts"] == {"complete": 2, "failed": 1, "running": 1, "waiting": 0}
    assert state["failures"] == [{"key": "b", "name": "b", "status": "failed", "cause": "it <broke>", "log": ""}]
    assert [trial["name"] for trial in state["running"]] == ["d"]
    assert state["driver"] is None
    assert state["seconds_left"] is None


def test_no_study_no_page(tmp_path):
    with pytest.raises(BadInput, match=r"no study\.yaml"):
        live_app(tmp_path, token=TOKEN)


def trial(out, key, begun, ended, status="complete", cause=None):
    """A trial's folder that began and ended at these moments."""
    folder = out / "trials" / key
    write_json(folder / "description.json", {})
    os.utime(folder / "description.json", (begun, begun))
    write_json(folder / "outcome.json", {"status": status, "cause": cause, "budgets": []})
    os.utime(folder / "outcome.json", (ended, ended))
    return folder


def test_throughput_is_that_of_the_time_in_which_trials_ran(tmp_path):
    out = synthetic.write(tmp_path / "s")
    yesterday = time.time() - 86400
    for number in range(58):  # one a second, then a day of nothing
        trial(out, f"t{number}", yesterday + number, yesterday + number + 1)
    state = live_state(out)
    assert state["per_minute"] == pytest.approx(60)
    assert state["ended"][-1] == {"seconds": pytest.approx(58, abs=0.1), "trials": 58}
    assert {row["places"] for row in state["busy"][:-1]} == {1} and state["busy"][-1]["places"] == 0


def test_a_copied_study_has_the_times_of_its_trials_and_not_those_of_its_files(tmp_path):
    out = synthetic.write(tmp_path / "s")
    now = time.time()
    for number in range(3):  # ended a minute apart an hour ago; all files were written now
        write_json(trial(out, f"t{number}", now, now) / "progress.json", {"heartbeat": now - 3600 + 60 * number})
    state = live_state(out)
    assert state["per_minute"] == 0 and state["busy"] == []
    assert [row["seconds"] for row in state["ended"]] == [0, 60, 120]
    write_json(trial(out, "t4", now - 30, now) / "progress.json", {"heartbeat": now - 1})
    assert live_state(out)["per_minute"] == pytest.approx(2)  # of the one that ran here


def test_the_report_is_final_from_its_writing_on_after_the_last_trial(tmp_path):
    out = synthetic.write(tmp_path / "s")
    trial(out, "a", 1.0, 2.0)
    page = out / "report" / "index.html"
    page.parent.mkdir()
    page.write_text("an earlier run's")
    os.utime(page, (1.0, 1.0))
    assert live_state(out)["final"]
    with driving(out):
        assert not live_state(out)["final"]
        page.write_text("this run's")
        assert live_state(out, LiveTrials(out, live_trials(out).trials, None, 1))["final"]
        assert not live_state(out, LiveTrials(out, live_trials(out).trials, None, 5))["final"]  # trials to come


def test_what_runs_is_told_with_its_place_and_its_curve(tmp_path):
    out = synthetic.write(tmp_path / "s")
    folder = out / "trials" / "a"
    said = {"phase": "fine-tune", "epoch": 1, "of": 2, "heartbeat": time.time(), "host": "node7", "process": 12}
    write_json(folder / "progress.json", said)
    (folder / "curve.csv").write_text("phase,epoch,loss,accuracy,learning_rate,seconds\nfine-tune,1,0.5,0.75,0.1,3\n")
    (one,) = live_state(out)["running"]
    assert (one["place"], one["epoch"], one["of"], one["curve"]) == ("node7, process 12", 1, 2, [[1, 0.5, 0.75]])


def test_the_page_serves_logs_of_trials_and_the_report_and_nothing_else(tmp_path):
    out = synthetic.write(tmp_path / "s")
    (trial(out, "abc", 1.0, 2.0, "failed", "ValueError: no") / "traceback.txt").write_text("Traceback\nValueError: no\n")
    (out / "report").mkdir()
    (out / "report" / "index.html").write_text("<p>the answer")
    (out / "report" / "secret.html").symlink_to(out / "study.yaml")
    with served(live_app(out, token=TOKEN)) as port:
        cookie = signed_in(port, TOKEN)
        assert get(port, "/log/abc", Cookie=cookie)[:2] == (200, "Traceback\nValueError: no\n")
        assert get(port, "/report/", Cookie=cookie)[:2] == (200, "<p>the answer")
        (row,) = json.loads(get(port, "/trials.json", Cookie=cookie)[1])
        assert (row["key"], row["state"], row["seconds"], row["log"]) == ("abc", "failed", 1.0, "traceback.txt")
        for path in (
            "/log/..",
            "/log/abc%2f..",
            "/report/../study.yaml",
            "/report/%2e%2e/study.yaml",
            "/report/secret.html",
        ):
            assert get(port, path, Cookie=cookie)[0] == 404, path
        for path in ("/trials.json", "/log/abc", "/report/index.html"):
            assert get(port, path)[0] == 403, path


def test_the_studies_of_a_folder_are_listed(tmp_path):
    synthetic.write(tmp_path / "runs" / "one", title="The first")
    trial(synthetic.write(tmp_path / "runs" / "two", title="\x1b[31mred"), "abc", 1.0, 2.0)
    (tmp_path / "runs" / "other").mkdir()
    lines = study_list(tmp_path / "runs")
    assert len(lines) == 3 and lines[1].endswith("stopped  The first")
    assert lines[2].split()[1] == "1"
    with pytest.raises(BadInput, match="no study lies here"):
        study_list(tmp_path)


def test_what_ray_says_where_nothing_starts_comes_first(tmp_path):
    out = synthetic.write(tmp_path / "s")
    told = {"places": 2, "filled": 0, "waiting": 5, "held_back": 0, "why": "no node has 4 CPUs", "nodes": [], "trials": []}
    write_places(out, told)
    with driving(out):
        assert live_state(out, LiveTrials(out, [], None, 5))["waiting_for"] == ["0 of 2 places filled; no node has 4 CPUs"]
    assert "start it with" in live_state(out, LiveTrials(out, [], None, 5))["waiting_for"][0]
