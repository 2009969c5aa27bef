"""Record the drift atlas on every minor release: ``python tests/machines/record_atlas.py --envs DIR --raw DIR``.

Each release gets an environment of its own, is recorded (with oneDNN on and off where it knows the switch, and a few
probes with the switch left unset), and its environment is removed. What is there already is not done again, so that an
interrupted run goes on where it stopped, and a recording that lacks probes is completed with those alone.
A release that cannot be installed or recorded is listed, with its reason, in ``RAW/failed.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from legacy_tf1.atlas.__main__ import knows_onednn, probes  # noqa: E402

PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"

# pip's own choice of these is too new for TensorFlow 0.12 to 1.12 on Python 3.6.
PINS_3_6 = (
    "wheel==0.37.1 setuptools<60 termcolor==1.1.0 protobuf==3.17.3 numpy==1.16.6 six==1.16.0 Markdown==3.1 "
    "Werkzeug==1.0.1 absl-py==0.15.0 grpcio==1.36.1 gast==0.2.2 astor==0.8.1 html5lib==0.9999999 bleach==1.5.0"
)
PINS_1_10 = PINS_3_6.replace("setuptools<60", "setuptools<=39.1.0").replace("numpy==1.16.6", "numpy==1.14.5")
# protobuf 4 and h5py 3 came after these releases, which do not bound them.
PINS_1_15 = "protobuf<3.18 numpy<1.17 h5py<3"
PINS_2_0 = "protobuf<3.20 h5py<3"
PINS_2_4 = "protobuf<3.20"


class Release(NamedTuple):
    """A TensorFlow release, the Python it is installed on, and what must be held back for it."""

    version: str
    python: str
    pins: str = ""

    @property
    def switches(self) -> tuple[str, ...]:
        """The states of TF_ENABLE_ONEDNN_OPTS to record."""
        return ("1", "0", "unset") if knows_onednn(self.version) else ("",)


WITHOUT_THE_SWITCH = ("dense_relu", "fused_batch_norm_inference", "fused_batch_norm_training", "matmul", "tensordot")
"""What is run with the switch left unset: oneDNN moves these in every release that has it, so they tell its state."""

TO_1_9 = ("0.12.1", "1.0.1", "1.1.0", "1.2.1", "1.3.0", "1.4.1", "1.5.1", "1.6.0", "1.7.1", "1.8.0", "1.9.0")
FROM_2_12 = ("2.12.1", "2.13.1", "2.14.1", "2.15.1", "2.16.2", "2.17.1", "2.18.1", "2.19.1", "2.20.0", "2.21.0")

RELEASES = (
    *(Release(version, "3.6", PINS_3_6) for version in TO_1_9),
    Release("1.10.1", "3.6", PINS_1_10),
    *(Release(version, "3.6", PINS_3_6) for version in ["1.11.0", "1.12.3"]),
    *(Release(version, "3.7", PINS_1_15) for version in ["1.13.2", "1.14.0", "1.15.5"]),
    *(Release(version, "3.7", PINS_2_0) for version in ["2.0.4", "2.1.4", "2.2.3", "2.3.4"]),
    *(Release(version, "3.7", PINS_2_4) for version in ["2.4.4", "2.5.3", "2.6.5", "2.7.4", "2.8.4"]),
    Release("2.9.3", "3.9", PINS_2_4 + " numpy<2"),
    Release("2.10.1", "3.9", "numpy<2"),
    Release("2.11.1", "3.9", "numpy<2"),
    *(Release(version, "3.11") for version in FROM_2_12),
)


class CannotRecord(Exception):
    """The release cannot be installed or recorded; the message is one line."""


def interpreter(python: str) -> Path:
    """The newest pyenv interpreter of that minor version."""
    found = sorted(PYENV.glob(python + ".*/bin/python"))
    if not found:
        raise CannotRecord(f"no Python {python} below {PYENV}")
    return found[-1]


def run(command: list[str | Path], log: Path, minutes: int, **environment: str) -> int:
    """The command's exit code; its output is appended to the log."""
    inherited = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    with log.open("a") as file:
        return subprocess.run(
            [str(part) for part in command], stdout=file, stderr=file, cwd=ROOT, timeout=60 * minutes,
            env={**inherited, **environment},
        ).returncode  # fmt: skip


