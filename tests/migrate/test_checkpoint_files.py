"""Files that are no whole checkpoint of TF1 change nothing, and are refused in one line."""

import shutil

import pytest
import tensorflow as tf

from tests.migrate.test_checkpoint import DATA, port, unchanged
from tf_repro import migrate
from tf_repro.core.errors import InputError


def damaged(folder, suffix, change):
    for file in DATA.glob("adam.*"):
        shutil.copy(file, folder)
    path = folder / f"adam{suffix}"
    path.write_bytes(change(path.read_bytes()))
    return folder / "adam"


@pytest.mark.parametrize(
    ("suffix", "change"),
    [
        (".index", lambda content: content[:60]),
        (".index", lambda content: b""),
        (".data-00000-of-00001", lambda content: content[:20]),
        (".data-00000-of-00001", lambda content: content[:40] + b"xy" + content[42:]),
    ],
    ids=["index cut", "index empty", "data cut", "data altered"],
)
def test_damaged_checkpoint_changes_nothing(tmp_path, suffix, change):
    variables, optimizer = port("adam")
    with pytest.raises(InputError, match=r"must be whole: .*\. Received: .*adam") as caught:
        migrate.load_tf1_checkpoint(damaged(tmp_path, suffix, change), variables, optimizer=optimizer)
    assert "\n" not in str(caught.value)
    assert unchanged(variables)


@pytest.mark.parametrize("name", ["nowhere", "", "text.txt"])
def test_what_is_no_checkpoint(tmp_path, name):
    (tmp_path / "text.txt").write_text("no checkpoint, but long enough that it might be one of some kind or other")
    with pytest.raises(InputError, match="a TF1 checkpoint must be whole"):
        migrate.load_tf1_checkpoint(tmp_path / name, {"w": tf.Variable([0.0])})


def test_checkpoint_of_tensorflow_2(tmp_path):
    path = tf.train.Checkpoint(w=tf.Variable([1.0])).write(tmp_path / "objects")
    with pytest.raises(InputError, match=r"one of tf\.train\.Saver, by name.*restore it with tf\.train\.Checkpoint"):
        migrate.load_tf1_checkpoint(path, {"w": tf.Variable([0.0])})


def test_index_file_names_its_checkpoint():
    variables, _ = port("adam")
    assert migrate.load_tf1_checkpoint(DATA / "adam.index", variables).restored
