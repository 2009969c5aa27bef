"""The report as a page: everything of the run is on it, nothing is fetched, and no text becomes markup."""

import ast
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


def code_of(text):
    """The lines of a program's functions; what is said of them is shown as prose."""
    lines, spoken = text.splitlines(), set()
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        if ast.get_docstring(function):
            spoken |= {*range(function.body[0].lineno, function.body[0].end_lineno + 1)}
    return [
        lines[number - 1]
        for function in functions
        for number in range(function.lineno, function.end_lineno + 1)
        if number not in spoken and not lines[number - 1].lstrip().startswith("#")
    ]


def test_every_line_of_every_program_is_on_the_page(run, text):
    shown = "".join("".join(Elements(text).text).split())
    for document in run[0]:
        assert suite.sources(document.name)
        for source in suite.sources(document.name):
            assert source.path in text
            assert not [line for line in code_of(source.text) if "".join(line.split()) not in shown], source.path
    assert "withtf.GradientTape()astape:" in shown
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
    assert "drifts, was declared reproduced" in text
    assert text.index("Not as declared") < text.index(wrong.name) < text.index("Findings by document")


def test_pictures_are_where_they_belong(run):
    documents, findings, records = run
    pictures = page.pictures(documents, findings, records, "digits")
    text = page.report(documents, findings, records, {}, pictures)
    drawn = [a["aria-labelledby"].split()[0] for tag, a in Elements(text).tags if tag == "svg"]
    everything = [each for of in pictures.values() for each in of]
    assert sorted(drawn) == sorted(f"{each.name}-title" for each in everything)
    assert drawn[0] == f"{page.LEADING}-title"
    assert drawn[-1] == f"{pictures['component'][-1].name}-title"
    assert {"reverse-mode-graph-title", "softmax-jacobian-confusion-title", "softmax-regression-training-title"} < set(
        drawn
    )


def test_printed_and_derived_figures_are_counted_apart(run, text):
    origins = {f.name: f.origin for f in run[1]}.values()
    printed, derived = (list(origins).count(each) for each in ("printed", "derived"))
    words = " ".join("".join(Elements(text).text).split())
    assert printed
    assert derived
    assert f"print {printed} figures, and {derived} more follow" in words


def test_every_drift_has_one_why(run):
    document = next(each for each in run[0] if each.name == "softmax_backprop")
    recorded = next(f for f in run[1] if f.reason == "eight-lanes" and f.verdict == "drifted")
    by_bits = replace(recorded, engine="eager", reason="", explained_by="lanes-8")
    bounded = replace(recorded, engine="xla", reason="", explained_by="")
    drifts = page._drifts(document, [recorded, by_bits, bounded])
    assert [(each.name, each.engines) for each in drifts] == [
        ("eight-lanes", [recorded.engine]),
        ("bits of lanes-8", ["eager"]),
        ("rounding", ["xla"]),
    ]


def test_the_page_opens_with_the_machine_and_what_was_learned(run):
    documents, findings, records = run
    ran = replace(
        findings[0], engine=next(e for e in documents[0].engines if e == "eager"), machine="A CPU; a TensorFlow"
    )
    text = " ".join("".join(Elements(page.report(documents, [ran, *findings[1:]], records, {})).text).split())
    order = ["Computed on A CPU; a TensorFlow.", "What was learned", "summed by fours", "How to read the verdicts"]
    assert sorted(order, key=text.index) == order


@pytest.mark.parametrize(
    ("path", "message"),
    [("nowhere/report.html", "--html must be a file in an existing folder"), (".", "--html must be a file")],
)
def test_a_path_that_cannot_be_written_is_refused_before_the_run(tmp_path, path, message):
    done = command("report", "--html", str(tmp_path / path))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
