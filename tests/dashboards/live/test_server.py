from __future__ import annotations

import json
import socket

import pytest

from dashboards.live.server import LiveStudy, is_loopback, live_app, serve
from dashboards.reading.live_state import live_state
from prune_core.base.errors import BadInput
from prune_core.base.files import write_json
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
    assert state["failures"] == [{"name": "b", "status": "failed", "cause": "it <broke>"}]
    assert [trial["name"] for trial in state["running"]] == ["d"]
    assert state["driver"] is None
    assert state["seconds_left"] is None


def test_no_study_no_page(tmp_path):
    with pytest.raises(BadInput, match=r"no study\.yaml"):
        live_app(tmp_path, token=TOKEN)
