"""A headless Chromium, axe-core, and the pages that both look at."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.migrate.checker.programs import PORT, changed, written

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ENGINES = ("tf-1.4.1", "tf-1.5.1", "derivation")
PATIENCE = 600
"""Seconds until a test gives up on what a browser does in one, and an accessibility check of a whole page in twenty."""
HOSTILE = "<script>document.title = 'taken'</script>"


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """The one browser session of these tests."""
    binary, driver = (found(shutil.which(name), name) for name in ("chromium", "chromedriver"))
    webdriver = found(_selenium(), "selenium (pip install '.[browser]')")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    with webdriver.Chrome(options, webdriver.ChromeService(driver)) as session:
        session.command_executor.client_config.timeout = 2 * PATIENCE  # or the driver's answer is given up after 120
        session.set_page_load_timeout(PATIENCE)
        session.set_script_timeout(PATIENCE)
        yield session


def eventually(browser, read, expected):
    """Wait until ``read`` gives what is expected: a key or a click may act after the driver has answered."""
    from selenium.common.exceptions import TimeoutException
    from selenium.webdriver.support.wait import WebDriverWait

    try:
        WebDriverWait(browser, PATIENCE, poll_frequency=0.05).until(lambda _: read() == expected)
    except TimeoutException:
        assert read() == expected


@pytest.fixture(scope="session")
def axe():
    """The source of axe-core."""
    path = Path(os.environ.get("AXE_CORE", "")) / "axe.min.js"
    return found(path.is_file() and path, "axe-core (its folder in AXE_CORE)").read_text(encoding="utf-8")


def found(tool, name):
    """The tool; without it the test is skipped, or fails where TF_REPRO_REQUIRE_BROWSER is set."""
    if not tool:
        miss = pytest.fail if os.environ.get("TF_REPRO_REQUIRE_BROWSER") else pytest.skip
        miss(f"the browser tests need {name}, and none was found")
    return tool


def _selenium():
    try:
        from selenium import webdriver
    except ImportError:
        return None
    return webdriver


@pytest.fixture(scope="session")
def run():
    """Documents, records and findings of those engines that need no TensorFlow; one claim's statement is hostile."""
    from tf_repro.suite import claims
    from tf_repro.suite import run as suite

    documents, _ = claims.select()
    first = documents[0]
    hostile = (replace(first.claims[0], statement=HOSTILE), *first.claims[1:])
    documents = [replace(first, claims=hostile), *documents[1:]]
    records = suite.records(documents, ENGINES)
    return documents, records, list(suite.findings_of(records, documents, ENGINES))


@pytest.fixture(scope="session")
def report(run, tmp_path_factory):
    """The report's page on that run, with its documents' pictures."""
    from tf_repro.report import pictures
    from tf_repro.report.html import page

    documents, records, findings = run
    drawn = {}
    for name in (document.name for document in documents):
        of_engine = {engine: record for (document, engine), record in records.items() if document == name}
        own = [finding for finding in findings if finding.document == name]
        drawn[name] = pictures.of_document(name, of_engine, own, "digits", "2")
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page.report(documents, findings, records, page.circumstances(), drawn), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def check(tmp_path_factory):
    """The page of a check that fails; the file of the port, and what it says, is hostile."""
    from tf_repro import migrate
    from tf_repro.report.html.check_page import check_page

    legacy, port = written(tmp_path_factory.mktemp("check"), port=changed(PORT, ("(g, 0.5)", "(g, 0.50001)")))
    port = port.rename(port.with_name("<img src=x onerror=alert(1)>.py"))
    port.write_text(f"# {HOSTILE}\n" + port.read_text(encoding="utf-8"), encoding="utf-8")
    path = port.with_name("check.html")
    path.write_text(check_page(migrate.check(legacy, port, steps=2), legacy, port), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def passing(tmp_path_factory):
    """The page of a check that passes."""
    from tf_repro import migrate
    from tf_repro.report.html.check_page import check_page

    legacy, port = written(tmp_path_factory.mktemp("passing"))
    path = port.with_name("check.html")
    path.write_text(check_page(migrate.check(legacy, port, steps=1), legacy, port), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def undeclared(run, tmp_path_factory):
    """The report of a run in which findings are not as declared, one of them with a long name."""
    from tf_repro.report.html import page

    documents, records, findings = run
    wrong = [replace(each, declared="drifted", as_declared=False) for each in findings[:3]]
    path = tmp_path_factory.mktemp("undeclared") / "report.html"
    text = page.report(documents, [*wrong, *findings[3:]], records, page.circumstances())
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def atlas(tmp_path_factory):
    """The page of the drift atlas."""
    from tf_repro.atlas import changes, load
    from tf_repro.report.atlas_figures import histories
    from tf_repro.report.html.atlas_page import atlas_page

    path, recordings = tmp_path_factory.mktemp("atlas") / "atlas.html", load()
    path.write_text(atlas_page(recordings, changes(recordings), histories(recordings)), encoding="utf-8")
    return path


@pytest.fixture
def emulate(browser):
    """Give the browser a screen's width, a colour scheme or scripts that are off, for one test; it is so on return."""
    emulation = Emulation(browser)
    yield emulation
    emulation.end()


class Emulation:
    """What a test makes of the browser."""

    def __init__(self, browser):
        self.browser = browser

    def screen(self, width):
        """A screen of that width, which scrolls as a telephone's does."""
        screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        eventually(self.browser, lambda: self.browser.execute_script("return screen.width"), width)

    def scheme(self, name):
        """Light or dark."""
        media = {"features": [{"name": "prefers-color-scheme", "value": name}]}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        matches = f"return matchMedia('(prefers-color-scheme: {name})').matches"
        eventually(self.browser, lambda: self.browser.execute_script(matches), True)

    def no_scripts(self):
        """Scripts of the page do not run from the next load on."""
        self.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})

    def end(self):
        """As it was."""
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.fixture
def show(browser):
    """Load a page; what the browser noted before is forgotten."""

    def load(path):
        for log in ("browser", "performance"):
            browser.get_log(log)
        browser.get(path.as_uri())
        return browser

    return load


@pytest.fixture(params=["report", "undeclared", "check", "passing"])
def page(request, show):
    """Each of the pages, loaded."""
    return show(request.getfixturevalue(request.param))
