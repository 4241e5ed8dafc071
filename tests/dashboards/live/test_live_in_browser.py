"""The live page in Chromium: what runs, logs of failures, the table of trials with its search, the way to the report."""

from __future__ import annotations

import time

import pytest

from dashboards.live.server import live_app
from prune_core.base.files import write_json
from tests.dashboards import synthetic
from tests.dashboards.browsing import CHROMIUM
from tests.dashboards.serving import served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="LOUD: /usr/bin/chromium is missing, the page was not looked at"),
]


@pytest.fixture(scope="module", name="tab")
def _tab(browser):
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.set_default_timeout(90_000)
    yield tab
    tab.close()


def test_the_page_shows_what_runs_what_failed_and_every_trial_and_leads_to_the_report(tab, tmp_path):
    out = synthetic.write(tmp_path / "s")
    for number in range(398):
        write_json(out / "trials" / f"done{number:03d}" / "outcome.json", {"status": "complete", "budgets": []})
    failed = out / "trials" / "failed0"
    write_json(failed / "outcome.json", {"status": "failed", "cause": "ValueError: <b>no", "budgets": []})
    (failed / "traceback.txt").write_text("Traceback\nValueError: <b>no\n")
    said = {"phase": "fine-tune", "epoch": 1, "of": 3, "heartbeat": time.time() + 600, "host": "node7", "process": 12}
    write_json(out / "trials" / "now" / "progress.json", said)
    head = "phase,epoch,loss,accuracy,learning_rate,seconds"
    (out / "trials" / "now" / "curve.csv").write_text(f"{head}\nfine-tune,1,0.5,0.75,0.1,3\nfine-tune,2,0.25,0.875,0.1,6\n")
    (out / "report").mkdir()
    (out / "report" / "index.html").write_text("<title>the answer</title>")
    errors: list[str] = []
    tab.on("console", lambda said: errors.append(f"{said.text} {said.location}") if said.type == "error" else None)
    with served(live_app(out, token="right")) as port:
        tab.goto(f"http://127.0.0.1:{port}/?token=right")
        tab.wait_for_selector("#trial-table tbody tr")
        assert tab.title().startswith("99\u00a0%")  # 399 of 400 are not all
        running = tab.locator("#running-table tbody tr").inner_text()
        assert "1 of 3 epochs" in running and "node7, process 12" in running and "accuracy 87.5" in running
        assert tab.locator("#running-table svg polyline").count() == 2
        assert tab.locator("#found").inner_text() == "400 of 400 trials, the first 50 are shown"
        tab.fill("#sought", "valueerror")
        assert tab.locator("#trial-table tbody tr").count() == 1
        tab.fill("#sought", "")
        tab.select_option("#state", "running")
        assert tab.locator("#trial-table tbody th").all_inner_texts() == ["now"]
        tab.click("#failure-table button")
        tab.wait_for_selector("#log-part:not([hidden])")
        assert tab.inner_text("#log") == "Traceback\nValueError: <b>no\n"
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        tab.click("#report-ready a")
        tab.wait_for_url("**/report/")
        assert tab.title() == "the answer"
        tab.wait_for_timeout(1_000)  # the stand-in names no icon: Chromium asks for one when the page is there
    assert errors == []
