import shutil

import pytest

from tf_repro.suite import claims


@pytest.fixture
def edited(tmp_path):
    """A copy of the claims in which one text is replaced."""

    def edit(document, old, new):
        directory = shutil.copytree(claims.DIRECTORY, tmp_path / "claims", ignore=shutil.ignore_patterns("*.py*"))
        path = directory / f"{document}.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return directory

    return edit
