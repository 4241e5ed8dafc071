"""The report as a reader uses it: the answer at once, filters, address, pins, steps, columns, a telephone, paper."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dashboards.report.report as report
from dashboards.glossary import TERMS
from sweeps.front.volume import non_dominated
from tests.dashboards.browsing import MARKS, drawn, new_tab, settles

pytestmark = MARKS

FORM = "form[data-for=front]"
ROWS = "[...document.querySelectorAll('#candidates tbody tr')]"
SHOWN_ROWS = f"{ROWS}.filter(row => !row.hidden).map(row => Number(row.dataset.place))"
READY = "document.querySelector('#plot-front .scatterlayer path.point') !== null"
DATA = "document.getElementById('plot-front').data"
STEPS = DATA + ".filter(t => t.meta.steps).map(t => ({ axis: t.xaxis, x: t.x, y: t.y }))"
FIRST_PANEL = DATA + ".filter(t => t.customdata && t.xaxis === 'x').flatMap(t => t.x.map((x, i) => [x, t.y[i]]))"
BARS = """(() => { const div = document.getElementById('plot-front'), found = [];
  for (const t of div.data) (t.customdata || []).forEach((one, i) => {
    const at = [div._fullLayout['xaxis' + t.xaxis.slice(1)], div._fullLayout['yaxis' + t.yaxis.slice(1)]];
    const beyond = (axis, value) => value < axis.range[0] || value > axis.range[1];
    const out = at.some((axis, k) => beyond(axis, axis.d2l([t.x, t.y][k][i])));
    if (out && (t.error_x.array[i] || t.error_y.array[i])) found.push(one.place);
  }); return found; })()"""
"""Points outside the frame that still have bars."""


@pytest.fixture(scope="module")
def tab(browser, page):
    """The report in a window of 1280 x 900, opened once: opening draws every figure."""
    opened = new_tab(browser)
    opened.set_viewport_size({"width": 1280, "height": 900})
    opened.goto(page.as_uri())
    assert settles(opened, READY)
    yield opened
    opened.context.close()


def places(tab):
    return sorted(point["place"] for point in drawn(tab))


def test_the_answer_is_on_the_first_screen(tab):
    boxes = [tab.locator(where).first.bounding_box() for where in (".decision", ".card.first .numbers", ".card.first .sure")]
    assert all(box is not None and box["y"] >= 0 and box["y"] + box["height"] <= 900 for box in boxes)
    card = tab.locator(".card.first").inner_text()
    for part in (
        "File",
        "MACs",
        "Accuracy",
        "ECE",
        "mPC",
        "Worst corruption",
        "accuracy, fog",
        "prunefront export . --pick",
    ):
        assert part in card
    assert tab.locator(".card").count() <= 3


def test_terms_are_explained_where_they_stand_and_in_the_glossary(tab):
    explained = dict(tab.evaluate("[...document.querySelectorAll('abbr')].map(node => [node.textContent, node.title])"))
    for term in ("ECE", "mPC", "MACs", "NLL"):
        assert explained[term] == TERMS[term]
    assert set(tab.locator("#words dt").all_text_contents()) == set(TERMS)


def test_at_first_the_front_is_shown_with_steps_labels_and_nothing_collapsed(tab):
    points = drawn(tab)
    assert not any(point["collapsed"] for point in points)
    named = tab.evaluate("document.getElementById('plot-front').layout.meta.named")
    other = [point for point in points if 2 not in point["front_at"] and point["method"] not in ("baseline", "control")]
    assert {str(point["place"]) for point in other} <= set(named)
    texts = tab.evaluate("document.getElementById('plot-front').layout.annotations.map(note => note.text)")
    assert set(texts) == set(named.values())
    assert tab.evaluate(BARS) == []
    assert tab.evaluate("document.getElementById('plot-front')._fullLayout.yaxis.range[1]") <= 1.0
    # the steps of the first panel go through those that no other beats in ECE and accuracy, found again without the page
    (steps,) = [one for one in tab.evaluate(STEPS) if one["axis"] == "x"]
    both = tab.evaluate(FIRST_PANEL)
    best = [pair for pair, on in zip(both, non_dominated(both, ["min", "max"]), strict=True) if on]
    assert {tuple(pair) for pair in best} <= set(zip(steps["x"], steps["y"], strict=True))


@pytest.mark.parametrize(
    ("low", "high", "ticks"), [(940, 1720, "L200"), (31_000, 34_000, "L1000"), (90, 5_000, "D2"), (5, 5e6, 1)]
)
def test_a_logarithmic_axis_of_any_span_has_ticks(tab, low, high, ticks):
    whole = (Path(report.__file__).parent / "templates" / "draw.js").read_text(encoding="utf-8")
    function = whole.split("const logTicks = ")[1].split(";\n  const axisOf")[0]
    assert tab.evaluate(f"({function})({low}, {high})") == ticks


def test_filters_move_the_figure_and_the_table_together_and_stand_in_the_address(browser, page, tab):
    assert places(tab) == sorted(tab.evaluate(SHOWN_ROWS))
    tab.uncheck(f"{FORM} [data-key='front']")
    tab.select_option(f"{FORM} [data-key='method']", "l1_filter")
    tab.fill(f"{FORM} [data-key='search']", "small_vgg")
    found = places(tab)
    assert found == sorted(tab.evaluate(SHOWN_ROWS))
    assert {point["method"] for point in drawn(tab)} == {"l1_filter", "baseline", "control"}
    assert {point["network"] for point in drawn(tab)} == {"small_vgg"}
    assert "method=l1_filter" in tab.url
    other = new_tab(browser)
    other.goto(tab.url)  # the link that somebody sends
    assert settles(other, READY)
    assert places(other) == found
    assert other.errors == []
    other.context.close()
    tab.locator(f"{FORM} button[type=reset]").click()
    assert settles(tab, "!location.hash.includes('method')")


def test_a_click_pins_a_candidate_with_its_runs_and_its_command(tab):
    row = tab.locator("#candidates tbody tr:not([hidden])").first
    row.locator(".pick").click()
    detail = tab.locator("section#front .detail")
    assert settles(tab, "document.querySelector('tr.pinned') !== null")
    name = row.locator(".pick").inner_text()
    assert name.replace("\u00a0", " ") in detail.inner_text().replace("\u00a0", " ")
    assert "prunefront export . --pick" in detail.inner_text()
    links = tab.evaluate("[...document.querySelectorAll('section#front .detail a')].map(a => a.href)")
    runs = [link for link in links if "/#/runs/" in link]
    assert len(runs) == 3  # one for each seed, on this machine
    assert all(link.startswith("http://127.0.0.1:5000/#/runs/run") for link in runs)
    assert "pin=" in tab.url
    tab.mouse.move(5, 5)
    assert tab.locator(".frame:has(#plot-front) .rings circle").count() >= 1
    row.locator(".pick").click()
    assert not detail.is_visible()


def test_columns_are_chosen(tab):
    heads = "[...document.querySelectorAll('#candidates thead th')]"
    at = tab.evaluate(f"{heads}.findIndex(head => head.dataset.column === 'nll')")
    seen = f"[...document.getElementById('candidates').rows].every(row => !row.cells[{at}].hidden)"
    assert not tab.evaluate(seen)
    tab.evaluate("document.querySelector('.choose').open = true")
    tab.check(".choose [data-column='nll']")
    assert tab.evaluate(seen)
    tab.uncheck(".choose [data-column='nll']")
    tab.evaluate("document.querySelector('.choose').open = false")


def test_on_a_telephone_tables_say_that_they_scroll(tab):
    tab.set_viewport_size({"width": 390, "height": 844})
    assert settles(tab, "document.getElementById('plot-front')._fullLayout.width < 390")
    said = "getComputedStyle(document.querySelector('#table .scroll'), '::before').content"
    assert "scrolls sideways" in tab.evaluate(said)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for prose in ("p.decision", ".card li", "ul.remarks li", "#front > p"):  # a network's name may be long
        at = f"const at = document.querySelector('{prose}'), before = at.innerHTML; at.textContent = 'n_'.repeat(99);"
        fits = tab.evaluate(
            f"(() => {{ {at} const fits = at.scrollWidth <= innerWidth; at.innerHTML = before; return fits; }})()"
        )
        assert fits, prose
    tab.set_viewport_size({"width": 1280, "height": 900})
    assert tab.errors == []


def test_on_paper_it_is_a_dozen_pages_and_no_figure_is_split(tab):
    tab.emulate_media(media="print")
    assert settles(tab, "document.getElementById('plot-front')._fullLayout.width === 1590")
    found = tab.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", found)) <= 12
    whole = "[...document.querySelectorAll('figure, .card')].map(node => getComputedStyle(node).breakInside)"
    assert set(tab.evaluate(whole)) == {"avoid"}
    tab.emulate_media(media="screen")
