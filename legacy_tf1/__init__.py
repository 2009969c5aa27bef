"""The documents' Session programs: genuine TensorFlow 0.12 to 1.15, and TensorFlow 2 through compat.v1."""
