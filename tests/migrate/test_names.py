"""Which variable is which, from the names that TF1, Keras and people give."""

import numpy as np
import pytest

from tf_repro.core.errors import InputError
from tf_repro.migrate import names


def arrays(**shapes):
    return {name.replace("__", "/"): np.zeros(shape, np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ("legacy", "port", "expected"),
    [
        (arrays(w=2, b=2), arrays(b=2, w=2), {"w": "w", "b": "b"}),
        (
            arrays(dense__kernel=(4, 4), dense_1__kernel=(4, 4)),
            arrays(model__dense_3__kernel=(4, 4), model__dense_4__kernel=(4, 4)),
            {"dense/kernel": "model/dense_3/kernel", "dense_1/kernel": "model/dense_4/kernel"},
        ),
        (
            arrays(layer__weights=(3, 2), layer__biases=2),
            arrays(dense__bias=2, dense__kernel=(3, 2)),
            {"layer/weights": "dense/kernel", "layer/biases": "dense/bias"},
        ),
        (
            arrays(norm__gamma=4, norm__beta=4, norm__moving_mean=4, norm__moving_variance=4),
            arrays(bn__moving_variance=4, bn__moving_mean=4, bn__offset=4, bn__scale=4),
            {
                "norm/gamma": "bn/scale",
                "norm/beta": "bn/offset",
                "norm/moving_mean": "bn/moving_mean",
                "norm/moving_variance": "bn/moving_variance",
            },
        ),
        (arrays(w=(2, 3), v=4), arrays(w=(3, 2), other=4), {"w": "w", "v": "other"}),
        (arrays(w=2, v=3), arrays(w=2), {"w": "w"}),
    ],
)
def test_inferred(legacy, port, expected):
    assert names.infer(legacy, port, {}) == expected


NUMBERED = arrays(fc_1__weights=(3, 3), fc_3__weights=(3, 3))


def test_numbers_in_names_count():
    port = arrays(fc_3__kernel=(3, 3), fc_1__kernel=(3, 3))
    assert names.infer(NUMBERED, port, {}) == {"fc_1/weights": "fc_1/kernel", "fc_3/weights": "fc_3/kernel"}


def test_programs_that_count_from_other_numbers_are_paired_by_use():
    port = arrays(dense__kernel=(3, 3), dense_1__kernel=(3, 3))
    legacy = arrays(dense_1__kernel=(3, 3), dense_2__kernel=(3, 3))
    mapping = names.infer(legacy, port, {})
    groups = names.doubtful(mapping, legacy)
    assert groups == [["dense_1/kernel", "dense_2/kernel"]]
    paired = names.by_use(mapping, groups, list(legacy), list(port))
    assert paired == {"dense_1/kernel": "dense/kernel", "dense_2/kernel": "dense_1/kernel"}
    assert not names.doubtful(names.infer(NUMBERED, NUMBERED, {}), NUMBERED)
    assert not names.doubtful({"user/w": "user_tower/w/kernel", "item/w": "item/tower"}, arrays(user__w=2, item__w=3))


def test_given_names_win():
    variables = arrays(a=2, b=2)
    assert names.infer(variables, variables, {"a": "b"}) == {"a": "b", "b": "a"}
    assert names.infer(variables, variables, {"a": None}) == {"b": "b"}


def test_unknown_name_is_refused():
    with pytest.raises(InputError, match=r"the port program's variables \(a\)\. Received: 'z'"):
        names.infer(arrays(a=2), arrays(a=2), {"a": "z"})
