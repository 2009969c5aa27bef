"""Every statement has a counter-example: something wrong, for which it must be decided the other way."""

import types

import numpy as np
import pytest

from tf_repro.core.record import Record
from tf_repro.core.verdicts import Bound
from tf_repro.suite import claims, findings, statements
from tf_repro.suite.statements import (
    reverse_mode,
    softmax_cross_entropy,
    softmax_jacobian,
    softmax_regression,
)

DOCUMENTS = ("softmax_jacobian", "softmax_cross_entropy", "softmax_regression", "reverse_mode")


def replaced(moment, quantity, change):
    """A change of one quantity of a Record."""

    def apply(record):
        changed = {**record[moment], quantity: change(record[moment][quantity])}
        return Record({**record, moment: changed})

    return apply


def negative(value):
    return -value


def turned(value):
    return value[::-1]


# Statement → the Record's change that it must notice.
OF_RECORDS = {
    "softmax_jacobian": {
        "jacobian/loop_minus_jacobian": replaced("jacobian", "jacobian", lambda jac: np.diag(np.diag(jac))),
        "jacobian/one_line_minus_jacobian": replaced("jacobian", "jacobian", lambda jac: jac * (1 + 1e-5)),
        "jacobian/sentence_minus_jacobian_with_k": replaced("jacobian", "jacobian", negative),
        "jacobian/asked_minus_jacobian_on_values": replaced("jacobian", "y", turned),
        "jacobian/asked_minus_jacobian": replaced("jacobian", "logits", lambda x: np.exp(x) / np.exp(x).sum()),
        "jacobian/sentence_minus_jacobian": replaced(
            "jacobian", "jacobian", lambda jac: softmax_jacobian.sentence(Y, Y[:, None])
        ),
        "jacobian/y_sum": replaced("jacobian", "y", lambda y: y * (1 + 1e-14)),
        "jacobian/asymmetry": replaced("jacobian", "jacobian", lambda jac: np.tril(jac)),
        "overflow/naive_has_nan": replaced("overflow", "naive", np.nan_to_num),
        "overflow/shifted_has_nan": replaced("overflow", "shifted", lambda y: y * np.nan),
    },
    "softmax_cross_entropy": {
        "network/ratio_of_cross_entropy": replaced("before, fused", "cost", lambda cost: cost * (1 + 1e-13)),
        "network/ratio_of_costs": replaced("before, fused", "cost", lambda cost: cost * (1 + 1e-13)),
        "network/ratio_of_costs_without_minus": replaced("before, manual", "cost", lambda cost: cost * (1 + 1e-13)),
        "network/in_unit_interval": replaced("before, manual", "logits", lambda q: 2 * q),
        "network/manual_descent_lowers": replaced("after, manual", "logits", lambda q: q**4),
        "network/ratio_of_steps": replaced("after, fused", "b2", negative),
        "network/ratio_of_steps_without_minus": replaced("after, manual", "b2", negative),
        "network/softmax_fits_as_logits": replaced("before, manual", "cost", lambda cost: TWICE),
        "examples/strictly_inside": replaced("stability", "shifted_softmax", lambda y: np.full(5, 0.2)),
        "examples/manual_loss": replaced("stability", "manual_cross_entropy", np.nan_to_num),
        "examples/manual_loss_if_fused": replaced("stability", "fused_cross_entropy", negative),
    },
    "softmax_regression": {
        "example/each_below_one": replaced("example", "softmax", lambda y: y * 2),
        "example/whole_percent": replaced("example", "softmax", lambda y: y + 0.01),
        "example/whole_percent_of_5_1_-3": replaced("example", "softmax_of_5_1_-3", lambda y: y - 0.01),
        "example/shares_minus_softmax": replaced("example", "softmax", lambda y: np.array([1.0, 0.2, -0.2])),
        "example/shares_minus_softmax_with_exp": replaced("example", "softmax", turned),
        "example/sum": replaced("example", "softmax", lambda y: y * (1 + 1e-14)),
        "example/ln_0.6": replaced("example", "ln", turned),
        "example/ln_0.8": replaced("example", "ln", lambda ln: ln - 0.01),
        "example/ln_0.9": replaced("example", "ln", turned),
        "example/ln_0.9_cut": replaced("example", "ln", turned),
        "example/likelihood_over_cross_entropy": replaced("example", "likelihood", negative),
        "example/likelihood_over_cross_entropy_with_minus": replaced("example", "cross_entropy", negative),
        "before/gradient_difference": replaced("before", "gradient", lambda g: g * (1 + 1e-10)),
        "before/summed_over_mean": replaced("before", "gradient", lambda g: g * (1 + 1e-10)),
        "before/summed_over_mean_times_samples": replaced("before", "gradient", lambda g: g * (1 + 1e-10)),
        "label probability/samples": replaced("label probability", "q", lambda q: q[1:]),
        "trajectory/below_zero": replaced("trajectory", "loss", negative),
        "trajectory/rises": replaced("trajectory", "loss", turned),
        "trajectory/first_1000_do_most": replaced("trajectory", "loss", lambda loss: np.linspace(-3, -1, loss.size)),
        "two classes/below_zero": replaced("two classes", "loss", negative),
        "two classes/rises_with_q": replaced("two classes", "loss", turned),
        "label probability/below_zero": replaced("label probability", "loss", negative),
        "label probability/rises_with_q": replaced("label probability", "loss", turned),
        "after/terms_left_in_the_mean": replaced("after", "w", negative),
        "after/gradient_is_the_mean_of_p_minus_q_times_x": replaced("after", "gradient", lambda g: g * (1 + 1e-5)),
    },
    "reverse_mode": {
        "cosine/within_one": replaced("before, cosine", "cost", lambda cost: cost + 3),
        "cosine/descent_turns_away": replaced("after, cosine", "cost", negative),
    },
}


