"""The site's search where its pages are opened from disk, in the browser: index and worker come out of one script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from documentation.search_from_disk import SCRIPT, write_search
from tests.dashboards.browsing import MARKS

pytestmark = MARKS


def test_a_page_from_disk_has_the_index_and_its_worker_answers(browser: Any, tmp_path: Path) -> None:
    workers = tmp_path / "assets" / "javascripts" / "workers"
    workers.mkdir(parents=True)
    (workers / "search.1234.min.js").write_text(
        "onmessage = e => postMessage(e.data + ' </script> found')", encoding="utf-8"
    )
    (tmp_path / "search.json").write_text(json.dumps({"items": [{"title": "a \u2028 line"}]}), encoding="utf-8")
    write_search(tmp_path)
    (tmp_path / "index.html").write_text(f"<script src={SCRIPT}></script>", encoding="utf-8")
    tab = browser.new_page()
    tab.goto((tmp_path / "index.html").as_uri())
    assert tab.evaluate("__index.items[0].title") == "a \u2028 line"
    asked = """() => new Promise(answered => {
        const worker = new Worker("assets/javascripts/workers/search.1234.min.js");
        worker.onmessage = event => answered(event.data);
        worker.onerror = () => answered("no worker");
        worker.postMessage("front");
    })"""
    assert tab.evaluate(asked) == "front </script> found"
    tab.close()
