"""Every page as a browser shows it."""

import json

import pytest

from tests.browser.conftest import HOSTILE, eventually

pytestmark = pytest.mark.xdist_group("browser")

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
AXE = """
const [repetitions, rules, done] = arguments;
document.querySelectorAll(repetitions).forEach(each => each.remove());
axe.run({runOnly: rules, resultTypes: ["violations"]}).then(
    found => done(found.violations.map(each => [each.id, each.help, each.nodes.map(node => node.html)])),
    error => done([String(error)]));
"""
REPETITIONS = "tbody tr:nth-child(n+6), .row:nth-child(n+4), .line:nth-child(n+9)"
"""What is like its elder siblings, and would only make the accessibility check take longer."""


def unfold(browser):
    """Open whatever is folded."""
    browser.execute_script("document.querySelectorAll('details').forEach(each => { each.open = true })")


def requests(browser):
    """The addresses that were asked for since the page was loaded."""
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if not url.startswith("data:")]


def violations(browser, axe, repetitions=REPETITIONS):
    """What axe-core finds: rule, what it asks for, and the elements."""
    browser.execute_script(axe)
    return browser.execute_async_script(AXE, repetitions, RULES)


def widths(browser):
    """Of the window and of what is in it."""
    return browser.execute_script("return [innerWidth, document.documentElement.scrollWidth]")


def test_loads_without_an_error_or_a_request(page):
    assert page.get_log("browser") == []
    assert requests(page) == [page.current_url]


@pytest.mark.parametrize("name", ["report", "check"])
def test_hostile_text_is_text(show, name, request):
    page = show(request.getfixturevalue(name))
    assert page.title != "taken"
    assert page.find_elements("tag name", "img") == []
    unfold(page)
    assert HOSTILE in page.execute_script("return document.querySelector('main').innerText")


@pytest.mark.parametrize("name", ["report", "check"])
def test_every_picture_is_drawn(show, name, request):
    page = show(request.getfixturevalue(name))
    unfold(page)
    boxes = page.execute_script(
        "return [...document.querySelectorAll('figure')].map(figure => ['svg', 'svg path', 'svg text'].map(part =>"
        " {const {width, height} = figure.querySelector(part).getBoundingClientRect(); return width + height}))"
    )
    assert boxes
    assert all(size > 0 for box in boxes for size in box)


@pytest.mark.parametrize("width", [375, 1400])
def test_nothing_scrolls_sideways(page, emulate, width):
    emulate.screen(width)
    assert widths(page) == [width, width]
    unfold(page)
    assert widths(page) == [width, width]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 375)])
def test_accessible(page, emulate, axe, scheme, width):
    emulate.screen(width)
    emulate.scheme(scheme)
    unfold(page)
    assert violations(page, axe) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["report", "check"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_whole_page_is_accessible(show, name, request, emulate, axe, scheme):
    page = show(request.getfixturevalue(name))
    emulate.scheme(scheme)
    unfold(page)
    assert violations(page, axe, repetitions="none") == []


BROKEN_WORDS = """
const broken = [];
const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
for (let node; (node = walker.nextNode()); ) {
    if (node.parentElement.closest("pre, svg, .value, .hidden-text")) continue;
    for (const match of node.data.matchAll(/[A-Za-z]{2,}/g)) {
        const range = document.createRange();
        range.setStart(node, match.index);
        range.setEnd(node, match.index + match[0].length);
        const tops = new Set([...range.getClientRects()].filter(box => box.width).map(box => Math.round(box.top)));
        if (tops.size > 1) broken.push(match[0] + " in " + node.data.trim().slice(0, 60));
    }
}
return broken;
"""


@pytest.mark.parametrize("width", [375, 1400])
def test_no_word_is_broken(page, emulate, width):
    emulate.screen(width)
    unfold(page)
    assert page.execute_script(BROKEN_WORDS) == []


def test_the_keyboard_reaches_what_folds_and_filters(show, report):
    from selenium.webdriver.common.keys import Keys

    browser = show(report)
    body = browser.find_element("tag name", "body")
    body.send_keys(Keys.TAB)
    eventually(browser, lambda: browser.switch_to.active_element.tag_name, "a")
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    eventually(browser, lambda: browser.execute_script("return document.activeElement.id"), "main")
    summary = browser.find_element("css selector", "#findings ~ details summary")
    browser.execute_script("arguments[0].focus()", summary)
    summary.send_keys(Keys.ENTER)
    eventually(browser, lambda: browser.execute_script("return arguments[0].parentElement.open", summary), True)
    search = browser.find_element("css selector", "form[data-filters=findings-table] input[type=search]")
    search.send_keys("after.w[2]")
    without = """
        const rows = [...document.querySelectorAll("#findings-table tbody tr:not([hidden])")].map(row => row.innerText);
        return [rows.length > 0, rows.filter(row => !row.includes("after.w[2]"))]
    """
    eventually(browser, lambda: browser.execute_script(without), [True, []])


def test_the_failing_check_opens_with_its_cause_and_line(show, check, emulate):
    browser = show(check)
    emulate.screen(1400)
    tops = browser.execute_script(
        "return ['#cause', '.line.marked', '#divergence', '#ladder', '#programs'].map("
        "each => document.querySelector(each).getBoundingClientRect().top)"
    )
    assert tops == sorted(tops)
    assert tops[1] < 800, "the marked line is on the first screen"


@pytest.mark.parametrize("width", [375, 1400])
def test_the_report_is_short_before_it_is_unfolded(show, report, emulate, width):
    browser = show(report)
    emulate.screen(width)
    height = "return document.documentElement.scrollHeight"
    folded = browser.execute_script(height)
    unfold(browser)
    assert folded < 8000 < browser.execute_script(height)


def test_every_row_is_there_without_scripts(page, emulate):
    rows = "return [...document.querySelectorAll('tbody tr')].map(row => row.getClientRects().length)"
    with_scripts = len(page.execute_script(rows))
    emulate.no_scripts()
    page.refresh()
    unfold(page)
    assert page.execute_script(rows) == [1] * with_scripts
    assert page.execute_script("return document.querySelectorAll('th button').length") == 0
    assert not any(form.is_displayed() for form in page.find_elements("tag name", "form"))


FAULTY = """<!doctype html><html><head><title>A page</title></head><body>
<img src="http://127.0.0.1:9/picture.png"><p style="color: #aaa; background: #fff">pale</p>
<div style="width: 900px">wide</div><script>undefined_function()</script></body></html>"""


def test_planted_faults_are_found(show, emulate, axe, tmp_path):
    path = tmp_path / "faulty.html"
    path.write_text(FAULTY, encoding="utf-8")
    browser = show(path)
    assert "undefined_function is not defined" in str(browser.get_log("browser"))
    assert "http://127.0.0.1:9/picture.png" in requests(browser)
    emulate.screen(375)
    assert widths(browser)[1] > 900
    assert {"color-contrast", "image-alt", "html-has-lang", "landmark-one-main"} <= {
        rule for rule, *_ in violations(browser, axe)
    }
