"""The suite finds planted faults: a checker that never fails checks nothing."""

from dataclasses import replace

import pytest
import tensorflow as tf

from tf_repro.core.errors import InputError
from tf_repro.core.record import Record
from tf_repro.core.verdicts import Declaration, Figure
from tf_repro.ports import softmax_backprop
from tf_repro.suite import claims
from tf_repro.suite import run as suite
from tf_repro.suite.findings import compare

ALL = [(name, claim.id) for name in claims.names() for claim in claims.load(name).claims]


def other_digits(text):
    """Every text that differs from ``text`` in one digit."""
    for place, character in enumerate(text):
        if character.isdigit():
            yield from (text[:place] + digit + text[place + 1 :] for digit in "0123456789" if digit != character)


def undeclared(document, record):
    return [
        finding
        for engine in document.engines
        for finding in compare(document, engine, record(document.name, engine))
        if not finding.as_declared
    ]


@pytest.mark.parametrize(("name", "claim_id"), ALL)
def test_every_wrong_digit_is_found(name, claim_id, record):
    document = claims.load(name)
    claim = next(claim for claim in document.claims if claim.id == claim_id)
    for index, figure in enumerate(claim.figures):
        for text in other_digits(figure.printed):
            figures = (*claim.figures[:index], replace(figure, printed=text), *claim.figures[index + 1 :])
            wrong = replace(document, claims=(replace(claim, figures=figures),))
            found = undeclared(wrong, record)
            assert {(finding.claim, finding.index or 0) for finding in found} == {(claim_id, index)}, text


@pytest.mark.parametrize(("name", "claim_id"), [case for case in ALL if "hand" in case[1] or "example" in case[1]])
def test_every_wrong_digit_in_an_erratums_correction_is_found(name, claim_id, record):
    document = claims.load(name)
    claim = next(claim for claim in document.claims if claim.id == claim_id)
    for index, figure in enumerate(claim.figures):
        correct = next(iter(claim.declarations.values()))[index].correct
        for text in other_digits(correct.printed) if correct else ():
            declarations = {
                engine: tuple(
                    Declaration(correct=Figure(text, figure.rule)) if place == index else declared
                    for place, declared in enumerate(each)
                )
                for engine, each in claim.declarations.items()
            }
            wrong = replace(document, claims=(replace(claim, declarations=declarations),))
            assert undeclared(wrong, record), text


def with_gradient(change):
    """Softmax with a planted fault in its gradient."""

    @tf.custom_gradient
    def softmax(z):
        y = tf.nn.softmax(z)
        return y, lambda dy: change((dy - tf.reduce_sum(dy * y)) * y, y, dy)

    return softmax


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda gradient, y, dy: -gradient, id="the other sign"),
        pytest.param(lambda gradient, y, dy: 2.001 * gradient, id="times 2.001"),
        pytest.param(lambda gradient, y, dy: (1 + 1e-5) * gradient, id="times 1 + 1e-5"),
        pytest.param(lambda gradient, y, dy: gradient[::-1], id="another order"),
        pytest.param(lambda gradient, y, dy: dy * y * (1 - y), id="the Jacobian's diagonal"),
        pytest.param(lambda gradient, y, dy: (dy - tf.reduce_mean(dy * y)) * y, id="a mean for the sum"),
        pytest.param(lambda gradient, y, dy: gradient * 5 / 4, id="the mean over one fewer"),
    ],
)
def test_a_wrong_gradient_is_found(change, record):
    document = claims.load("softmax_backprop")
    run = softmax_backprop.run(softmax=with_gradient(change))
    found = list(compare(document, "eager", run))
    wrong = {finding.claim for finding in found if not finding.as_declared}
    assert {"after.logits", "after.w"} <= wrong <= {"after.loss", "after.cost", "after.y", "after.logits", "after.w"}


def test_a_wrong_axis_is_found():
    """Of one row, each probability is 1 along the other axis."""
    run = softmax_backprop.run(softmax=lambda z: tf.nn.softmax(z[None], axis=0)[0])
    wrong = {f.claim for f in compare(claims.load("softmax_backprop"), "eager", run) if not f.as_declared}
    assert {"before.y", "after.y", "after.logits", "after.w"} <= wrong


def test_an_erratum_that_reproduces_is_found(record):
    document = claims.load("softmax_regression")
    truth = record("softmax_regression", "derivation")
    misprint = {**truth["example"], "softmax": truth["example"]["softmax_of_5_1_-3"]}
    run = Record({**truth, "example": misprint})
    found = [f for f in compare(document, "derivation", run) if f.claim == "example.softmax"]
    assert [(finding.verdict, finding.as_declared) for finding in found] == [("reproduced", False)] * 3


def test_an_erratum_without_its_mistake_is_found(record):
    document = claims.load("softmax_regression")
    truth = record("softmax_regression", "derivation")
    unexplained = {**truth["example"], "softmax_of_5_1_-3": truth["example"]["softmax"]}
    run = Record({**truth, "example": unexplained})
    found = [f for f in compare(document, "derivation", run) if f.claim == "example.softmax"]
    assert [(finding.verdict, finding.as_declared) for finding in found] == [("unexplained", False)] * 3


def test_drift_that_begins_to_reproduce_is_found(record):
    document = claims.load("softmax_backprop")
    old = record("softmax_backprop", "tf-1.4.1")
    found = [f for f in compare(document, "tf-1.5.1", old) if f.claim == "after.w"]
    assert [finding.as_declared for finding in found] == [False] * 5


def test_drift_is_attributed_to_lanes():
    """The reason `eight-lanes`: 1.4.1 prints every figure, and 1.5.1 has the very bits of the kernel at eight lanes."""
    document = claims.load("softmax_backprop")
    drifting = {"after.y", "after.logits", "after.w"}
    old = list(suite.findings([document], ["tf-1.4.1"]))
    new = list(suite.findings([document], ["tf-1.5.1"]))
    assert {finding.verdict for finding in old} == {"reproduced"}
    assert {finding.claim for finding in new if finding.verdict == "drifted"} == drifting
    for engine, releases in {"lanes-4": ["tf-1.4.1"], "lanes-8": ["tf-1.5.1", "tf-1.15.5"]}.items():
        emulated = suite.record("softmax_backprop", engine)
        for release in releases:
            assert Record(suite.record("softmax_backprop", release)) == Record(emulated), release


def test_a_quantity_that_no_engine_computes_is_named():
    document = claims.load("reverse_mode")
    claim = replace(document.claims[0], quantity="v")
    wrong = replace(document, claims=(claim,))
    with pytest.raises(InputError, match=r"must be in the record\. Received: before/v"):
        list(suite.findings([wrong], ["derivation"]))


def test_a_figure_too_many_is_named():
    document = claims.load("reverse_mode")
    claim = document.claims[0]
    wrong = replace(document, claims=(replace(claim, figures=claim.figures * 2),))
    with pytest.raises(InputError, match="Received: 4 figures, 2 scalars"):
        list(suite.findings([wrong], ["derivation"]))


def test_claims_of_a_document_that_nothing_runs_are_named():
    with pytest.raises(InputError, match=r"a document to run must be one of softmax_backprop, .* Received: 'sigmoid'"):
        list(suite.findings([replace(claims.load("reverse_mode"), name="sigmoid")], ["derivation"]))
