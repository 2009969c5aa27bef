"""``import tensorflow as tf`` gives version 1's API, on TensorFlow 1.x and on TensorFlow 2 alike."""

import contextlib
import importlib
import sys
import types

GLOBAL_SWITCHES = (
    "disable_v2_behavior",
    "enable_v2_behavior",
    "disable_eager_execution",
    "enable_eager_execution",
    "disable_resource_variables",
    "enable_resource_variables",
    "disable_v2_tensorshape",
    "enable_v2_tensorshape",
    "disable_control_flow_v2",
    "enable_control_flow_v2",
)


def tf_version(tf):
    """TensorFlow's version, whichever face of it ``tf`` is."""
    return getattr(tf, "__version__", None) or getattr(tf, "VERSION", "unknown")


def is_version_1(tf):
    """Whether the module is a genuine TensorFlow 0.x or 1.x."""
    return tf_version(tf).startswith(("0.", "1."))


@contextlib.contextmanager
def version_1():
    """While it lasts, programs that import ``tensorflow`` get what this gives: version 1's API.

    On TensorFlow 2 that is a module of the attributes of ``compat.v1`` whose process-wide switches do nothing.
    """
    import tensorflow

    if is_version_1(tensorflow):
        yield tensorflow
        return
    tf = importlib.import_module("tensorflow.compat.v1")
    face = face_of(tf)
    swapped = {"tensorflow": face, "tensorflow.compat.v1": face}
    before = {name: sys.modules.get(name) for name in swapped}
    sys.modules.update(swapped)
    verbosity = tf.logging.get_verbosity()
    tf.disable_v2_tensorshape()
    try:
        yield face
    finally:
        tf.logging.set_verbosity(verbosity)
        tf.enable_v2_tensorshape()
        sys.modules.update({name: module for name, module in before.items() if module is not None})


class Face(types.ModuleType):
    """A module named tensorflow with the attributes of another."""

    def __init__(self, tf):
        super().__init__("tensorflow")
        self.__path__ = []
        self._tf = tf

    def __getattr__(self, name):
        return getattr(self._tf, name)


def face_of(tf):
    """The face of ``compat.v1`` that a TF1 program sees."""
    face = Face(tf)
    vars(face).update({name: lambda *_, **__: None for name in GLOBAL_SWITCHES})
    texts = {name: getattr(tf.compat, name) for name in ("as_bytes", "as_str", "as_text")}
    face.compat = types.SimpleNamespace(v1=face, **texts)
    return face
