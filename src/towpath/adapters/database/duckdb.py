"""DuckDB database files, open only while they are read or published to: DuckDB admits one writer, or readers.

A column of a type that Arrow cannot hold whole (UHUGEINT, TIMETZ, INTERVAL, BIT, UNION, ENUM, UUID; HUGEINT with over
38 digits, times with 24:00:00, dates and timestamps with infinity) is read as text; text written to such a column must
come back from it as it was.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pyarrow as pa

from towpath import interrupted
from towpath.adapters.database import duckdb_encryption as encryption
from towpath.adapters.database import duckdb_errors as errors
from towpath.adapters.database import duckdb_types as types
from towpath.adapters.database.duckdb_session import DuckDBSession
from towpath.adapters.database.duckdb_stage import DuckDBStage
from towpath.disk import leftovers
from towpath.disk.durable import sync_folder
from towpath.disk.oserrors import missing
from towpath.errors import Refused
from towpath.nouns import Stored
from towpath.seams.dialect import Dialect
from towpath.secrets import Secret
from towpath.sqlnames import quoted

_MEMORY = 256 << 20
_LEAST_MEMORY = 48 << 20
"""With less DuckDB cannot even load a row group of its own."""


class DuckDB:
    """A DuckDB file. `memory` in bytes (0: DuckDB's default; if not given a quarter of the job's) and `threads` limit
    its engine. A file that another process holds is waited for up to `busy_secs`.

    `encryption_key` opens an encrypted file, or makes the new one encrypted; the rows of a load wait beside it as they
    are. Writing such a file takes DuckDB's extension httpfs (`install httpfs` once in DuckDB); with
    `builtin_encryption` DuckDB's own part does it, which DuckDB itself does not call secure."""

    GAPS: ClassVar[dict[str, str]] = {
        "instant/ns": "never: TIMESTAMP WITH TIME ZONE holds microseconds",
    }

    def __init__(
        self,
        path: str,
        memory: int | None = None,
        threads: int = 2,
        busy_secs: float = 5.0,
        encryption_key: Secret | None = None,
        builtin_encryption: bool = False,
    ) -> None:
        self.path = Path(path)
        self.name = self.path.name
        self.home: Path | None = self.path.parent
        self.name_bytes: int | None = None
        self.dialect = Dialect(ordered="cast({} as varchar) collate 'binary'", updates_zero_signs=False)
        self._key = encryption_key
        self._builtin_encryption = builtin_encryption
        self._busy_secs = busy_secs
        self._settings: dict[str, Any] = {
            "threads": threads,
            "autoinstall_known_extensions": False,
            "python_enable_replacements": False,
        }
        self._limited = memory is not None
        if memory != 0:
            self._settings["memory_limit"] = _limit(_MEMORY if memory is None else memory)

    def limit(self, memory: int) -> None:
        if not self._limited:
            self._settings["memory_limit"] = _limit(max(memory, _LEAST_MEMORY))

    def exists(self) -> bool:
        return self.path.is_file()

    @contextmanager
    def read(self) -> Iterator[DuckDBSession]:
        # No transaction: while a file is open for reading, DuckDB lets nobody write to it.
        if not self.exists():
            raise missing("database", self.path)
        with self._connected(read_only=True) as connection:
            yield DuckDBSession(connection, str(self.path))

    @contextmanager
    def write(self) -> Iterator[DuckDBSession]:
        if not self.exists():
            self._create()
        with self._connected(read_only=False) as connection:
            with interrupted.told_as("Query interrupted"):
                connection.begin()
            yield DuckDBSession(connection, str(self.path))

    def stage(self, load_id: str, columns: Mapping[str, str]) -> DuckDBStage | None:
        if self._key is not None:
            return None  # the stage would have to be encrypted to become the database
        return DuckDBStage(self.path, load_id, columns, self._settings)

    def stored(self, type: pa.DataType) -> Stored:
        return types.kept(type)

    def quote(self, identifier: str) -> str:
        return types.quote(identifier)

    def version(self, session: DuckDBSession, table: str) -> str | None:
        """Exact: the count of the rows and two sums of their hashes."""
        row = session.row_expression(table)
        return session.scalar(
            f"select concat_ws('-', count(*), sum(hash({row})), bit_xor(hash({row})))"
            f" from {quoted(table, types.quote)} as _towpath_row"
        )

    @contextmanager
    def _connected(self, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection, closed at the end, which rolls back. A short publish of another run is waited for."""
        until = time.monotonic() + self._busy_secs
        while True:
            try:
                connection = self._open(self.path, read_only=read_only)
                break
            except Refused as refused:
                if refused.code != "database-locked" or time.monotonic() > until:
                    raise
            time.sleep(0.05)
        try:
            yield connection
        except duckdb.Error as error:
            raise errors.translated(error, str(self.path)) from error
        finally:
            connection.close()

    def _open(self, path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        try:
            if self._key is not None:
                builtin = self._builtin_encryption
                return encryption.connect(path, self._key, self._settings, read_only=read_only, builtin=builtin)
            return duckdb.connect(str(path), read_only=read_only, config=self._settings)
        except duckdb.Error as error:
            raise errors.translated(error, str(self.path)) from error

    def _create(self) -> None:
        """Makes an empty database beside its place first: DuckDB never opens one whose making was cut short."""
        made = self.path.parent / f".{self.name}.{secrets.token_hex(8)}.new{leftovers.SUFFIX}"
        try:
            self._open(made, read_only=False).close()
            # Where links are not to be had, or another run was faster, opening the path itself does it.
            with contextlib.suppress(OSError):
                os.link(made, self.path)
                sync_folder(self.path.parent)
        except duckdb.Error as error:
            raise errors.translated(error, str(self.path)) from error
        finally:
            with contextlib.suppress(OSError):  # the next run sweeps it
                made.unlink()


def _limit(memory: int) -> str:
    return f"{memory // 1000}KB"
