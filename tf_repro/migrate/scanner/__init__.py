"""The linter for TensorFlow 1 programs: what they name, what to write instead, and whether the numbers change.

Nothing is run, and neither TensorFlow nor Keras is imported.
"""

from tf_repro.migrate.scanner.linter import IDIOMS, Hit, Idiom, load_idioms, programs, scan

__all__ = ["IDIOMS", "Hit", "Idiom", "load_idioms", "programs", "scan"]
