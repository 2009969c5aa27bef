"""The drift atlas' page as a browser shows it."""

import pytest

from tests.browser.test_pages import requests, violations, widths

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def page(show, atlas):
    """The page, loaded."""
    return show(atlas)


def test_loads_without_an_error_or_a_request(page):
    assert page.get_log("browser") == []
    assert requests(page) == [page.current_url]


@pytest.mark.parametrize("width", [375, 1400])
def test_nothing_scrolls_sideways(page, emulate, width):
    emulate.screen(width)
    assert widths(page) == [width, width]


def test_the_names_of_the_probes_stay_while_the_releases_scroll(page, emulate):
    emulate.screen(375)
    left = page.execute_script(
        "const scroll = document.querySelector('.atlas').parentElement; scroll.scrollLeft = 400;"
        "return scroll.querySelector('tbody th').getBoundingClientRect().left"
    )
    assert 0 <= left < 40


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(page, emulate, axe, scheme):
    emulate.scheme(scheme)
    assert violations(page, axe) == []
