"""``python -m tf_repro.cli`` is ``tf-repro``."""

from tf_repro.cli import main

main()
