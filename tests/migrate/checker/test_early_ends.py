"""A program that ends, hangs or crashes before all is compared is an error that says so, never a pass."""

import subprocess
import sys
import time

import pytest

from tests.migrate.checker.programs import LEGACY, PORT, changed, written
from tf_repro import migrate
from tf_repro.core.errors import InputError

AT_IMPORT = "\ndef build"
IN_BUILD = {LEGACY: "    x = tf.placeholder", PORT: "    variables = [w1"}

ENDS = {
    "sys.exit at import": ("import sys; sys.exit(0)", "import", r"must not end its process\. .*line 4: SystemExit: 0"),
    "os._exit at import": ("import os; os._exit(0)", "import", r"must leave its process running\. .* exit code 0"),
    "os._exit in build": ("import os; os._exit(0)", "build", r"must leave its process running\. .* exit code 0"),
    "sys.exit in build": (
        "import sys; sys.exit(3)",
        "build",
        r"must not end its process\. .*SystemExit: 3; take it out",
    ),
    "a signal": ("import os; os.abort()", "import", r"ended by signal 6 \(SIGABRT\)"),
    "what it printed": ("import os; print('no such data'); os._exit(1)", "import", r"and printed: .*no such data"),
    "an unguarded tf.app.run": (
        "import tensorflow.compat.v1 as t; t.app.run(lambda _: None)",
        "import",
        r"must not end its process\. .*line 4: SystemExit.*; guard it by if __name__ == '__main__':$",
    ),
    "no end": ("while True: pass", "import", r"must end within the time limit\. .*still running after 3 s"),
}


def ended(text, statement, place):
    old = AT_IMPORT if place == "import" else IN_BUILD[text]
    new = f"\n{statement}\n{old.lstrip()}" if place == "import" else f"    {statement}\n{old}"
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("name", "side"),
    [
        pytest.param(name, side, marks=[pytest.mark.slow] * ((name, side) == ("no end", "port")))
        for name in ENDS
        for side in ("legacy", "port")
    ],
)
def test_program_that_ends_early(tmp_path, name, side):
    statement, place, message = ENDS[name]
    text = ended({"legacy": LEGACY, "port": PORT}[side], statement, place)
    message = message.replace("line 4", r"line \d+")
    with pytest.raises(InputError, match=message) as caught:
        migrate.check(*written(tmp_path, **{side: text}), time_limit=3 if name == "no end" else 60)
    assert "\n" not in str(caught.value)
    assert f"{side}.py" in str(caught.value)


@pytest.mark.slow
def test_port_that_ends_in_its_step(tmp_path):
    text = changed(PORT, ("    def step(feeds):\n", "    def step(feeds):\n        import os; os._exit(0)\n"))
    with pytest.raises(
        InputError, match=r"the port must leave its process running\. Received: port\.py ended with exit"
    ):
        migrate.check(*written(tmp_path, port=text))


FLAGS = {
    "argparse": "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--rate', type=float, "
    "default=0.1)\nRATE = parser.parse_args().rate\n",
    "absl": "from absl import flags\nflags.DEFINE_float('rate', 0.1, '')\n",
    "sys.argv": "import sys\nassert len(sys.argv) == 1 and sys.argv[0].endswith('.py')\nRATE = 0.1\n",
}


@pytest.mark.parametrize("name", FLAGS)
def test_flags_have_their_defaults(tmp_path, monkeypatch, name):
    monkeypatch.setattr(sys, "argv", ["pytest", "--rate", "9"])
    rate = "flags.FLAGS.rate" if name == "absl" else "RATE"
    legacy = FLAGS[name] + changed(LEGACY, ("exponential_decay(0.1", f"exponential_decay({rate}"))
    port = FLAGS[name] + changed(PORT, ("ExponentialDecay(0.1", f"ExponentialDecay({rate}"))
    assert migrate.check(*written(tmp_path, legacy, port), steps=1).passed


def test_what_a_program_changes_in_its_process_ends_with_it(tmp_path):
    meddling = "import os, numpy\nos.chdir('/')\nos.environ['HOME'] = ''\nnumpy.random.seed(1)\n"
    legacy = meddling + LEGACY
    port = changed(PORT, ("def build", "import os\nassert os.getcwd() != '/' and os.environ['HOME']\ndef build"))
    assert migrate.check(*written(tmp_path, legacy, port), steps=1).passed


def test_port_that_switches_version_2_off(tmp_path):
    text = changed(PORT, ("def build", "tf.compat.v1.disable_v2_behavior()\ndef build"))
    with pytest.raises(InputError, match=r"must leave TensorFlow 2's behaviour on\. Received: port\.py"):
        migrate.check(*written(tmp_path, port=text))
    assert migrate.check(*written(tmp_path), steps=1).passed


INTERRUPTED = """
import sys, threading, _thread, time, os, signal
from tf_repro import migrate
def interrupt():
    while not os.path.exists({running!r}):
        time.sleep(0.05)
    print(time.time(), flush=True)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
try:
    migrate.check({legacy!r}, {port!r})
except KeyboardInterrupt:
    print(time.time())
"""


def test_interrupt_ends_the_children_at_once(tmp_path):
    running = tmp_path / "running"
    text = ended(
        LEGACY, f"import os, time; open({str(running)!r}, 'w').write(str(os.getpid())); time.sleep(60)", "import"
    )
    legacy, port = written(tmp_path, legacy=text)
    script = INTERRUPTED.format(running=str(running), legacy=str(legacy), port=str(port))
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    asked, ended_at = map(float, result.stdout.split())
    assert ended_at - asked < 1
    assert result.stderr == ""
    deadline = time.monotonic() + 2
    while is_alive(running.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(running.read_text())


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
