"""What every command needs around TensorFlow: its messages kept, progress shown, interrupts and lost readers quiet."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from tf_repro.core.errors import InputError
from tf_repro.core.files import write_atomically

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended (128 + SIGINT)."""

_told = threading.Event()

SECONDS_TO_END = 0.8
"""How long native code may keep an interrupted command; a user waits a second at most."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """While it lasts, Ctrl-C ends the command within a second, even where native code does not return to Python."""
    terminal = os.dup(2)  # quiet_tensorflow takes standard error away

    def end() -> None:
        tell_interrupted(terminal)
        os._exit(INTERRUPTED)

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        timer = threading.Timer(SECONDS_TO_END, end)
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        os.close(terminal)


def tell_interrupted(stream: int = 2) -> None:
    """Say on a file descriptor that the command was interrupted; once, whichever thread comes first."""
    if not _told.is_set():
        _told.set()
        os.write(stream, b"tf-repro: interrupted\n")


def open_streams() -> None:
    """Give the command somewhere to write where a stream was closed, as by ``>&-``; no file may take its number."""
    for number, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            nowhere = _at_number(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(nowhere, "r" if name == "stdin" else "w", encoding="utf-8"))


def _at_number(descriptor: int, number: int) -> int:
    """A file descriptor under another number."""
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)
    return number


@contextlib.contextmanager
def ended_quietly() -> Iterator[None]:
    """A reader that has gone ends the command as it ends other tools; a full disk is one line."""
    from tf_repro.report.console import READER_GONE

    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise SystemExit(READER_GONE) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise InputError(f"standard output must be writable. Received: {error.strerror}") from None


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str, str, float | None], None]]:
    """A line on standard error that names what is running and how far it is; silent where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    own = os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding)  # quiet_tensorflow takes standard error away
    console = Console(file=own)
    columns = (SpinnerColumn("line"), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("starting TensorFlow", total=None)
        yield lambda document, engine, share: shown.update(
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
        except (InputError, KeyboardInterrupt):
            raise
        except BaseException:
            messages.seek(0)
            os.write(terminal_stderr, messages.read())
            raise
        finally:
            os.dup2(terminal_stderr, 2)
            os.close(terminal_stderr)


def write_output(path: Path, content: str) -> None:
    """Write a command's output, whole or not at all; ``-`` is standard output."""
    if path == Path("-"):
        print(content, end="")
    else:
        write_atomically(path, content)
