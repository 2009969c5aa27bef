"""The table of codes holds together: every row has its form, and what it says of numbers is shown somewhere."""

import re

import pytest

from tests.migrate.scanner.programs import ROOT
from tf_repro.core.errors import InputError
from tf_repro.migrate.scanner import idioms, scan, selected
from tf_repro.migrate.scanner.idioms import CODES, described, load
from tf_repro.migrate.scanner.symbols import Use
from tf_repro.report import codes

ASSERTS = re.compile(r"assert_array_equal|assert np\.array_equal")


def code_of(symbol, **call):
    return described(symbol, Use(1, 1, "", None, **call)).code


def test_codes_and_names_are_unique_and_in_order():
    found = [idiom.code for idiom in idioms()]
    assert found == sorted(set(found))
    assert len({idiom.name for idiom in idioms()}) == len(found)


def test_a_code_is_in_the_file_of_its_group():
    for path in CODES.glob("*.toml"):
        assert {idiom.code[2] for idiom in load(path)} == {path.name[0]}
    assert {idiom.code[2] for idiom in idioms()} == set(codes.GROUPS)


@pytest.mark.parametrize("idiom", idioms(), ids=lambda idiom: idiom.code)
def test_every_proof_exists(idiom):
    for proof in idiom.proof:
        path, _, function = proof.partition("::")
        assert (ROOT / path).is_file(), proof
        assert not function or f"def {function}(" in (ROOT / path).read_text(encoding="utf-8"), proof


@pytest.mark.parametrize("idiom", idioms(), ids=lambda idiom: idiom.code)
def test_what_is_said_of_numbers_is_proven_by_what_can_fail(idiom):
    """A test, or a page of the documentation whose cells assert; a file that is merely there proves nothing."""
    tests = [proof for proof in idiom.proof if "::" in proof]
    pages = [proof for proof in idiom.proof if proof.endswith(".md") and ASSERTS.search((ROOT / proof).read_text())]
    if idiom.numbers in ("same", "change"):
        assert tests or pages


@pytest.mark.parametrize("idiom", idioms(), ids=lambda idiom: idiom.code)
def test_every_row_can_be_reached(idiom):
    """A call of each symbol, as the row asks for, is described by it, whatever other patterns fit."""
    arguments = {"TF924": ("1", "[]"), "TF925": ("1", "3", "x"), "TF926": ("logits", "labels")}.get(idiom.code, ())
    for pattern in idiom.symbols:
        symbol = pattern.replace("[*]", "*").replace("*", "Xyz") if pattern != "tf.[*]" else "tf.*"
        call = {"keywords": idiom.keywords, "arguments": arguments}
        assert described(symbol, Use(1, 1, "", None, **call)).code == idiom.code, pattern


@pytest.mark.parametrize("idiom", [idiom for idiom in idioms() if idiom.before], ids=lambda idiom: idiom.code)
def test_the_example_of_a_code_is_found_and_what_replaces_it_is_not(tmp_path, idiom):
    def codes_in(text):
        (tmp_path / "program.py").write_text(f"import tensorflow as tf\n{text}\n")
        return {hit.code for hit in scan([tmp_path])}

    assert idiom.code in codes_in(idiom.before + ("\nsession = tf.Session()" if idiom.shared else ""))
    assert idiom.code not in codes_in(idiom.after)


def test_the_most_specific_pattern_wins():
    assert code_of("tf.contrib.layers.fully_connected") == "TF502"
    assert code_of("tf.contrib.layers.fully_connected.x") == "TF517"
    assert code_of("tf.contrib.nothing") == "TF931"
    assert code_of("tf.train.GradientDescentOptimizer.minimize") == "TF303"
    assert code_of("tf.losses.get_total_loss") == "TF412"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('numbers = "same"', 'numbers = "sane"', "numbers must be one of change, may change"),
        ('code = "TF101"', 'code = "T101"', "must have a code such as TF101"),
        ('native = "an argument', 'native = ""\nwhy = "an argument', "and a native form"),
        ('code = "TF101"', 'kode = "TF101"', "must be rows of code, name"),
        ("symbols = [", "symbols = [[", "must be rows of code, name"),
    ],
)
def test_planted_faults_in_the_table_are_refused(tmp_path, old, new, message):
    wrong = tmp_path / "codes.toml"
    wrong.write_text((CODES / "1_execution.toml").read_text(encoding="utf-8").replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        load(wrong)


def test_selection():
    assert selected(["TF101,TF102"]) == {"TF101", "TF102"}
    assert len(selected(["tf1"])) == sum(idiom.code.startswith("TF1") for idiom in idioms())
    for unknown in ("TF999", "", "E501"):
        with pytest.raises(InputError, match="a code must be one of the table"):
            selected([unknown])


def test_pages_are_whole_and_stale_ones_go(tmp_path):
    (tmp_path / "TF999.md").write_text("gone")
    written = codes.write_pages(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(written)
    assert {path.stem for path in written} == {idiom.code for idiom in idioms()} | {"table"}
    for idiom in idioms():
        page = (tmp_path / f"{idiom.code}.md").read_text()
        assert page.startswith(f"# {idiom.code} {idiom.name}\n")
        assert all(part in page for part in (idiom.native, idiom.why, *idiom.proof, *idiom.symbols, idiom.before))
