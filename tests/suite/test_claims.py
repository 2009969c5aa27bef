"""One test per claim and engine: the document's figures come out as declared."""

import pytest

from tf_repro.suite import claims
from tf_repro.suite import run as suite

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
    findings = suite.compare(DOCUMENTS[name], engine, record(name, engine), record(name, "derivation"))
    of_claim = [finding for finding in findings if finding.claim == claim_id]
    assert of_claim
    assert [finding for finding in of_claim if not finding.as_declared] == []


def test_softmax_backprop_holds_every_printed_scalar():
    by_moment = {"before": 0, "after": 0, "hand-written": 0}
    for claim in DOCUMENTS["softmax_backprop"].claims:
        by_moment[claim.id.partition(".")[0]] += len(claim.figures)
    assert by_moment == {"before": 21, "after": 21, "hand-written": 5}
