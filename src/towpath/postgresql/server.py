"""One PostgreSQL database on a server: how it is reached, and what sessions with it are set to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from towpath.nouns import Stored
from towpath.postgresql import catalog, types
from towpath.postgresql.objects import ObjectsSession
from towpath.postgresql.session import PostgreSQLSession
from towpath.seams.dialect import Dialect
from towpath.secrets import Secret

DIALECT = Dialect(
    same_text='({0}::text collate "C" is not distinct from {1}::text collate "C")',
    ordered='{}::text collate "C"',
    key_type="text",
    long_type="text",
    temporary="create temp table {} ({}) on commit drop",
    lock="lock table {} in share row exclusive mode",
    folds_case=False,
    own_columns=frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}),
    home_schema="public",
)

_SETTINGS = {
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "cursor_tuple_fraction": "1",
    "idle_in_transaction_session_timeout": "0",
}
_READ = "begin transaction isolation level repeatable read, read only"
# Each statement sees what was committed before it: a delete under the table's lock then meets every row, and the
# database's own count says whether the state was still the expected one.
# Not `read write`: a user or server that is read-only by default (default_transaction_read_only) stays so.
_WRITE = "begin transaction isolation level read committed"


class PostgreSQLServer(ABC):
    """A database of a PostgreSQL server. A lock of another transaction is waited for up to `busy_secs`; the other
    options are libpq's own. What is not said comes from libpq's environment, service and password files."""

    GAPS: ClassVar[dict[str, str]] = {
        "text/nul": "never: text of PostgreSQL cannot hold U+0000",
        "instant/ns": "never: PostgreSQL's timestamps have microseconds",
        "timestamp/ns": "never: PostgreSQL's timestamps have microseconds",
        "time/ns": "never: PostgreSQL's times have microseconds",
    }

    def __init__(
        self,
        path: str = "",
        user: str | None = None,
        password: Secret | None = None,
        host: str | None = None,
        port: int | None = None,
        busy_secs: float = 5.0,
        connect_timeout: int = 10,
        application_name: str = "towpath",
        options: str | None = None,
        sslmode: str | None = None,
        sslrootcert: str | None = None,
        sslcert: str | None = None,
        sslkey: str | None = None,
        sslpassword: Secret | None = None,
        sslcrl: str | None = None,
        sslnegotiation: str | None = None,
        channel_binding: str | None = None,
        require_auth: str | None = None,
        gssencmode: str | None = None,
        krbsrvname: str | None = None,
        hostaddr: str | None = None,
        target_session_attrs: str | None = None,
        tcp_user_timeout: int | None = None,
        keepalives: int | None = None,
        keepalives_idle: int | None = None,
        keepalives_interval: int | None = None,
        keepalives_count: int | None = None,
    ) -> None:
        given = {name: value for name, value in locals().items() if name not in ("self", "path", "busy_secs")}
        self._parameters: dict[str, Secret | str | int | None] = {"dbname": path or None, **given}
        self._busy_secs = busy_secs
        self.name = f"{host or 'postgresql'}/{path}"
        self.home: Path | None = None
        self.name_bytes: int | None = 63
        self.dialect = DIALECT

    def exists(self) -> bool:
        """A server's database is there, or reading says why it cannot be had."""
        return True

    @contextmanager
    def read(self) -> Iterator[PostgreSQLSession]:
        with self._reading() as session:
            self._begin(session, _READ)
            yield session

    @contextmanager
    def write(self) -> Iterator[ObjectsSession]:
        with self._connected() as session:
            self._begin(session, _WRITE)
            yield session

    def stored(self, type: pa.DataType) -> Stored:
        return types.stored(type)

    def quote(self, identifier: str) -> str:
        return types.quote(identifier)

    def version(self, session: PostgreSQLSession, table: str) -> str | None:
        return catalog.version(session.rows, table)

    @abstractmethod
    def _connected(self) -> AbstractContextManager[ObjectsSession]:
        """A connection where each statement stands for itself; closed at the end, which rolls back."""

    def _reading(self) -> AbstractContextManager[PostgreSQLSession]:
        """One that only reads."""
        return self._connected()

    def _begin(self, session: PostgreSQLSession, statement: str) -> None:
        settings = {**_SETTINGS, "lock_timeout": f"{int(self._busy_secs * 1000)}ms"}
        calls = (
            f"set_config({types.literal(name)}, {types.literal(value)}, false)" for name, value in settings.items()
        )
        session.rows(f"select {', '.join(calls)}")
        session.execute(statement)

    def _conninfo(self) -> str:
        """What libpq is given. It holds the password."""
        words = {
            name: value.reveal() if isinstance(value, Secret) else str(value)
            for name, value in self._parameters.items()
            if value is not None
        }
        escaped = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in words.items()}
        return " ".join(f"{name}='{value}'" for name, value in escaped.items())
