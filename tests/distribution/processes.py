"""Workers on the loopback: started together, ended by their ids whatever happens."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Ten times what the slowest run of a test here takes on an idle machine: a worker that waits for ever is found.
PATIENCE = 600


class Workers:
    """Processes of one cluster; a context manager that starts them and leaves none behind.

    ``commands`` must be set before: what each runs, after the interpreter. Their ``addresses`` are known by then.

    Args:
        count: how many.
        folder: where they run and their output goes.
        environment: variables beside those of this process.
    """

    def __init__(self, count, folder, environment=()):
        self.folder, self.environment = Path(folder), dict(environment)
        self.commands = [None] * count
        self.addresses = [f"localhost:{port}" for port in free_ports(count)]
        self.processes = [None] * count
        self.deadline = time.monotonic() + PATIENCE

    def __enter__(self):
        for index in range(len(self.processes)):
            self.start(index)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process is not None and process.poll() is None:
                process.kill()
            if process is not None:
                process.wait()

    def start(self, index):
        """Start a worker, or start it again."""
        config = {"cluster": {"worker": self.addresses}, "task": {"type": "worker", "index": index}}
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path, **self.environment, "TF_CONFIG": json.dumps(config)}
        with open(self.folder / f"log-{index}", "ab") as log:
            self.processes[index] = subprocess.Popen(
                [sys.executable, *map(str, self.commands[index])],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
            )

    def kill(self, index):
        """End a worker as a machine that fails does, and wait until it is gone."""
        self.processes[index].kill()
        self.processes[index].wait()

    def wait(self):
        """The workers' exit codes, once all have ended."""
        return [process.wait(timeout=self.deadline - time.monotonic()) for process in self.processes]

    def until(self, condition):
        """Return when ``condition()`` holds; fail if a worker ends before, or the time is up."""
        while not condition():
            ended = [index for index, process in enumerate(self.processes) if process.poll() is not None]
            assert not ended, f"worker {ended[0]} ended: {self.log(ended[0])}"
            assert time.monotonic() < self.deadline, self.log(0)
            time.sleep(0.05)

    def log(self, index):
        """The last lines that a worker wrote."""
        return (self.folder / f"log-{index}").read_text(errors="replace")[-3000:]


def free_ports(count):
    """Ports of the loopback that nobody listens at; held until all are found, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
