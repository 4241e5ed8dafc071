"""The pages in Debian's Chromium: they draw, answer to mouse and keyboard, log no error, and ask nothing of a network."""

from __future__ import annotations

import pytest

from dashboards.live.server import live_app
from tests.dashboards.browsing import MARKS, drawn, local, new_tab, pruned, settles
from tests.dashboards.serving import served

pytestmark = MARKS

FOCUSED = """(() => {
  const node = document.activeElement, style = getComputedStyle(node);
  const label = node.closest("label") || node;
  const texts = [...label.childNodes].filter(child => child.nodeName !== "SELECT").map(child => child.textContent);
  const outline = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
  return { id: node.id, name: texts.join("").replace("%", "").trim(), outline };
})()"""
IN_THE_FRAME = """(() => {
  const centre = node => { const b = node.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; };
  const frame = document.querySelector("#plot-front .draglayer .xy .nsewdrag").getBoundingClientRect();
  return [...document.querySelectorAll("#plot-front .scatterlayer path.point")].map(centre)
    .filter(([x, y]) => x > frame.left && x < frame.right && y > frame.top && y < frame.bottom)
    .find(([x, y]) => y > 0 && y < innerHeight);
})()"""
"""The middle of a point that is in the frame of the first panel and in the window."""


SENDING = r"""(() => {
  const words = /cloud|chart.?studio|plotly|share|upload|send|edit.?in|publish/i;
  const controls = [...document.querySelectorAll(".modebar a, .modebar-btn, .plotly-cloud-dialog, [class*=cloud]")];
  const said = node => [node.dataset.title, node.dataset.attr, node.className].join(" ");
  const names = ["href", "src", "action", "formaction", "ping", "xlink:href"];
  const named = node => names.map(name => node.getAttribute(name)).filter(Boolean);
  const links = [...document.querySelectorAll("*")].flatMap(named);
  const own = ["data:", "blob:", location.protocol];
  const leaves = url => !own.includes(url.protocol) || (url.protocol.startsWith("http") && url.origin !== location.origin);
  const told = [...document.querySelectorAll(".js-plotly-plot")].map(div => div._context);
  const switches = ["showSendToCloud", "showEditInChartStudio", "displaylogo", "showLink", "plotlyServerURL"];
  const sends = one => switches.some(name => one[name]);
  return { figures: told.length, buttons: controls.length, offers: controls.map(said).filter(text => words.test(text)),
    away: links.filter(link => leaves(new URL(link, location))), open: told.filter(sends).length };
})()"""
"""What a page offers that would send something off the machine: buttons of figures, links, and what plotly was told."""


def nothing_is_offered(tab, figures):
    found = tab.evaluate(SENDING)
    assert found["figures"] >= figures
    assert found["buttons"] >= 5 * figures, "the buttons were not found: this test would see nothing"
    assert (found["offers"], found["away"], found["open"]) == ([], [], 0)


def press_every_button(tab, own=()):
    """Press every button of every figure; return what was asked for beyond this machine, and the windows that opened."""
    before, opened = len(tab.asked), []
    tab.context.on("page", lambda other: opened.append(other.url))
    for button in tab.locator(".modebar-btn").element_handles():
        button.evaluate("node => node.click()")
    tab.wait_for_timeout(500)
    return [url for url in tab.asked[before:] if not local(url, *own)], opened


@pytest.fixture(scope="module")
def report(browser, page):
    """The report, opened once for all tests that only look at it: opening draws every figure."""
    tab = new_tab(browser)
    tab.goto(page.as_uri())
    tab.wait_for_selector("#plot-front .scatterlayer .trace path.point", state="attached")
    yield tab
    tab.context.close()


def test_the_report_draws_without_errors_and_without_a_network(report):
    assert report.locator(".plot .main-svg").count() > 7
    assert report.errors == []
    assert [url for url in report.asked if not local(url)] == []
    assert report.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_report_offers_nothing_that_sends_anything_away(browser, page):
    tab = new_tab(browser)
    tab.goto(page.as_uri())
    assert settles(tab, "[...document.querySelectorAll('.plot')].every(div => div.querySelector('.modebar-btn'))")
    nothing_is_offered(tab, 8)
    assert press_every_button(tab) == ([], [])
    nothing_is_offered(tab, 8)
    # A control: the same look at a figure as plotly comes out of the box does find its button.
    tab.evaluate("document.body.append(Object.assign(document.createElement('div'), {id: 'bare'}))")
    tab.evaluate("Plotly.newPlot('bare', [{y: [1, 2]}], {}, {}).then(() => true)")
    assert len(tab.evaluate(SENDING)["offers"]) >= 1
    assert tab.evaluate(SENDING)["open"] == 1
    tab.context.close()


