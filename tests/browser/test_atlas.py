"""The drift atlas' page as a browser shows it."""

import pytest

from tests.browser.test_pages import narrow, requests, violations, widths

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def page(show, atlas):
    """The page, loaded; what a test emulates ends with it."""
    browser = show(atlas)
    yield browser
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_loads_without_an_error_or_a_request(page):
    assert page.get_log("browser") == []
    assert requests(page) == [page.current_url]


@pytest.mark.parametrize("width", [375, 1400])
def test_nothing_scrolls_sideways(page, width):
    page.execute_cdp_cmd(*narrow(width))
    assert widths(page) == [width, width]


def test_the_names_of_the_probes_stay_while_the_releases_scroll(page):
    page.execute_cdp_cmd(*narrow(375))
    left = page.execute_script(
        "const scroll = document.querySelector('.atlas').parentElement; scroll.scrollLeft = 400;"
        "return scroll.querySelector('tbody th').getBoundingClientRect().left"
    )
    assert 0 <= left < 40


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(page, axe, scheme):
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    assert violations(page, axe) == []
