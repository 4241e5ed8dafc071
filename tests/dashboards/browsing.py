"""Debian's Chromium for the tests of the pages: one browser, tabs that note errors and requests, looks at the figure."""

from __future__ import annotations

from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MARKS = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="LOUD: /usr/bin/chromium is missing, the pages were not looked at"),
]


def new_tab(browser):
    tab = browser.new_context(viewport={"width": 1366, "height": 900}).new_page()
    tab.set_default_timeout(90_000)
    tab.errors, tab.asked = [], []
    tab.on("console", lambda message: tab.errors.append(message.text) if message.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    tab.on("request", lambda request: tab.asked.append(request.url))
    return tab


def local(url, *own):
    return url.startswith(("file:", "data:", "blob:", *own))


def settles(tab, condition):
    """Wait for a condition; the page's own policy forbids playwright's way, which evaluates text in the page."""
    for _ in range(100):
        if tab.evaluate(condition):
            return True
        tab.wait_for_timeout(100)
    return False


def drawn(tab):
    return tab.evaluate(
        "document.getElementById('plot-front').data.filter(t => t.customdata && t.xaxis === 'x').flatMap(t => t.customdata)"
    )


def pruned(tab):
    return [point for point in drawn(tab) if point["method"] not in ("baseline", "control")]