def test_hovering_and_the_arrow_keys_tell_everything_about_a_point(report):
    report.locator("#plot-front").focus()
    report.keyboard.press("ArrowRight")
    report.wait_for_selector("#plot-front .hoverlayer .hovertext")
    text = report.locator("#plot-front .hoverlayer .hovertext").first.text_content()
    for part in ("accuracy:", "ECE:", "NLL:", "mPC:", "nonzero parameters", "MLflow:", "run"):
        assert part in text
    # Every panel rings the same candidate, and its numbers stand below, where they can be copied and are read aloud.
    assert 1 <= report.locator(".frame:has(#plot-front) .rings circle").count() <= 4
    detail = report.locator("section#front .detail")
    assert "mPC:" in detail.text_content()
    assert detail.get_attribute("aria-live") == "polite"
    report.keyboard.press("Escape")
    assert not detail.is_visible()
    assert report.locator(".rings circle").count() == 0
    report.mouse.move(5, 5)
    report.locator("#plot-front .draglayer .xy .nsewdrag").scroll_into_view_if_needed()
    at = report.evaluate(IN_THE_FRAME)
    report.mouse.move(*at, steps=4)
    report.wait_for_selector("#plot-front .hoverlayer .hovertext")
    report.mouse.click(*at)
    assert "seeds" in detail.text_content()


def test_what_is_on_the_page_is_reached_by_the_keyboard(report):
    report.locator(".skip").focus()
    reached = [report.evaluate(FOCUSED)]
    for _ in range(60):
        report.keyboard.press("Tab")
        reached.append(report.evaluate(FOCUSED))
        if reached[-1]["id"] == "plot-front":
            break
    names = [one["name"] for one in reached]
    assert names[0] == "Skip to the answer"
    assert {"Method", "Network", "Fine-tuning", "Front only", "Accuracy at least", "Clear", "unstructured"} <= set(names)
    assert reached[-1]["id"] == "plot-front"
    assert all(one["outline"] > 1 for one in reached)  # one sees where one is


def test_the_legend_hides_and_shows(report):
    button = report.locator("section#front .legend button", has_text="unstructured")
    before = drawn(report)
    button.focus()
    report.keyboard.press("Enter")
    assert {point["method"] for point in drawn(report)} == {point["method"] for point in before} - {"unstructured"}
    button = report.locator("section#front .legend button", has_text="unstructured")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert drawn(report) == before


def test_a_table_is_sorted_by_what_is_clicked(report):
    head = report.locator("#candidates th", has_text="Nonzero parameters").first
    at = head.evaluate("node => node.cellIndex")
    cells = f"[...document.getElementById('candidates').tBodies[0].rows].map(row => row.cells[{at}].textContent)"
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    first = report.evaluate(cells)
    assert first[0].startswith("19.4")
    assert first[-1] == "248"
    head.get_by_role("button").click()
    assert report.evaluate(cells)[0] == "248"


def test_the_filters_leave_what_was_asked_for_and_the_references(report):
    form = "form[data-for=front]"
    report.uncheck(f"{form} [data-key='front']")
    assert {point["budget"] for point in drawn(report) if point["method"] == "l1_filter"} == {2}
    report.select_option(f"{form} [data-key='budget']", "")
    assert {point["budget"] for point in drawn(report) if point["method"] == "l1_filter"} == {0, 2}
    report.select_option(f"{form} [data-key='method']", "unstructured")
    report.select_option(f"{form} [data-key='network']", "resnet8")
    points = drawn(report)
    assert {point["network"] for point in points} == {"resnet8"}
    assert {point["method"] for point in points} == {"unstructured", "baseline", "control"}
    report.check(f"{form} [data-key='front']")
    named = report.evaluate("Object.keys(document.getElementById('plot-front').layout.meta.named).map(Number)")
    kept = [point for point in drawn(report) if not point["front"] and point["method"] not in ("baseline", "control")]
    assert {point["place"] for point in kept} <= set(named)  # whom the answer names is always there
    assert str(len(drawn(report))) in report.locator(f"{form} output").text_content()
    assert report.errors == []


