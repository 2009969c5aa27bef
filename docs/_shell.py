"""The pages' cell magic ``%%sh``: a command's whole output as plain text, and a failure where the last command fails.

IPython's own shows the output in the pieces that it arrives in, which myst-nb separates by line breaks.
"""

import os
import subprocess


def sh(line, cell):
    """Run the cell's commands with ``sh``."""
    plain = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}  # which a notebook sets
    done = subprocess.run(["sh", "-c", cell], env=plain, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.stdout.strip():  # or the page shows an empty box
        print(done.stdout.strip("\n"))
    done.check_returncode()


def load_ipython_extension(ipython):
    """Register the magic; called by ``%load_ext``."""
    ipython.register_magic_function(sh, "cell")
