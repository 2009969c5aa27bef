"""Small programs whose bits are recorded on every TensorFlow: ``python -m legacy_tf1.atlas OUT.json``.

The package stands alone: Python 3.6, NumPy and TensorFlow are all it needs, from TensorFlow 0.12.1 on.
"""
