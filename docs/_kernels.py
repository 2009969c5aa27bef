"""Notebook kernels forked from one process that has TensorFlow loaded, so that a page need not load it.

On Linux only, where a process that has loaded TensorFlow can be forked; elsewhere each page starts a kernel of its own.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ADDRESS = "DOCS_KERNELS"
KILLED_WITH_ITS_PARENT = 1  # PR_SET_PDEATHSIG


def setup(app):
    """Sphinx calls this."""
    if sys.platform == "linux":
        app.connect("builder-inited", start)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def start(app):
    """Start the server, and make the kernel ``python3`` one that it forks, until the build is finished."""
    folder = Path(tempfile.mkdtemp(prefix="kernels"))
    spec = folder / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    command = [sys.executable, __file__]
    argv = [*command, "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}), encoding="utf-8")
    os.environ["JUPYTER_PATH"] = os.pathsep.join([str(folder), os.environ.get("JUPYTER_PATH", "")])
    os.environ[ADDRESS] = str(folder / "socket")
    with socket.socket(socket.AF_UNIX) as requests:
        requests.bind(os.environ[ADDRESS])
        requests.listen()  # before the server is there: who comes early waits
        server = subprocess.Popen([*command, str(requests.fileno())], pass_fds=[requests.fileno()])

    def stop(app, exception):
        server.kill()
        server.wait()
        shutil.rmtree(folder)

    app.connect("build-finished", stop)


def serve(requests):
    """Load what the pages load, then fork a kernel for each request."""
    import ipykernel.kernelapp  # noqa: F401
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    import tf_repro.migrate
    import tf_repro.suite.run  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a kernel; its client sees the connection end
    while True:
        link, _ = requests.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            requests.close()
            run_kernel(link)
        link.close()


def run_kernel(link):
    """Be the kernel that was asked for, for as long as the client is there."""
    from ipykernel.kernelapp import IPKernelApp

    die_with_parent()
    with link.makefile() as lines:
        request = json.loads(lines.readline())
    os.environ.clear()
    os.environ.update(request["environ"])
    os.chdir(request["folder"])
    sys.path[0] = ""
    sys.argv = ["ipykernel", "-f", request["file"]]
    link.sendall(b"%d\n" % os.getpid())
    threading.Thread(target=lambda: link.recv(1) or os._exit(1), daemon=True).start()
    try:
        kernel = IPKernelApp.instance(parent_handle=int(os.environ["JPY_PARENT_PID"]))
        kernel.initialize(sys.argv[1:])
        kernel.start()
    finally:
        os._exit(0)


def ask(file):
    """What Jupyter starts as the kernel: have one forked, hand on its signals, and end when it ends."""
    request = {"file": file, "folder": os.getcwd(), "environ": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(os.environ[ADDRESS])
        link.sendall(json.dumps(request).encode() + b"\n")
        pid = int(link.makefile().readline())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda received, _: os.kill(pid, received))
        link.recv(1)


def die_with_parent():
    """Ask the system to end this process when its parent ends."""
    import ctypes

    ctypes.CDLL(None).prctl(KILLED_WITH_ITS_PARENT, signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        die_with_parent()
        serve(socket.socket(fileno=int(sys.argv[1])))
    else:
        ask(sys.argv[1])