def numpy_with(**others):
    """NumPy with other functions under these names."""
    return types.SimpleNamespace(**vars(np) | {"random": np.random} | others)


IN_FLOAT32 = numpy_with(asarray=lambda a: np.array(a, "float32"))
OF_DOUBLED_LABELS = numpy_with(eye=lambda n: 2 * np.eye(n))
BACKWARDS = numpy_with(arange=lambda n: np.arange(n)[::-1])
OVERFLOWING = numpy_with(exp=lambda a: np.exp(a) * np.nan)
WITH_SQUARES = numpy_with(exp=np.square)

# Statement → what its decision computes with, and something else in its place.
OF_COMPUTATIONS = {
    "softmax_jacobian": {
        "small/naive_minus_shifted": ("naive_softmax", lambda z: np.exp(z) / np.exp(z).max()),
        "small/matrix_sum": (
            "naive_softmax",
            lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True),
        ),
        "small/asked_code_compiles": ("_compiles", lambda code: True),
        "small/asked_code_compiles_with_bracket": ("_compiles", lambda code: False),
    },
    "softmax_cross_entropy": {
        "examples/within_0_and_1": ("softmax", lambda z: np.exp(z)),
        "examples/prediction_is_the_largest": ("softmax", lambda z: np.exp(-z) / np.exp(-z).sum()),
        "examples/derivative_has_two_cases": ("jacobian", lambda y: np.diag(y * (1 - y))),
        "examples/closer_is_smaller": (
            "softmax",
            lambda z: np.array([0.7, 0.2, 0.1]) if z.size == 3 else np.full(z.shape, 0.2),
        ),
        "examples/strictly_inside_of_small_inputs": ("softmax", np.exp),
    },
    "softmax_regression": {
        "after/terms_left": (
            "_error",
            lambda _, __, w: (np.array(0.1 if np.any(getattr(w, "value", w)) else 1.0), w + 1),
        ),
        "after/loss_on_separable_data": ("loss_on_separable_data", lambda: -0.5),
        **{
            f"{moment}/{name}": ("np", IN_FLOAT32)
            for moment, names in {
                "derivation": (
                    "second_line_minus_gradient_without_inner_sum",
                    "fourth_line_minus_gradient_with_g_i",
                ),
                "modelling": (
                    "two_classes_minus_logistic",
                    "matrix_form_minus_rows",
                ),
            }.items()
            for name in names
        },
        "derivation/second_line_minus_gradient": ("np", OF_DOUBLED_LABELS),
        "derivation/fourth_line_minus_gradient": ("np", OF_DOUBLED_LABELS),
        "modelling/shares_sum": ("np", WITH_SQUARES),
        "modelling/shares_sum_over_classes": ("np", OVERFLOWING),
        "modelling/diagonal_minus_sum": ("np", BACKWARDS),
        "modelling/works_on_arrays": ("_multiplies", lambda *_, **__: True),
        "modelling/works_on_arrays_of_matrices": ("_multiplies", lambda *_, **__: False),
    },
}

Y = np.exp(np.array([0.5, -1.0, 2.0, 0.0, 1.5, -0.5, 3.0, -2.0, 1.0, 0.25]))
Y /= Y.sum()
LOGITS = np.array([0.5, -1.0, 2.0, 0.0, 1.5, -0.5, 3.0, -2.0, 1.0, 0.25])
LABELS = softmax_cross_entropy.document_data()[1]
TWICE = None


@pytest.fixture(scope="module")
def truths(record):
    return {document: record(document, "derivation") for document in DOCUMENTS}


def holds(document, record):
    """{statement: whether it comes out as its claim declares: printed, corrected, or printed by the mistake}."""
    decided, found = statements.decide(document, record), {}
    for claim in claims.load(document).claims:
        declared = claim.declarations["derivation"][0] if "derivation" in claim.declarations else None
        expected = {
            claim.quantity: (declared and declared.correct) or claim.figures[0],
            claim.mistake: claim.figures[0],
        }
        for name, figure in expected.items():
            value = decided.get(claim.moment, {}).get(name)
            if value is not None and np.ndim(value) == 0:
                rounded = findings.bounds(document, "float64").get(claim.moment, {}).get(name)
                bound = None if rounded is None else Bound(float(rounded.value), float(rounded.error))
                found[f"{claim.moment}/{name}"] = figure.is_printed_by(value, bound)
    return found


