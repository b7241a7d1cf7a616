"""Rows of a load that wait beside a DuckDB file in a DuckDB file of their own: written while the rest is read, taken
over by one statement, or become the database itself where there is none.

That file has no log beside it: each commit writes a checkpoint into the file itself, so what a dead run leaves is one
file. https://duckdb.org/docs/stable/configuration/overview (checkpoint_threshold, auto_checkpoint_skip_wal_threshold)
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from towpath import interrupted
from towpath.adapters.database import duckdb_errors as errors
from towpath.adapters.database import duckdb_types as types
from towpath.adapters.database.duckdb_session import DuckDBSession
from towpath.disk import leftovers
from towpath.disk.durable import confirm
from towpath.disk.oserrors import translated
from towpath.errors import Conflict
from towpath.interrupted import settle, shielded
from towpath.seams.database import PlaceTaken

_ATTACHED = "_towpath_stage"
_ROWS = "_towpath_rows"


class DuckDBStage:
    """A file beside the database `path`, with a table of `columns` (names, with their native types).

    One thread fills it: several would leave row groups that are not full."""

    def __init__(self, path: Path, load_id: str, columns: Mapping[str, str], settings: Mapping[str, Any]) -> None:
        self._database = path
        self.where = str(path)
        """The database, as messages name it."""
        self._settings = {
            **settings,
            "threads": 1,
            "fsync_mode": "NONE",  # whatever ends the machine ends the load too
            "checkpoint_threshold": "0B",
            "auto_checkpoint_skip_wal_threshold": 0,
            "temp_directory": f"{path}.tmp",
        }
        self._connection, self._held, self._path = leftovers.create_by(
            self._open, duckdb.DuckDBPyConnection.close, path.parent, path.name, load_id, ".stage"
        )
        self._table = _ROWS
        try:
            with self._translated():
                inside = ", ".join(f"{types.quote(name)} {native}" for name, native in columns.items())
                self._connection.execute(f"create table {_ROWS} ({inside})")
                self._connection.begin()
        except BaseException:
            self.close()
            raise

    def insert(self, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        return DuckDBSession(self._connection, self.where).insert(_ROWS, schema, batches)

    def seal(self) -> None:
        with self._translated():
            self._connection.commit()
            self._connection.close()

    def relation(self, session: DuckDBSession) -> str:
        session.execute(f"attach if not exists {types.literal(str(self._path))} as {_ATTACHED} (read_only)")
        return f"{_ATTACHED}.main.{types.quote(self._table)}"

    @contextmanager
    def becoming(self, table: str) -> Iterator[DuckDBSession]:
        connection = self._open(self._path)
        try:
            with self._translated():
                connection.begin()
                connection.execute(f"alter table {_ROWS} rename to {types.quote(table)}")
                yield _Becoming(connection, self, table)
        finally:
            connection.close()

    def become(self, name: str) -> None:
        """Gives the file, whose table has this name now, the place of the database. Raises PlaceTaken, and the rows can
        still be taken over, when there is one meanwhile or the file system has no links."""
        self._table = name
        with translated(self.where, "write"):
            os.fsync(self._held.fileno())
        # To close it once it is the database would take DuckDB's locks from other threads that have opened it by then:
        # a process loses its locks of a file with any descriptor of it (https://man7.org/linux/man-pages/man2/F_SETLK.2const.html).
        self._held.close()
        try:
            os.link(self._path, self._database)
        except OSError as error:
            self._hold_again()
            raise PlaceTaken from error
        with contextlib.suppress(OSError):  # the next run sweeps it
            self._path.unlink()
        confirm(self._database)

    def _hold_again(self) -> None:
        with translated(self.where, "write"):
            held = leftovers.held_as_made(self._path)
        if held is None:
            what = "another run took the rows that waited for a dead run's; nothing was published"
            raise Conflict(what, where=self.where, todo="run it again")
        self._held = held

    def close(self) -> None:
        """Removes the file; where the disk refuses that, the next run does it."""
        settle(self._close)

    def _close(self) -> None:
        with contextlib.suppress(duckdb.Error):
            self._connection.close()
        if self._held.closed:
            return  # the name may be another run's by now
        with contextlib.suppress(OSError):
            self._path.unlink()
        self._held.close()

    def _open(self, path: Path) -> duckdb.DuckDBPyConnection:
        with self._translated():
            return duckdb.connect(str(path), config=self._settings)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with interrupted.told_as("Query interrupted"):
                yield
        except duckdb.Error as error:
            raise errors.translated(error, self.where) from error

    def __enter__(self) -> DuckDBStage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Becoming(DuckDBSession):
    """A session in the file that is to become the database at its commit."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, stage: DuckDBStage, table: str) -> None:
        super().__init__(connection, stage.where)
        self._stage, self._table = stage, table

    def commit(self) -> None:
        with shielded():
            super().commit()
            self._connection.close()
            self._stage.become(self._table)
