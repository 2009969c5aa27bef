"""What every command needs around TensorFlow: its messages kept, and progress shown."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator

from tf_repro.core.errors import InputError


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str, str, float | None], None]]:
    """A line on standard error that names what is running and how far it is; silent where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    own = os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding)  # quiet_tensorflow takes standard error away
    console = Console(file=own)
    columns = (SpinnerColumn("line"), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting TensorFlow", total=None)
        yield lambda document, engine, share: progress.update(
            task, description=f"{document} on {engine}", total=share and 1.0, completed=share or 0.0
        )


@contextlib.contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Keep TensorFlow's start-up messages, which native code writes, from the user; shown where the run fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(threads, "1")  # the documents' tensors are small: more threads only wait for each other
    sys.stderr.flush()
    terminal_stderr = os.dup(2)
    with tempfile.TemporaryFile() as messages:
        os.dup2(messages.fileno(), 2)
        try:
            yield
        except InputError:
            raise
        except BaseException:
            messages.seek(0)
            os.write(terminal_stderr, messages.read())
            raise
        finally:
            os.dup2(terminal_stderr, 2)
            os.close(terminal_stderr)
