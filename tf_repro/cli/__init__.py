"""The command ``tf-repro``: one file for each of its commands, and the shell that they share."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code; see :func:`tf_repro.cli.app.main`."""
    try:
        from tf_repro.cli import app
    except ImportError as error:
        if error.name and error.name.startswith("tf_repro"):
            raise
        sys.exit("tf-repro: the command needs the extra 'suite'. Received: a core installation; pip install '.[suite]'")
    except KeyboardInterrupt:  # before app.main listens for it
        print("tf-repro: interrupted", file=sys.stderr)
        sys.exit(130)
    app.main()
