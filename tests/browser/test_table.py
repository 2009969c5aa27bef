"""The report's table of all findings sorts and filters."""

from collections import Counter

import pytest

from tests.browser.conftest import eventually

pytestmark = pytest.mark.xdist_group("browser")

ROWS = """
return [...document.querySelectorAll("#findings-table tbody tr")].filter(row => row.getClientRects().length)
    .map(row => [...row.cells].map(cell => cell.dataset.value ?? cell.innerText))
"""
COLUMNS = {"document": 0, "engine": 3, "verdict": 7}
ULP = 6


@pytest.fixture
def table(show, report):
    browser = show(report)
    browser.execute_script("document.querySelector('#findings ~ details').open = true")
    browser.execute_script("document.querySelector('#findings').scrollIntoView()")
    return browser


def rows(browser):
    """What the rows say that are shown."""
    return browser.execute_script(ROWS)


def choose(browser, **choices):
    """Choose in the table's form by keyboard, as a user does; the driver's click on an option is no user's event."""
    from selenium.webdriver.common.keys import Keys

    form = browser.find_element("css selector", "form[data-filters=findings-table]")
    for name, value in choices.items():
        select = form.find_element("name", name)
        place = [option.text for option in select.find_elements("tag name", "option")].index(value)
        select.send_keys(Keys.HOME, Keys.ARROW_DOWN * place)
        eventually(browser, lambda select=select: select.get_property("value"), value)
    return form


def press(browser, button):
    """Press it by the keyboard's way to it: no scrolling, which a click would have to wait for."""
    from selenium.webdriver.common.keys import Keys

    browser.execute_script("arguments[0].focus({preventScroll: true})", button)
    button.send_keys(Keys.ENTER)


def test_sorts_by_number_up_then_down_then_as_before(table):
    original = rows(table)
    heading = table.find_elements("css selector", "#findings-table thead th")[ULP]
    numbers = [row for row in original if row[ULP]]
    others = [row for row in original if not row[ULP]]
    for direction, sign in (("ascending", 1), ("descending", -1)):
        heading.find_element("tag name", "button").click()
        eventually(table, lambda: heading.get_attribute("aria-sort"), direction)
        assert rows(table) == sorted(numbers, key=lambda row, sign=sign: sign * float(row[ULP])) + others
    heading.find_element("tag name", "button").click()
    eventually(table, lambda: heading.get_attribute("aria-sort"), "none")
    assert rows(table) == original


@pytest.mark.parametrize("name", COLUMNS)
def test_sorts_by_text(table, name):
    column = COLUMNS[name]
    original = [row[column] for row in rows(table)]
    heading = table.find_elements("css selector", "#findings-table thead th")[column]
    press(table, heading.find_element("tag name", "button"))
    eventually(table, lambda: heading.get_attribute("aria-sort"), "ascending")
    shown = [row[column] for row in rows(table)]
    assert Counter(shown) == Counter(original)
    assert [value for place, value in enumerate(shown) if shown[place - 1 : place] != [value]] == sorted(
        set(original), key=by_number_in_text
    )


def by_number_in_text(text):
    """1.15 comes after 1.4."""
    return [(part.isdigit(), int(part) if part.isdigit() else part) for part in text.replace("-", ".").split(".")]


def said(form):
    """How many rows are shown, in the form's own words."""
    return form.find_element("tag name", "output").text


@pytest.mark.parametrize("name", COLUMNS)
def test_filters(table, run, name):
    _, _, findings = run
    counts = Counter(getattr(finding, name) for finding in findings)
    assert len(counts) > 1
    for value, count in counts.items():
        form = choose(table, **{name: value})
        eventually(table, lambda form=form: said(form), f"{count} of {len(findings)} rows")
        assert Counter(row[COLUMNS[name]] for row in rows(table)) == {value: count}


def test_filters_together_and_is_reset(table, run):
    _, _, findings = run
    wanted = {"document": "softmax_backprop", "engine": "derivation", "verdict": "drifted"}
    count = sum(all(getattr(finding, name) == value for name, value in wanted.items()) for finding in findings)
    form = choose(table, **wanted)
    eventually(table, lambda: said(form), f"{count} of {len(findings)} rows")
    assert len(rows(table)) == count > 0
    press(table, form.find_element("tag name", "button"))
    eventually(table, lambda: said(form), f"{len(findings)} of {len(findings)} rows")
    assert len(rows(table)) == len(findings)
    assert {select.get_property("value") for select in form.find_elements("tag name", "select")} == {""}
