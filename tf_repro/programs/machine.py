"""What a run was made on: everything that is known to move the last digits."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

_LANES = (("avx512f", 16), ("avx", 8), ("sse2", 4), ("asimd", 4), ("neon", 4))


def machine() -> dict[str, str]:
    """The processor and its float32 lanes, TensorFlow and its switches, NumPy and Python, by name.

    The entry ``machine`` is all of it in one line.

    Example:
        >>> sorted(machine())
        ['architecture', 'cpu', 'lanes', 'machine', 'numpy', 'onednn', 'python', 'tensorflow', 'threads', 'xla_isa']
    """
    import tensorflow as tf

    asked = re.search(r"--xla_cpu_max_isa=(\w+)", os.environ.get("XLA_FLAGS", ""))
    threads = tf.config.threading.get_intra_op_parallelism_threads() or os.environ.get("TF_NUM_INTRAOP_THREADS", "0")
    described = processor() | {
        "tensorflow": tf.__version__,
        "onednn": _onednn(),
        "xla_isa": f"{asked.group(1)} (XLA_FLAGS)" if asked else "the processor's own",
        "threads": "one for each core" if threads == "0" else str(threads),
    }
    return described | {"machine": summary(described)}


def processor() -> dict[str, str]:
    """What a run without TensorFlow was made on: :func:`machine`'s entries that are not TensorFlow's.

    Example:
        >>> sorted(processor())
        ['architecture', 'cpu', 'lanes', 'machine', 'numpy', 'python']
    """
    name, features = _processor()
    described = {
        "architecture": platform.machine(),
        "cpu": name,
        "lanes": str(next((lanes for feature, lanes in _LANES if feature in features), "unknown")),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    return described | {"machine": summary(described)}


def summary(described: Mapping[str, str]) -> str:
    """One line of :func:`machine`'s entries, or of :func:`processor`'s.

    Example:
        >>> described = {"cpu": "A", "lanes": "8", "onednn": "off", "xla_isa": "AVX2", "tensorflow": "2.21.0"}
        >>> summary(described | {"numpy": "2.4"})
        'A, 8 float32 lanes; TensorFlow 2.21.0, oneDNN off, XLA up to AVX2; NumPy 2.4'
    """
    parts = [f"{described['cpu']}, {described['lanes']} float32 lanes", f"NumPy {described['numpy']}"]
    if "tensorflow" in described:
        switches = f"oneDNN {described['onednn']}, XLA up to {described['xla_isa']}"
        parts.insert(1, f"TensorFlow {described['tensorflow']}, {switches}")
    return "; ".join(parts)


@cache
def _onednn() -> str:
    """On or off, and whether somebody asked for it: TensorFlow turns oneDNN on where the processor has VNNI."""
    switch = os.environ.get("TF_ENABLE_ONEDNN_OPTS")
    try:  # private; tests/programs/test_machine.py fails by name when it moves
        from tensorflow.python.util import _pywrap_util_port

        state = "on" if _pywrap_util_port.IsMklEnabled() else "off"
    except (ImportError, AttributeError):
        state = {"0": "off", "1": "on"}.get(switch or "", "not known")
    return f"{state} (by default)" if switch is None else f"{state} (TF_ENABLE_ONEDNN_OPTS={switch})"


@cache
def _processor() -> tuple[str, frozenset[str]]:
    """The processor's name and its features, as the operating system tells them."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    name = re.search(r"^(?:model name|Hardware|CPU part)\s*:\s*(.+)$", text, re.MULTILINE)
    features = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    fallback = platform.processor() or platform.machine()
    return name.group(1) if name else fallback, frozenset(features.group(1).split() if features else ())
