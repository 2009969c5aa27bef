"""The documents' figures by release."""

import pytest

from tf_repro.atlas import Column, load
from tf_repro.report.atlas_figures import histories, spans


def column(release, onednn=""):
    """A column of one CPU."""
    return Column(release, onednn, "one", "3.7", "1.16")


@pytest.fixture(scope="module")
def found():
    return {(each.document, each.claim): each for each in histories(load())}


def test_the_weights_after_the_step_are_printed_up_to_1_4(found):
    history = found["softmax_backprop", "after.w"]
    assert history.yes == ("0.12.1 to 1.4.1",)
    assert history.no == ("1.5.1 to 2.21.0",)


def test_whole_numbers_are_printed_by_every_release(found):
    history = found["reverse_mode", "after.w"]
    assert history.yes == ("0.12.1 to 2.21.0",)
    assert history.no == ()


def test_an_erratum_is_printed_by_none(found):
    assert found["reverse_mode", "text.y0-times-y"].yes == ()


def test_documents_without_a_tensorflow_program_have_no_history(found):
    assert {document for document, _ in found} == {"reverse_mode", "softmax_backprop", "softmax_cross_entropy"}


def test_spans_are_broken_where_a_release_is_missing_and_say_the_state_of_onednn():
    old = [column((1, minor, 0)) for minor in range(4)]
    new = [column((2, 9, 0), state) for state in "01"]
    assert spans([old[0], old[1], old[3]], old) == ("1.0.0 to 1.1.0", "1.3.0")
    assert spans([*old, new[0]], [*old, *new]) == ("1.0.0 to 1.3.0", "2.9.0 without oneDNN")
    assert spans([new[1]], new) == ("2.9.0 with oneDNN",)
    assert spans(new, new) == ("2.9.0",)
