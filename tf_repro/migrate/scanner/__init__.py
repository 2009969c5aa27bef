"""The linter for TensorFlow 1 programs: what they name, what to write instead, and whether the numbers change.

Nothing is run, and neither TensorFlow nor Keras is imported.
"""

from tf_repro.migrate.scanner.idioms import NUMBERS, Idiom, idioms, selected
from tf_repro.migrate.scanner.linter import Hit, programs, scan

__all__ = ["NUMBERS", "Hit", "Idiom", "idioms", "programs", "scan", "selected"]
