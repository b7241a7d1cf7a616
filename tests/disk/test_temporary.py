from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from towpath.disk import temporary


def test_the_folder_is_the_one_of_python_and_nothing_is_written_to_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **given: object) -> int:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(tempfile, "tempdir", None)
    for at, found in ((str(tmp_path), tmp_path), (str(tmp_path / "missing"), None), ("", None)):
        monkeypatch.setenv("TMPDIR", at)
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", refused)
            told = temporary.folder()
        assert told == Path(tempfile.gettempdir())
        assert found is None or told == found
        monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "own"))
    assert temporary.folder() == tmp_path / "own"