@pytest.mark.parametrize(("document", "statement"), [(d, s) for d, each in OF_RECORDS.items() for s in each])
def test_a_record_that_says_otherwise_is_decided_otherwise(document, statement, truths, monkeypatch):
    truth = truths[document]
    if statement == "network/softmax_fits_as_logits":
        probabilities = truth["before, manual"]["logits"]
        monkeypatch.setitem(globals(), "TWICE", softmax_cross_entropy.cross_entropy(probabilities, LABELS))
    assert holds(document, truth)[statement]
    assert not holds(document, OF_RECORDS[document][statement](truth))[statement]


@pytest.mark.parametrize(("document", "statement"), [(d, s) for d, each in OF_COMPUTATIONS.items() for s in each])
def test_another_computation_is_decided_otherwise(document, statement, truths, monkeypatch):
    modules = {each.__name__.rpartition(".")[2]: each for each in (softmax_jacobian, softmax_cross_entropy)}
    modules["softmax_regression"] = softmax_regression
    assert holds(document, truths[document])[statement]
    monkeypatch.setattr(modules[document], *OF_COMPUTATIONS[document][statement])
    assert not holds(document, truths[document])[statement]


ERRATA = [
    (document, claim.id)
    for document in (*DOCUMENTS, "softmax_backprop")
    for claim in claims.load(document).claims
    if claim.mistake and not claim.yes_or_no
]


@pytest.mark.parametrize(("document", "claim_id"), ERRATA)
def test_an_unrelated_mistake_explains_no_erratum(document, claim_id, record):
    """The correct value, which is no mistake, and two that the mistake does not give."""
    loaded, run = claims.load(document), record(document, "derivation")
    (claim,) = [each for each in loaded.claims if each.id == claim_id]
    right, mistaken = (run[claim.moment][name] for name in (claim.quantity, claim.mistake))
    for planted in (right, mistaken + 1, 0.9 * mistaken - 0.1):
        wrong = Record({**run, claim.moment: {**run[claim.moment], claim.mistake: planted}})
        verdicts = {f.verdict for f in findings.compare(loaded, "derivation", wrong) if f.claim == claim_id}
        assert "unexplained" in verdicts, planted


def test_what_no_number_decides_is_not_computed():
    told = [claim.id for document in DOCUMENTS for claim in claims.load(document).claims if claim.yes_or_no]
    assert sorted(told) == ["asked.compiles", "class.arrays"]


def test_every_statement_has_a_counter_example(truths):
    tested = {(d, s) for table in (OF_RECORDS, OF_COMPUTATIONS) for d, each in table.items() for s in each}
    cached = {("softmax_regression", f"variants/{name}") for name in softmax_regression.variants(2)}
    for document in DOCUMENTS:
        for claim in claims.load(document).claims:
            decided = statements.decide(document, truths[document]).get(claim.moment, {})
            for name in {claim.quantity, claim.mistake} & {n for n, value in decided.items() if np.ndim(value) == 0}:
                assert (document, f"{claim.moment}/{name}") in tested | cached | {
                    ("softmax_jacobian", "jacobian/entries")
                }, claim.id


def test_the_variants_of_the_training_are_decided_by_what_they_compute(monkeypatch):
    program = softmax_regression.numpy_program
    right = program.run

    def other_sign_ignored(**how):
        return right(**how | {"flag": 1, "step": 0.2 if how.get("flag") == -1 else 0.1})

    variants = softmax_regression.variants.__wrapped__
    usual = variants(20)
    monkeypatch.setattr(program, "run", other_sign_ignored)
    assert usual["other_sign_is_the_same_training"]
    assert not variants(20)["other_sign_is_the_same_training"]
    monkeypatch.setattr(program, "run", right)
    assert usual["rises_of_features_to_10"] == 3
    assert usual["rises_of_features_to_10_with_a_tenth_of_the_step"] == 19
    monkeypatch.setattr(program, "run", lambda **how: right(**how | {"step": 2 - 20 * how.get("step", 0.1)}))
    assert variants(20)["rises_of_features_to_10_with_a_tenth_of_the_step"] < 19, "with a long step it falls"
    monkeypatch.setattr(program, "run", lambda **how: right(**how | {"step": 0.01}))
    assert variants(20)["rises_of_features_to_10"] == 19, "with a short one it rises"
    monkeypatch.setattr(program, "run", right)
    monkeypatch.setattr(program, "softmax", lambda x, w: program.matrix(_shifted(np.asarray(x * w.T))))
    assert (usual["finite_losses_on_pixels"], usual["finite_losses_on_pixels_scaled"]) == (1, 3)
    assert variants(20)["finite_losses_on_pixels"] == 3, "a softmax that is shifted does not overflow"


def _shifted(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True) + np.finfo(float).tiny  # whose logarithm is finite


def test_reverse_mode_takes_the_other_cost_from_the_programs_own_run(truths):
    moments = reverse_mode.decide(truths["reverse_mode"])
    np.testing.assert_array_equal(moments["after, cost y0·y"]["w_of_y1_times_y"], [-4, -25])