def test_limits_leave_what_meets_them(report):
    form = "form[data-for=front]"
    report.uncheck(f"{form} [data-key='front']")
    for key in ("network", "method"):
        report.select_option(f"{form} [data-key='{key}']", "")
    before = pruned(report)
    assert {point["within"] for point in before} == {True, False}  # the study demands an accuracy of 90 %
    report.check(f"{form} [data-key='within']")
    assert pruned(report) == [point for point in before if point["within"]]
    report.uncheck(f"{form} [data-key='within']")
    for key, value in (("accuracy_percent", "95"), ("nonzero_parameters", "5000")):
        report.fill(f"{form} [data-key='{key}']", value)
        report.locator(f"{form} [data-key='{key}']").blur()
    assert pruned(report) == [
        point for point in before if point["accuracy_percent"] >= 95 and point["nonzero_parameters"] <= 5000
    ]
    assert pruned(report) != before
    assert report.errors == []


def test_dark_mode_recolours_the_figures_and_print_is_light(report):
    colour = "document.getElementById('plot-front')._fullLayout.font.color"
    report.emulate_media(color_scheme="light")
    light = report.evaluate(colour)
    report.emulate_media(color_scheme="dark")
    assert settles(report, f"{colour} !== '{light}'")
    report.emulate_media(media="print", color_scheme="dark")
    assert settles(report, f"{colour} === '{light}'")
    report.emulate_media(media="screen", color_scheme="dark")
    assert settles(report, f"{colour} !== '{light}'")
    # Printing is announced before the style sheet turns: the figures must be light by then.
    report.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert report.evaluate(colour) == light
    report.evaluate("dispatchEvent(new Event('afterprint'))")
    assert report.evaluate(colour) != light
    report.emulate_media(media="print", color_scheme="dark")
    assert settles(report, f"{colour} === '{light}'")
    assert report.evaluate("getComputedStyle(document.querySelector('.filters')).display") == "none"
    # What is folded on the screen is open on paper, and nothing is wider than a landscape page.
    assert report.evaluate("[...document.querySelectorAll('details:not(.aside)')].every(part => part.open)")
    report.set_viewport_size({"width": 960, "height": 700})
    wide = "[...document.querySelectorAll('table, .plot .main-svg, pre')].map(node => node.getBoundingClientRect().right)"
    assert max(report.evaluate(wide)) <= 961
    assert len(report.pdf(prefer_css_page_size=True)) > 100_000
    report.emulate_media(media="screen", color_scheme="light")
    assert not report.evaluate("[...document.querySelectorAll('details')].some(part => part.open)")


def test_on_a_telephone_panels_stand_below_each_other(report):
    report.set_viewport_size({"width": 390, "height": 800})
    assert settles(report, "document.getElementById('plot-front')._fullLayout.width < 390")
    assert settles(report, "document.getElementById('plot-front')._fullLayout.xaxis2.domain[0] === 0")
    assert report.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert report.errors == []


def test_the_live_page_draws_the_front_and_asks_only_its_own_server(browser, study_folder):
    tab = new_tab(browser)
    with served(live_app(study_folder, token="right")) as port:
        address = f"http://127.0.0.1:{port}/"
        tab.goto(f"{address}?token=right")
        assert tab.url == address  # the token is in a cookie now
        tab.wait_for_selector("#plot-front .scatterlayer .trace path.point", state="attached")
        assert "no run is at work" in tab.locator("#driver").text_content()
        methods = tab.locator("form [data-key='method'] option").all_text_contents()
        assert methods == ["all", "l1_filter", "network_slimming", "random_filters", "unstructured"]
        assert {point["budget"] for point in pruned(tab)} == {2}  # the longest budget, not all of them mixed
        assert [url for url in tab.asked if not local(url, address)] == []
        assert tab.errors == []
        nothing_is_offered(tab, 1)
        assert press_every_button(tab, own=(address,)) == ([], [])
        tab.context.close()
