"""Which TensorFlow release changed which digits: genuine recordings of small probes, and the questions put to them.

The recordings are made by ``python -m legacy_tf1.atlas``; nothing here imports TensorFlow.
"""

from tf_repro.atlas.attributions import ATTRIBUTED
from tf_repro.atlas.lookup import Answer, default_of, lookup, sentences
from tf_repro.atlas.questions import Change, between, changes, concerning, failures, minor, printing, told_of, wrong
from tf_repro.atlas.recordings import Atlas, Column, Series, load, merge, save

__all__ = [
    "ATTRIBUTED",
    "Answer",
    "Atlas",
    "Change",
    "Column",
    "Series",
    "between",
    "changes",
    "concerning",
    "default_of",
    "failures",
    "load",
    "lookup",
    "merge",
    "minor",
    "printing",
    "save",
    "sentences",
    "told_of",
    "wrong",
]
