"""The documentation: no idiom, name or file is left out, and a build that passes has run every example."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tf_repro.migrate import scanner
from tf_repro.report import codes

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if path.parent.name != "codes")
WRITTEN = {"scanner/codes/table"}  # by the build, with a page for each code of the scanner

IDIOMS = sorted(path.stem for path in (DOCS / "migration").glob("*.md") if path.stem != "index")
NOT_HERE = {"slim", "seq2seq", "estimator", "distribution", "flags"}
"""Their TensorFlow 1 programs need a module that TensorFlow 2 lacks, several devices, or nothing to compute."""

SYMBOLS = {
    "placeholder": "tf.placeholder",
    "session": "tf.Session.run",
    "initializers": "tf.global_variables_initializer",
    "optimizers": "tf.train.AdamOptimizer",
    "gradients": "tf.gradients",
    "vector_cost": "tf.train.GradientDescentOptimizer.minimize",
    "cross_entropy": "tf.nn.softmax_cross_entropy_with_logits",
    "log": "tf.log",
    "truncated_normal": "tf.truncated_normal",
    "saver": "tf.train.Saver",
    "queues": "tf.train.shuffle_batch",
    "rnn_cells": "tf.nn.rnn_cell.LSTMCell",
    "slim": "tf.contrib.slim.fully_connected",
    "seq2seq": "tf.contrib.seq2seq.sequence_loss",
    "estimator": "tf.estimator.Estimator",
    "distribution": "tf.train.replica_device_setter",
}

MODULES = [
    *("nn", "layers", "losses", "models", "optimizers", "migrate"),
    *("core.record", "core.verdicts", "core.ulp", "core.rounding", "suite.claims", "suite.run"),
]


def read(page):
    return (DOCS / page).read_text(encoding="utf-8")


def cells(text):
    return re.findall(r"^```\{code-cell\}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_there_is_a_page_for_each_of_thirty_idioms():
    assert len(IDIOMS) >= 30


@pytest.mark.parametrize("page", IDIOMS)
def test_idiom_has_both_programs_side_by_side_and_compares_them(page):
    text = read(f"migration/{page}.md")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[:2] == ["TensorFlow 1", "TensorFlow 2"], "which makes them two columns"
    assert headings[-1] in ("What bites", "What changes")
    code = "\n".join(cells(text))
    assert re.search(r"^ *(assert |np\.testing\.assert_)", code, re.MULTILINE)
    assert ("tf1.Session()" in code) == (page not in NOT_HERE)


@pytest.mark.parametrize("page", IDIOMS)
def test_idiom_says_whether_the_numbers_change_as_the_table_of_idioms_does(page):
    said = re.search(r"^\*\*The numbers:\*\* (.+)\.$", read(f"migration/{page}.md"), re.MULTILINE)[1]
    rows = [row for row in read("migration/index.md").splitlines() if row.startswith("| [") and f"]({page}.md)" in row]
    assert [row.split(" | ")[-1].removesuffix(" |") for row in rows] == [said]


@pytest.mark.parametrize("page", IDIOMS)
def test_the_columns_of_an_idiom_fit_a_desktop(page):
    columns = re.findall(r"^## TensorFlow [12]\n(.*?)(?=^## )", read(f"migration/{page}.md"), re.DOTALL | re.MULTILINE)
    code = [
        line
        for column in columns
        for block in re.findall(r"^```.*?^```", column, re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
    ]
    assert max(map(len, code)) <= 70


@pytest.mark.parametrize(("page", "symbol"), SYMBOLS.items())
def test_scan_names_the_page_as_proof(page, symbol, tmp_path):
    program = tmp_path / "program.py"
    name = symbol.replace("tf.Session.", "s.")
    program.write_text(f"import tensorflow as tf\ns = tf.Session()\n{name}(0)\n")
    proofs = {proof for hit in scanner.scan([program]) for proof in hit.proof}
    assert f"docs/migration/{page}.md" in proofs


def test_the_page_of_a_code_links_to_the_idiom_that_proves_it(tmp_path):
    codes.write_pages(tmp_path)
    text = (tmp_path / "TF505.md").read_text(encoding="utf-8")
    assert "- [`docs/migration/dropout.md`](../../migration/dropout.md)" in text


def test_every_page_is_in_a_table_of_contents():
    listed = {"index"}
    for page in PAGES:
        folder = Path(page).parent
        for entries in re.findall(r"^```\{toctree\}\n(.*?)^```", read(page), re.DOTALL | re.MULTILINE):
            names = [line for line in entries.splitlines() if line and not line.startswith(":")]
            listed |= {(folder / name).as_posix() for name in names}
    assert sorted(listed - WRITTEN) == [page.removesuffix(".md") for page in PAGES]


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page):
    named = re.findall(r"`((?:docs|examples|legacy_tf1|tests|tf_repro)/[\w./-]+)`", read(page))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_page_of_the_command_line_has_every_command():
    from tf_repro.cli.app import app

    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert commands <= set(re.findall(r"^tf-repro ([\w-]+) --help", read("reference/cli.md"), re.MULTILINE))


README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_is_short_and_what_it_links_to_exists():
    assert len(README.splitlines()) < 200
    linked = re.findall(r"\]\(([^)#]+)|(?:src|srcset)=\"([^\"]+)", README)
    assert linked
    assert [path for pair in linked for path in pair if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    ("term", "explained"),
    [
        ("ULP", "an ULP, a unit in the last place, is the step from"),
        ("engine", "A finding is one figure on one *engine*: a recording of genuine TensorFlow 1,"),
        ("compat.v1", "`compat.v1` (the TensorFlow 1 interface that TensorFlow 2 still has)"),
    ],
)
def test_the_readme_explains_a_term_where_it_first_appears(term, explained):
    words = " ".join(README.split()).replace("an ULP: an ULP", "an ULP")
    first, place = words.index(term), words.index(explained)
    assert first <= place + explained.index(term)
    assert place - first < 200, "not in the same breath"


@pytest.mark.parametrize("upright", [False, True])
def test_the_readme_s_picture_is_what_its_script_makes(upright):
    """Its words, that is: another matplotlib may draw a line otherwise."""
    sys.path.insert(0, str(DOCS))
    try:
        pictures = importlib.import_module("pictures")
    finally:
        sys.path.remove(str(DOCS))
    words = re.compile(r"<(?:text|title|desc)[^>]*>([^<]*)<")
    made = words.findall(pictures.hero(upright=upright))
    path = pictures.UPRIGHT if upright else pictures.HERO
    assert made == words.findall(path.read_text(encoding="utf-8"))
    assert {"1.4.1", "2.21.0", "4 lanes", "≠0"} <= set(made)
    assert f'"docs/{path.name}"' in README


@pytest.mark.parametrize(
    "document", ["softmax_backprop", "softmax_jacobian", "softmax_cross_entropy", "softmax_regression", "reverse_mode"]
)
def test_each_document_has_a_page_with_claims_derivation_mistake_and_programs(document):
    text = read(f"documents/{document}.md")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [heading.rstrip("s") for heading in headings] == [
        "What it claim",
        "Derivation",
        "The mistake",
        "The program",
    ]
    parts = dict(zip(headings, re.split(r"^## .+$", text, flags=re.MULTILINE)[1:], strict=True))
    head = r"^# .+\n\n`\w+`: .+「.+」.*\n(.+\n)*\n\*\*Source\.\*\* "
    assert re.search(head, text, re.MULTILINE), "a translated title, the original title, and the source"
    assert "$$" in parts["Derivation"]
    assert "assert" in "\n".join(cells(next(parts[heading] for heading in headings if "mistake" in heading)))
    files = re.findall(r"literalinclude\} \.\./\.\./(\S+)", parts["The programs"])
    assert len(files) == 2
    assert all((ROOT / file).exists() for file in files)


def build(source, out):
    """The folder of the built pages, and the finished process."""
    pytest.importorskip("myst_nb", reason="needs the extra 'docs'")
    if not Path(sys.executable).with_name("tf-repro").exists():
        pytest.skip("needs tf_repro installed: the pages run its command")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-j", "2", "-c", DOCS, "-d", out / "doctrees"]
    done = subprocess.run([*command, source, out / "html"], capture_output=True, text=True, check=False)
    return out / "html", done


def undocumented(html):
    """The public names that the reference lacks."""
    from sphinx.util.inventory import InventoryFile

    inventory = InventoryFile.loads((html / "objects.inv").read_bytes(), uri="")
    documented = {name for names in inventory.data.values() for name in names}
    return [name for module in MODULES for name in public_names(f"tf_repro.{module}") if name not in documented]


def public_names(module):
    home = importlib.import_module(module)
    own = [name for name, value in vars(home).items() if getattr(value, "__module__", None) == module]
    return [f"{module}.{name}" for name in getattr(home, "__all__", own) if not name.startswith("_")]


@pytest.mark.slow
def test_site_builds_without_a_warning_whole_and_self_contained(tmp_path):
    html, done = build(DOCS, tmp_path)
    assert done.returncode == 0, done.stderr[-10_000:]
    assert undocumented(html) == []
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"""<(?:script|img|iframe|link)[^>]+(?:src|href)=["'](?:https?:)?//""", text), page
        assert str(ROOT) not in text, page
        assert sys.prefix not in text, page
    for style in html.rglob("*.css"):
        assert not re.search(r"url\(\s*[\"']?(?:https?:)?//", style.read_text(encoding="utf-8")), style


@pytest.mark.slow
def test_example_that_fails_fails_the_build(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    header = "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n\n"
    (source / "index.md").write_text(f"{header}# A page\n\n```{{code-cell}}\nassert 1 == 2, 'planted'\n```\n")
    _, done = build(source, tmp_path / "out")
    assert done.returncode != 0
    assert "planted" in done.stderr


def test_every_public_name_can_be_imported():
    missing = [f"{module}.{name}" for module in MODULES for name in unimportable(f"tf_repro.{module}")]
    assert missing == []


def unimportable(module):
    home = importlib.import_module(module)
    return [name for name in getattr(home, "__all__", []) if not is_there(home, name)]


def is_there(home, name):
    try:
        return hasattr(home, name)
    except ModuleNotFoundError:
        return False
