from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest

from towpath.disk import temporary


def test_an_interrupt_waits_until_the_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    unlink = os.unlink

    def interrupted(path: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        unlink(path)

    monkeypatch.setattr(os, "unlink", interrupted)
    with pytest.raises(KeyboardInterrupt):
        temporary.folder()
    assert os.listdir(tmp_path) == []
    assert temporary.folder() == tmp_path
