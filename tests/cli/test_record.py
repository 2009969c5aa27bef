"""``tf-repro record`` and the replay of its file, as a shell sees them."""

import sys

import pytest

from tests.migrate.checker.programs import PORT, changed, written


@pytest.fixture
def shell(monkeypatch, capsys):
    """Run a command in this process; exit code, standard output, standard error."""

    def run(*arguments):
        from tf_repro import cli

        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setattr(sys, "argv", ["tf-repro", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_record_then_check_without_the_program(shell, tmp_path):
    legacy, port = written(tmp_path)
    bundle = tmp_path / "original.golden"
    code, out, err = shell("record", legacy, "-o", bundle, "--steps", "2")
    assert (code, err) == (0, "")
    assert f"next: tf-repro check {bundle} PORT.py" in out
    assert "  variables  4: w1, b1, w2, b2" in out.replace(", global_step", "").replace("5:", "4:")
    legacy.unlink()
    wrong = tmp_path / "wrong.py"
    wrong.write_text(changed(PORT, ("tf.reduce_mean", "tf.reduce_sum")))
    page = tmp_path / "page.html"
    code, out, _ = shell("check", bundle, wrong, "--html", page)
    assert code == 1
    assert "mean for sum" in out
    assert "legacy.py:13" in out  # the TF1 program's line, which only the bundle has
    assert "tf.reduce_mean" in page.read_text(encoding="utf-8")
    assert shell("check", bundle, port)[0] == 0


@pytest.mark.parametrize("command", ["check", "record"])
def test_damaged_bundle_is_one_line(shell, tmp_path, command):
    _, port = written(tmp_path)
    bundle = tmp_path / "original.golden"
    bundle.write_bytes(b"PK\x03\x04 and then nothing")
    arguments = (bundle, port) if command == "check" else (bundle, "-o", tmp_path / "again.golden")
    code, out, err = shell(command, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "golden bundle" in err


def test_nothing_is_written_where_the_program_fails(shell, tmp_path):
    legacy, _ = written(tmp_path, legacy="def build():\n    raise ValueError('planted')\n")
    code, _, err = shell("record", legacy, "-o", tmp_path / "original.golden")
    assert (code, err.count("\n")) == (2, 1)
    assert "planted" in err
    assert [path.name for path in tmp_path.iterdir() if path.suffix not in {".py"}] == []


def test_output_is_refused_before_the_program_is_run(shell, tmp_path):
    legacy, _ = written(tmp_path)
    code, _, err = shell("record", legacy, "-o", tmp_path / "absent" / "original.golden")
    assert code == 2
    assert "--output must be a file in an existing folder" in err
