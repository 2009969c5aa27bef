"""Which release turns oneDNN on by itself: on the recordings, and where a default is planted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.atlas.test_recordings import atlas_of, recording
from tf_repro.atlas import changes, load
from tf_repro.atlas.kinds import ONEDNN
from tf_repro.atlas.onednn import by_itself, turned_on
from tf_repro.atlas.recordings import UNSET

ROOT = Path(__file__).resolve().parents[2]
CPU = Path("/proc/cpuinfo")
ASKED_FOR = {"avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16"}
"""What the release notes of 2.9 ask of a CPU, as Linux names it."""

OFF, ON, OTHER = [1.0], [2.0], [3.0]
RELEASES = ("2.5.3", "2.6.5", "2.7.4")


def switched(*left_unset):
    """Three releases with oneDNN off, on and unset; what each gives where the switch is unset."""
    given = []
    for release, values in zip(RELEASES, left_unset, strict=True):
        for state, recorded in (("0", OFF), ("1", ON), (UNSET, values)):
            given.append(recording(release, recorded, onednn=state))
    return atlas_of(*given)


@pytest.mark.parametrize("first", [1, 2])
def test_the_planted_default_is_found_in_its_release(first):
    atlas = switched(*[ON if number >= first else OFF for number in range(3)])
    assert list(by_itself(atlas, "one").values()) == ["1" if number >= first else "0" for number in range(3)]
    (change,) = [each for each in changes(atlas) if each.kind == ONEDNN]
    assert (change.before, change.after, change.units) == (RELEASES[first - 1], RELEASES[first], 1 / 2**-23)
    assert RELEASES[first] in change.because


@pytest.mark.parametrize("states", [(OFF, OFF, OFF), (ON, ON, ON), (OFF, OTHER, ON), (ON, OFF, OFF)])
def test_no_release_is_named_where_none_was_seen_to_turn_it_on(states):
    atlas = switched(*states)
    assert turned_on(atlas, "one") is None
    assert not [each for each in changes(atlas) if each.kind == ONEDNN]


def test_what_the_switch_does_not_move_tells_nothing_of_its_state():
    atlas = atlas_of(*[recording("2.9.3", OFF, onednn=state) for state in ("0", "1", UNSET)])
    assert by_itself(atlas, "one") == {}
    assert by_itself(atlas_of(recording("2.9.3", ON, onednn=UNSET)), "one") == {}


def test_an_unset_switch_makes_no_change_of_its_own():
    atlas = switched(OTHER, OTHER, OTHER)
    assert set(by_itself(atlas, "one").values()) == {"neither"}
    assert changes(atlas) == []


def test_2_9_is_the_first_release_that_gives_onednns_bits_by_itself():
    atlas = load()
    states = by_itself(atlas, atlas.columns[0].cpu)
    assert {states["2.8.4"], states["2.9.3"]} == {"0", "1"}
    assert {release for release, state in states.items() if state == "0"} == {
        release for release in states if tuple(map(int, release.split("."))) < (2, 9)
    }
    switch = turned_on(atlas, atlas.columns[0].cpu)
    assert (switch.last.version, switch.on.version) == ("2.8.4", "2.9.3")


def digests(out, **switch):
    """The digests of the probe of a matrix product on the installed TensorFlow, under a state of the switch."""
    inherited = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    environment = {**inherited, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", **switch}
    command = [sys.executable, "-m", "legacy_tf1.atlas", str(out), "matmul"]
    subprocess.run(command, check=True, cwd=ROOT, env=environment, timeout=600, capture_output=True)
    made = json.loads(out.read_text())
    outputs = made["probes"]["matmul"]["series"]["eager float32"]["outputs"]
    return made["provenance"]["onednn"], {name: each["digest"] for name, each in outputs.items()}


@pytest.mark.slow
def test_the_installed_release_does_by_itself_what_this_cpu_asks_for(tmp_path):
    flags = set(CPU.read_text().split()) if CPU.exists() else set()
    if "avx2" not in flags:
        pytest.skip("the rule is known of x86 on Linux alone")
    states = {state: digests(tmp_path / f"{state}.json", TF_ENABLE_ONEDNN_OPTS=state)[1] for state in "01"}
    if states["0"] == states["1"]:
        pytest.skip("oneDNN does not move this product on this CPU")
    assert digests(tmp_path / "unset.json") == (UNSET, states["1" if flags & ASKED_FOR else "0"])
