from __future__ import annotations

import pytest

from towpath.doctor.lab import checks
from towpath.doctor.report import OK, WARNING
from towpath.lab import running


@pytest.mark.server("postgresql", start=False)
def test_servers_that_run_and_those_that_died_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOWPATH_LAB_POSTGRESQL", raising=False)
    assert list(checks()) == []
    one = running.up("postgresql")
    try:
        (told,) = checks()
        assert (told.name, told.level) == ("postgresql", OK)
        assert "PostgreSQL" in told.found
        assert one.process is not None
        one.process.kill()
        (told,) = checks()
        assert told.level == WARNING
        assert one.root in told.found
        assert told.todo == "tow lab down postgresql removes it"
    finally:
        one.down()
