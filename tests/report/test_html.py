"""The report as a page: everything of the run is on it, nothing is fetched, and no text becomes markup."""

import html.parser
import re
from dataclasses import replace

import pytest

from tests.cli.test_cli import tf_repro as command
from tf_repro.report.html import page
from tf_repro.suite import claims
from tf_repro.suite import run as suite

pytestmark = pytest.mark.xdist_group("report page")
ENGINES = ["tf-1.4.1", "tf-1.5.1", "derivation"]  # none of them needs TensorFlow


class Elements(html.parser.HTMLParser):
    """Every start tag with its attributes, and the text outside style and script."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text.append(data)


@pytest.fixture(scope="module")
def run():
    documents, _ = claims.select()
    records = suite.records(documents, ENGINES)
    return documents, list(suite.findings_of(records, documents, ENGINES)), records


@pytest.fixture(scope="module")
def text(run):
    return page.report(*run, page.circumstances())


def test_every_finding_is_a_row_and_every_figure_is_named(run, text):
    _, findings, _ = run
    elements = Elements(text)
    rows = [attributes for tag, attributes in elements.tags if tag == "tr" and "data-document" in attributes]
    assert [(r["data-document"], r["data-engine"], r["data-verdict"]) for r in rows] == [
        (f.document, f.engine, f.verdict) for f in findings
    ]
    assert {f.name.partition("/")[2] for f in findings} <= {part.strip() for part in elements.text}


def test_every_line_of_every_program_is_on_the_page(run, text):
    shown = " ".join("".join(Elements(text).text).split())
    for document in run[0]:
        for source in suite.sources(document.name):
            assert source.path in text
            assert "def run(" in source.text or "def build(" in source.text
    assert "with tf.GradientTape() as tape:" in shown
    assert "tf.train.GradientDescentOptimizer(learning_rate).minimize(cost)" in shown


def test_nothing_is_fetched(text):
    for tag, attributes in Elements(text).tags:
        assert tag not in ("img", "iframe", "object", "embed"), tag
        assert not attributes.get("src"), attributes
        assert re.match("#|data:|$", attributes.get("href") or ""), attributes
    assert not re.search(r"url\((?!#)|@import", text)


def test_ids_are_unique_and_every_reference_has_its_target(text):
    tags = Elements(text).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in tags:
        named = (attributes.get("aria-labelledby") or "").split()
        assert {*named, *re.findall("^#(.+)", attributes.get("href") or "")} <= set(ids)


def test_a_hostile_text_shows_as_text(run):
    documents, findings, records = run
    hostile = "<script>alert(1)</script>"
    documents = [replace(document, title=hostile, source=f'"><img src=x>{hostile}') for document in documents]
    findings = [replace(finding, printed=hostile) for finding in findings]
    text = page.report(documents, findings, records, {hostile: hostile})
    elements = Elements(text)
    assert [tag for tag, _ in elements.tags].count("script") == 1
    assert "img" not in dict(elements.tags)
    assert "".join(elements.text).count(hostile) >= len(documents) + len(findings)


def test_a_finding_that_is_not_as_declared_is_named_first(run):
    documents, findings, records = run
    wrong = replace(findings[0], verdict="drifted", declared="reproduced", as_declared=False)
    text = "".join(Elements(page.report(documents, [wrong, *findings[1:]], records, {})).text)
    assert f"1 of {len(findings)} findings are not as declared." in text
    assert text.index("Not as declared") < text.index(wrong.name) < text.index("Findings by document")


def test_pictures_are_where_they_belong(run):
    documents, findings, records = run
    pictures = page.pictures(documents, findings, records, "digits")
    text = page.report(documents, findings, records, {}, pictures)
    drawn = [a["aria-labelledby"].split()[0] for tag, a in Elements(text).tags if tag == "svg"]
    assert drawn == [f"{each.name}-title" for d in documents for each in pictures[d.name]] + [
        f"{each.name}-title" for each in pictures["component"]
    ]
    assert {"reverse-mode-graph-title", "softmax-jacobian-confusion-title", "softmax-regression-training-title"} < set(
        drawn
    )


@pytest.mark.parametrize(
    ("path", "message"),
    [("nowhere/report.html", "--html must be a file in an existing folder"), (".", "--html must be a file")],
)
def test_a_path_that_cannot_be_written_is_refused_before_the_run(tmp_path, path, message):
    done = command("report", "--html", str(tmp_path / path))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
