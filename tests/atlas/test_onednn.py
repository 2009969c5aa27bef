"""Which release turns oneDNN on by itself: on the recordings, and where a default is planted."""

import pytest

from tests.atlas.test_recordings import atlas_of, recording
from tf_repro.atlas import changes, load
from tf_repro.atlas.kinds import ONEDNN
from tf_repro.atlas.onednn import by_itself, turned_on
from tf_repro.atlas.recordings import UNSET

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
