"""The documents' mathematics by hand, in float64 or mpmath and without TensorFlow: the truth of the suite."""
