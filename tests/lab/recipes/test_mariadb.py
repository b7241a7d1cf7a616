"""Why a MariaDB could not be set up is told, and nothing of it lies where another one clears away."""

from __future__ import annotations

from pathlib import Path

import pytest

from towpath import assemble
from towpath.lab import Server
from towpath.lab.jobs import Failed, run
from towpath.lab.recipes import mariadb

SAID = """\
Installing MariaDB/MySQL system tables in 'data' ...
2026-01-01  0:00:00 0 [ERROR] InnoDB: Cannot allocate memory for the buffer pool
2026-01-01  0:00:00 0 [ERROR] Aborting
Installation of system tables failed!
You can find the latest source at somewhere, and the discuss email list beside it.
"""


def test_the_errors_are_told_and_not_the_advice(tmp_path: Path) -> None:
    (tmp_path / "said").write_text(SAID)
    with pytest.raises(Failed) as caught:
        run(["sh", "-c", "cat said; exit 1"], folder=tmp_path, words=mariadb.what_failed)
    assert "buffer pool / 2026-01-01  0:00:00 0 [ERROR] Aborting" in str(caught.value)
    assert "latest source" not in str(caught.value)


def test_without_a_line_of_errors_its_last_lines_are_told() -> None:
    assert mariadb.what_failed("one\ntwo\n") == "one / two"


def test_temporary_tables_lie_in_the_servers_own_folder(mariadb_server: Server) -> None:
    """One that starts removes what it finds in its own, as left by a dead server."""
    with assemble.database(mariadb_server.address).read() as session:
        assert session.scalar("select @@tmpdir = left(@@datadir, length(@@tmpdir))") == 1
        assert session.scalar("select @@tmpdir = @@datadir") == 0
