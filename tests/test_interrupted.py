"""Ctrl-C while a library works is Ctrl-C, whatever the library makes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from towpath.interrupted import told_as

_MANY = """
import signal
signal.signal(signal.SIGVTALRM, signal.default_int_handler)  # what Ctrl-C does, at moments of one's own
told = 0
for number in range(100):
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0005 + number * 0.0001)
        while True:
            query()
    except KeyboardInterrupt as interrupt:
        told += isinstance(interrupt.__cause__, RuntimeError)
print(told)
"""
_DATABASE = f"""
from towpath.adapters.database.duckdb import DuckDB
with DuckDB('shop.db').write() as session:
    def query():
        session.scalar('select count(*) from duckdb_columns() where column_name = ?', ['a'])
    {_MANY.strip().replace(chr(10), chr(10) + "    ")}
"""
_ENGINE = f"""
from towpath.adapters.engine.duckdb import _translated
import duckdb
connection = duckdb.connect()
def query():
    with _translated('', []):
        connection.execute('select count(*) from duckdb_columns()').fetchall()
{_MANY}
"""


@pytest.mark.parametrize("text", [_DATABASE, _ENGINE], ids=["database", "engine"])
def test_ctrl_c_in_the_middle_of_a_query_of_duckdb_is_an_interrupt(text: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


def test_an_error_in_other_words_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match="something else"), told_as("Query interrupted"):
        raise RuntimeError("something else")
