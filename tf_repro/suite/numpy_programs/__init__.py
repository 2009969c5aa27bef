"""What two of the documents do in plain NumPy, as their readers would run it: loops, no shift, and ``np.matrix``."""
