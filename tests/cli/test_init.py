"""``tf-repro init``: what it writes runs, says which TODO is left, and passes once that is filled."""

import sys

import pytest

from tests.legacy_tf1.test_program_script import LOOP, REGRESSION

FORWARD = """
        y = tf.nn.softmax(tf.matmul(feeds["x"], variables["Variable"]) + variables["Variable_1"])
        cost = tf.reduce_mean(-tf.reduce_sum(feeds["y_"] * tf.math.log(y), 1))
        equal = tf.equal(tf.argmax(y, 1), tf.argmax(feeds["y_"], 1))
        return {"cost": cost, "accuracy": tf.reduce_mean(tf.cast(equal, tf.float32))}
"""


@pytest.fixture
def shell(monkeypatch, capsys):
    """Run a command in this process; exit code, standard output, standard error."""

    def run(*arguments):
        from tf_repro import cli

        monkeypatch.setattr(sys, "argv", ["tf-repro", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_skeleton_runs_and_passes_once_it_is_filled(shell, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(REGRESSION + LOOP, encoding="utf-8")
    assert shell("init", script, "--steps", "3")[0] == 0
    golden, port = tmp_path / "train.golden", tmp_path / "train_port.py"
    test = (tmp_path / "test_train_port.py").read_text(encoding="utf-8")
    assert 'check_port("train.golden", "train_port.py")' in test
    code, _, err = shell("check", golden, port)
    assert (code, err.count("\n")) == (2, 1)
    assert "NotImplementedError: TODO: forward() must return cost, accuracy as train.py computes it" in err
    text = port.read_text(encoding="utf-8")
    assert "optimizers.Adam(0.1, beta1=0.9, beta2=0.999, epsilon=1e-08)" in text
    assert "# train.py:12: tf.log: tf.math.log" in text
    before, _, after = text.partition("        raise NotImplementedError")
    port.write_text(before + FORWARD.lstrip("\n") + after.partition("\n")[2], encoding="utf-8")
    code, out, err = shell("check", golden, port)
    assert (code, err) == (0, ""), out
    assert "slots            passed" in out


def test_nothing_is_overwritten_and_nothing_written_beside_it(shell, tmp_path):
    (tmp_path / "train.py").write_text(REGRESSION + LOOP, encoding="utf-8")
    (tmp_path / "train_port.py").write_text("mine\n", encoding="utf-8")
    code, _, err = shell("init", tmp_path / "train.py")
    assert code == 2
    assert f"init must not overwrite a file. Received: {tmp_path / 'train_port.py'}; remove it" in err
    assert (tmp_path / "train_port.py").read_text(encoding="utf-8") == "mine\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.py", "train_port.py"]


def test_folder_must_exist(shell, tmp_path):
    (tmp_path / "train.py").write_text(REGRESSION + LOOP, encoding="utf-8")
    code, _, err = shell("init", tmp_path / "train.py", "-o", tmp_path / "absent")
    assert code == 2
    assert "--output must be an existing folder" in err