def last_error(log: Path) -> str:
    """The last line of the log that says what went wrong."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return next((line for line in reversed(lines) if "rror" in line), lines[-1] if lines else "no output")[:300]


def build(release: Release, folder: Path) -> Path:
    """An environment with the release; its interpreter."""
    home, log = folder / ("tf-" + release.version), folder / f"tf-{release.version}.log"
    python = home / "bin" / "python"
    if (home / "built").exists():
        return python
    shutil.rmtree(home, ignore_errors=True)
    run([interpreter(release.python), "-m", "venv", home], log, 5)
    # The pip of old Pythons knows no manylinux2014 and would compile grpcio.
    run([python, "-m", "pip", "install", "-q", "pip==21.3.1"], log, 5)
    wanted = [f"tensorflow=={release.version}", *release.pins.split()]
    if run([python, "-m", "pip", "install", "-q", "--no-compile", *wanted], log, 20):
        raise CannotRecord("not installable: " + last_error(log))
    (home / "built").touch()
    return python


def record(release: Release, folder: Path, raw: Path) -> None:
    """Write or complete a recording for each switch, then remove the environment."""
    missing = {switch: recording(raw, release, switch) for switch in release.switches}
    missing = {switch: path for switch, path in missing.items() if not is_complete(path, switch)}
    if not missing:
        return
    python, log = build(release, folder), folder / f"tf-{release.version}.log"
    for switch, path in missing.items():
        switches = {"TF_ENABLE_ONEDNN_OPTS": switch} if switch in ("0", "1") else {}
        command = [python, "-m", "legacy_tf1.atlas", path, *(WITHOUT_THE_SWITCH if switch == "unset" else ())]
        code = run(command, log, 20, CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="2", **switches)
        if code or not is_complete(path, switch):
            raise CannotRecord("not recordable: " + last_error(log))
    shutil.rmtree(folder / ("tf-" + release.version))


def is_complete(path: Path, switch: str) -> bool:
    """Whether the recording is there and was asked for every probe."""
    wanted = set(WITHOUT_THE_SWITCH) if switch == "unset" else {probe.name for probe in probes()}
    return path.exists() and wanted <= set(json.loads(path.read_text())["probes"])


def recording(raw: Path, release: Release, switch: str) -> Path:
    """Where the recording of a release under a switch goes."""
    suffix = {"": "", "1": "-onednn", "0": "-plain", "unset": "-unset"}[switch]
    return raw / f"tf-{release.version}{suffix}.json"


def note_failures(path: Path, tried: list[str], failed: dict[str, str]) -> None:
    """List the releases that failed; those that were not tried now stay as they are listed."""
    before = json.loads(path.read_text()) if path.exists() else {}
    kept = {version: reason for version, reason in before.items() if version not in tried}
    path.write_text(json.dumps({**kept, **failed}, indent=1, sort_keys=True) + "\n")


def attempt(release: Release, chosen: argparse.Namespace) -> str:
    """Build or record one release; why that failed, or nothing."""
    try:
        if chosen.build_only:
            build(release, chosen.envs)
        else:
            record(release, chosen.envs, chosen.raw)
    except (CannotRecord, subprocess.TimeoutExpired) as error:
        return str(error)
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Build, record and remove each release; 0 where all were recorded, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", type=Path, required=True, help="where the environments are built")
    parser.add_argument("--raw", type=Path, required=True, help="where the recordings go")
    parser.add_argument("--only", nargs="+", metavar="VERSION", help="these releases only")
    parser.add_argument("--jobs", type=int, default=1, help="releases at a time; each takes a core and up to 2 GB")
    parser.add_argument("--build-only", action="store_true", help="build the environments and keep them")
    chosen = parser.parse_args(arguments)
    for folder in (chosen.envs, chosen.raw):
        folder.mkdir(parents=True, exist_ok=True)
    tried = [release for release in RELEASES if not chosen.only or release.version in chosen.only]
    failed: dict[str, str] = {}
    with ThreadPoolExecutor(chosen.jobs) as workers:
        for release, reason in zip(tried, workers.map(partial(attempt, chosen=chosen), tried), strict=True):
            print(release.version, reason, flush=True)
            if reason:
                failed[release.version] = reason
    if not chosen.build_only:
        note_failures(chosen.raw / "failed.json", [release.version for release in tried], failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
