import pytest

from tf_repro.core.errors import InputError
from tf_repro.suite import claims

GOOD = """
title = "a title"
source = "a source"
engines = ["tf-1.5.1", "eager", "derivation"]
may_drift = ["eager"]

[reasons]
rounding = "why"

[[claim]]
id = "w"
moment = "after"
quantity = "w"
rule = "float32 array"
printed = ["0.5", "1."]
where = "the result"
engines."tf-1.5.1" = { ulp = [0, 2], reason = "rounding" }
"""

YES_OR_NO = """
title = "a title"
source = "a source"
engines = ["eager"]

[[claim]]
id = "compiles"
moment = "code"
quantity = "compiles"
rule = "statement"
printed = "true"
where = "the code"

[claim.erratum]
correct = "false"
mistake = "compiles_with_bracket"
because = "a bracket is missing"
"""


@pytest.fixture
def load(tmp_path):
    def load(text):
        (tmp_path / "doc.toml").write_text(text, encoding="utf-8")
        return claims.load("doc", tmp_path)

    return load


def test_a_drift_is_declared_per_scalar(load):
    (claim,) = load(GOOD).claims
    assert [declared.text for declared in claim.declarations["tf-1.5.1"]] == ["reproduced", "drifted"]
    assert [declared.text for declared in claim.declarations["eager"]] == ["reproduced or drifted"] * 2
    assert [declared.text for declared in claim.declarations["derivation"]] == ["reproduced", "reproduced"]


def change(old, new):
    assert old in GOOD
    return GOOD.replace(old, new)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = ", r"claims must be valid TOML\. Received: doc\.toml"),
        (GOOD[:-30], r"claims must be valid TOML\. Received: doc\.toml"),
        (change('title = "a title"\n', ""), r"doc\.toml: a claims file must have .* Received: no title"),
        (change('source = "a source"', 'source = ""'), "source must be a non-empty text"),
        (change('"0.5"', '"0.5x"'), r"doc\.toml: claim 'w': a figure must be a number\. Received: '0\.5x'"),
        (change('["0.5", "1."]', "[]"), r"figures must be a text or a non-empty list of texts\. Received: \[\]"),
        (change('["0.5", "1."]', "[0.5, 1.0]"), r"figures must be a text or a non-empty list of texts"),
        (change("float32 array", "digits"), r"rule must be one of .*\. Received: 'digits'"),
        (change('id = "w"\n', ""), r"claim '\(no id\)': a claim must have .*\. Received: no id"),
        (change('where = "the result"', 'were = "x"'), "Received: no where"),
        (change('where = "the result"', 'where = "x"\nwhy = 1'), r"a claim may have .*\. Received: why"),
        (change('engines."tf-1.5.1"', "engines.xla"), r"an engine must be one of tf-1.5.1, .*\. Received: 'xla'"),
        (
            change('engines."tf-1.5.1"', "engines.eager"),
            r"ulp is for recordings and emulated kernels, .* Received: 'eager'",
        ),
        (change('may_drift = ["eager"]', 'may_drift = ["xla"]'), r"may_drift must name engines of .*\. Received: xla"),
        (change("printed", "derived = [2]\nprinted"), r"derived must be true or places from 0 to 1\. Received: \[2\]"),
        (change('reason = "rounding"', 'reason = "guess"'), r"reason must be one of rounding\. Received: 'guess'"),
        (change("[0, 2]", "[0]"), r"ulp must be a list of 2\. Received: \[0\]"),
        (change("[0, 2]", "[0, [0, 2]]"), r"ulp must be whole numbers of at least 0\. Received: \[0, 2\]"),
        (GOOD + GOOD[GOOD.index("[[claim]]") :], r"claim ids must be unique\. Received: 'w' twice"),
        (
            change('engines."tf-1.5.1" = { ulp = [0, 2], reason = "rounding" }', 'only = ["eager"]'),
            "an engine must be held to figure 0",
        ),
        (GOOD + "[claim.erratum]\ncorrect = ['1']\nmistake = 'v'\n", "an erratum must have .* Received: no because"),
        (
            GOOD + "[claim.erratum]\ncorrect = ['1']\nmistake = 'w_v'\nbecause = 'x'\n",
            r"correct must have 2 figure\(s\)\. Received: 1",
        ),
        (
            GOOD + "[claim.erratum]\ncorrect = ['1', '2']\nmistake = 'v'\nbecause = 'x'\n",
            r"a mistake must be named after its quantity, w_…\. Received: 'v'",
        ),
        (
            GOOD + "[claim.erratum]\ncorrect = ['1', '2']\nmistake = 'w_v'\nbecause = 'x'\nyes_or_no = 'x'\n",
            r"an erratum is a number, or says in yes_or_no why .*\. Received: a number and yes_or_no",
        ),
        (YES_OR_NO, r"an erratum is a number, or says in yes_or_no why no number decides it\. Received: no yes_or_no"),
        (YES_OR_NO + "yes_or_no = ''\n", "an erratum is a number, or .* Received: no yes_or_no"),
        (YES_OR_NO + "yes_or_no = 1\n", "yes_or_no must be a non-empty text"),
    ],
)
def test_bad_claims_are_one_line_that_names_file_and_rule(load, text, message):
    with pytest.raises(InputError, match=message) as caught:
        load(text)
    assert "\n" not in str(caught.value)


def test_an_unknown_document_is_named():
    with pytest.raises(InputError, match=r"document must be one of reverse_mode, .*\. Received: 'nonsense'"):
        claims.load("nonsense")


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="a claims folder must hold TOML files"):
        claims.names(tmp_path)


def test_bytes_that_are_no_utf8_are_named(tmp_path):
    (tmp_path / "doc.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="claims must be a readable UTF-8 file"):
        claims.load("doc", tmp_path)
