from __future__ import annotations

from pathlib import Path

import pytest

from towpath.errors import UserError
from towpath.secrets.netrc_file import login


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "netrc"
    path.touch(0o600)
    monkeypatch.setenv("NETRC", str(path))
    return path


def test_a_machine_gives_its_login(file: Path) -> None:
    file.write_text('machine h login ann password "p w\\"x"\nmachine none login bob\ndefault login any password else\n')
    assert login("h") == ("ann", 'p w"x')
    assert login("h", "ann") == ("ann", 'p w"x')
    assert login("h", "bob") is None
    assert login("none") is None
    assert login("elsewhere") == ("any", "else")


def test_a_file_that_others_may_read_is_not_used(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.write_text("machine h login ann password pw\n")
    file.chmod(0o644)
    assert login("h") is None
    assert "chmod 600" in caplog.text


def test_a_wrong_line_is_told_with_its_number_and_no_password(file: Path) -> None:
    file.write_text("machine h login ann password hunter2\nmachin x\n")
    with pytest.raises(UserError) as caught:
        login("h")
    assert caught.value.where == f"{file}:2"
    assert "hunter2" not in str(caught.value)


def test_the_file_in_the_home_folder_is_the_default(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETRC")
    monkeypatch.setenv("HOME", str(file.parent))
    assert login("h") is None
    file.rename(file.parent / ".netrc").write_text("machine h login ann password pw\n")
    assert login("h") == ("ann", "pw")
