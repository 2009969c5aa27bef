"""The command ``tf-repro list``."""

from __future__ import annotations

from tf_repro.report import terminal
from tf_repro.report.console import Terminal
from tf_repro.suite import claims


def list_documents() -> None:
    """List the documents, their figures and the engines."""
    documents, _ = claims.select()
    terminal.show_documents(Terminal(), documents)
