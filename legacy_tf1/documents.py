"""What makes up each document's Record: which of its programs is run, with which inputs, for how many steps.

A program is a function of that name in the document's file, in ``legacy_tf1/`` and in ``tf_repro/ports/`` alike. The
moments of a run are "before", "after" and "trajectory"; a label names the run: "before, cosine". A program without
training has one moment, its label.
"""

from collections import OrderedDict

DOCUMENTS = OrderedDict(
    [
        ("softmax_backprop", [("", "build", {}, 1)]),
        (
            "softmax_jacobian",
            [("jacobian", "build_at_logits", {}, 0), ("overflow", "build_overflow", {}, 0), ("", "build", {}, 40)],
        ),
        (
            "softmax_cross_entropy",
            [
                ("manual", "build", {"method": "manual"}, 1),
                ("fused", "build", {"method": "fused"}, 1),
                ("stability", "build_stability", {}, 0),
            ],
        ),
        (
            "softmax_regression",
            [
                ("", "build", {}, 5000),
                ("example", "build_example", {}, 0),
                ("two classes", "build_two_classes", {}, 0),
                ("label probability", "build_label_probability", {}, 0),
            ],
        ),
        (
            "reverse_mode",
            [
                ("", "build", {}, 1),
                ("cost y0·y", "build", {"cost": "product_with_first"}, 1),
                ("cosine", "build", {"cost": "cosine"}, 1),
                ("sweep", "build_sweep", {}, 0),
            ],
        ),
    ]
)
"""By document: label, program, inputs, steps."""


def named(label, moments):
    """The moments of one run under their names in the document's Record."""
    if list(moments) == ["before"]:
        return {label: moments["before"]}
    return OrderedDict((moment + ", " + label if label else moment, moments[moment]) for moment in moments)
