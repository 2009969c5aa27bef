"""One test per claim and engine: the document's figures come out as declared, on whatever machine this is."""

from collections import Counter

import pytest

from tf_repro.suite import claims
from tf_repro.suite.engines import LANES
from tf_repro.suite.findings import compare

DOCUMENTS = {name: claims.load(name) for name in claims.names()}

CASES = [
    pytest.param(name, claim.id, engine, id=f"{name}-{claim.id}-{engine}")
    for name, document in DOCUMENTS.items()
    for engine in document.engines
    for claim in document.claims
    if engine in claim.declarations
]


@pytest.mark.parametrize(("name", "claim_id", "engine"), CASES)
def test_claim(name, claim_id, engine, record):
    findings = compare(DOCUMENTS[name], engine, record(name, engine))
    of_claim = [finding for finding in findings if finding.claim == claim_id]
    assert of_claim
    assert [finding for finding in of_claim if not finding.as_declared] == []


INVENTORY = {
    "softmax_backprop": (47, 0),
    "softmax_jacobian": (0, 28),
    "softmax_cross_entropy": (5, 29),
    "softmax_regression": (10, 27),
    "reverse_mode": (15, 9),
}
"""Printed and derived figures by document: a claim that is deleted, or printed figures called derived, must show."""


@pytest.mark.parametrize("name", INVENTORY)
def test_no_figure_is_lost(name):
    document = DOCUMENTS[name]
    assert (document.scalars_of("printed"), document.scalars_of("derived")) == INVENTORY[name]
    assert document.scalars == sum(INVENTORY[name])


def test_softmax_backprop_holds_every_printed_scalar():
    by_moment = Counter()
    for claim in DOCUMENTS["softmax_backprop"].claims:
        by_moment[claim.id.partition(".")[0]] += len(claim.figures)
    assert by_moment == {"before": 21, "after": 21, "hand-written": 5}


def test_what_is_ours_must_reproduce():
    """Recordings of the document's release, the emulation of its kernels and numerics="tf1" are held to every digit."""
    for claim in DOCUMENTS["softmax_backprop"].claims:
        for engine in ("tf-1.4.1", "lanes-4", "eager:tf1", "function:tf1", "xla:tf1"):
            for declared in claim.declarations.get(engine, ()):
                of_a_stock_kernel = claim.quantity == "cost" and engine.endswith(":tf1")
                assert declared.text == ("reproduced or drifted" if of_a_stock_kernel else "reproduced"), claim.id


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_may_drift_runs_on_kernels_that_are_not_ours(name):
    for claim in DOCUMENTS[name].claims:
        for engine, declared in claim.declarations.items():
            assert not (engine.startswith("tf-") or engine in LANES) or all(each.is_strict for each in declared)
