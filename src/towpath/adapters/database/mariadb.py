"""MariaDB servers, by pymysql: rows come and go in bulk (`load data local`, unbuffered results parted by numpy).

Sessions have settings of their own: utf8mb4, times in UTC, strict and with zeros in dates allowed, InnoDB for new
tables. A statement that creates or alters a table commits at once, as MariaDB has it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pyarrow as pa
import pymysql
from pymysql.constants import CLIENT

from towpath.adapters.database import mariadb_types as types
from towpath.adapters.database.mariadb_errors import translated
from towpath.adapters.database.mariadb_session import MariaDBSession
from towpath.adapters.database.mariadb_wire import Wire
from towpath.errors import Refused
from towpath.nouns import Stored
from towpath.seams.dialect import STANDARD, Dialect
from towpath.secrets import Secret

_MODE = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO"
_PATIENCE_SECS = 86_400
"""How long the server waits for us while rows are on their way elsewhere."""
_MET = "_towpath_met"
_KEY = f"varchar(255) character set {types.CHARSET} collate {types.COLLATION}"
_MISNAMED = (
    *STANDARD.misnamed,
    (r"[\t-\r ]\Z", "MariaDB takes no name that ends with a space, a tab or a line end"),
    (r"[^\0-\uffff]", "MariaDB takes no names with signs beyond U+FFFF"),
)
_LETTERS = f"convert({{}} using {types.CHARSET}) collate {types.COLLATION}"


class MariaDB:
    """A database of a MariaDB server. `path` is its name, `host` where it is (default: this machine); `socket` is the
    path of a Unix socket instead. What another transaction holds is waited for up to `busy_secs`.

    Rows go by `load data local` where the server allows it (`local_infile`), else, or with `local_infile=false`, by
    `insert`. `ssl_ca` names the file of the authority that the server's certificate must be of, `ssl_cert` and
    `ssl_key` those of our own; without them TLS is used where the server offers it, its certificate unchecked."""

    GAPS: ClassVar[dict[str, str]] = {
        "float/infinite": "never: MariaDB has no infinities",
        "float/minus-zero": "never: MariaDB keeps -0.0 as 0.0",
        "float/nan": "never: MariaDB has no NaN",
        "float/single-nan": "never: MariaDB has no NaN",
        "instant/ns": "never: DATETIME holds microseconds",
        "names/spaces": "never: the name of a column does not end with a space",
        "names/unicode": "never: names have no signs beyond U+FFFF",
        "table/alter": "never: MariaDB commits each ALTER TABLE",
        "time/ns": "never: TIME holds microseconds",
        "timestamp/ns": "never: DATETIME holds microseconds",
        "transaction/table": "never: MariaDB commits each CREATE TABLE",
    }

    def __init__(
        self,
        path: str = "",
        user: str | None = None,
        password: Secret | None = None,
        host: str = "localhost",
        port: int = 3306,
        socket: str | None = None,
        local_infile: bool = True,
        busy_secs: float = 30.0,
        connect_timeout_secs: float = 10.0,
        ssl_ca: str | None = None,
        ssl_cert: str | None = None,
        ssl_key: str | None = None,
    ) -> None:
        self.path = path
        self.name = path or host
        self.home = None
        self.name_bytes: int | None = 64
        self.dialect = Dialect(
            text="cast({} as char)",
            same="{} <=> {}",
            same_text="({0} <=> {1} and binary {0} <=> binary {1})",
            ordered=_LETTERS,
            joined="concat({}, ', ', {})",
            key_type=_KEY,
            long_type=types.TEXT.native,
            temporary=f"create temporary table {{}} ({{}}, {_MET} tinyint(1))",
            drop_temporary="drop temporary table {}",
            update="update {table} as _old_ join {stage} as _new_ on {where} set {changes}",
            change="_old_.{} = {}",
            mark=f"update {{stage}} as _new_ join {{table}} as _old_ on {{where}} set _new_.{_MET} = 1",
            unmet=f"where _new_.{_MET} is null",
            delete="delete _old_ from {table} as _old_ where {where}",
            widen_column="alter table {} modify column {} {}",
            rename="rename table {table} to {whole}",
            current=" for update",
            escapes=types.ESCAPES,
            zoned_literals=False,
            counts_characters=True,
            misnamed=_MISNAMED,
            home_schema=path,
            ddl_in_transaction=False,
        )
        self._shown = f"{host}:{port}/{path}" if socket is None else f"{socket} {path}"
        self._local_infile = local_infile
        self._busy_secs = max(1, round(busy_secs))
        self._login: dict[str, Any] = {
            "user": user,
            "host": host,
            "port": port,
            "unix_socket": socket,
            "database": path or None,
            "connect_timeout": max(1, round(connect_timeout_secs)),
        }
        if ssl_ca or ssl_cert or ssl_key:
            self._login |= {"ssl_ca": ssl_ca, "ssl_cert": ssl_cert, "ssl_key": ssl_key}
            self._login |= {"ssl_verify_cert": ssl_ca is not None, "ssl_verify_identity": ssl_ca is not None}
        self._password = password

    def exists(self) -> bool:
        return True

    @contextmanager
    def read(self) -> Iterator[MariaDBSession]:
        with self._connected(local_infile=False) as wire:
            wire.query("start transaction with consistent snapshot, read only")
            yield MariaDBSession(wire, self._shown, self._kill, local_infile=self._local_infile)

    @contextmanager
    def write(self) -> Iterator[MariaDBSession]:
        with self._connected(local_infile=self._local_infile) as wire:
            wire.query("start transaction")
            yield MariaDBSession(wire, self._shown, self._kill, local_infile=self._local_infile)

    def stored(self, type: pa.DataType) -> Stored:
        return types.stored(type)

    def quote(self, identifier: str) -> str:
        return types.quote(identifier)

    def version(self, session: MariaDBSession, table: str) -> str | None:
        """Exact: the count of the rows and the sum of 64 bits of their MD5."""
        return session.checksum(table)

    @contextmanager
    def _connected(self, *, local_infile: bool) -> Iterator[Wire]:
        with translated(self._shown):
            wire = self._open(local_infile=local_infile)
            try:
                self._greet(wire)
                yield wire
            finally:
                wire._force_close()  # no farewell: a result may not be read to its end

    def _open(self, *, local_infile: bool = False) -> Wire:
        password = b"" if self._password is None else self._password.reveal().encode()
        return Wire(
            **self._login,
            password=password,
            charset=types.CHARSET,
            client_flag=CLIENT.FOUND_ROWS,  # an update counts the rows that it met, also those that had the values
            local_infile=local_infile,
        )

    def _greet(self, wire: Wire) -> None:
        if "mariadb" not in wire.get_server_info().lower():
            raise Refused(
                f"the server is not MariaDB but {wire.get_server_info()}",
                where=self._shown,
                todo="Towpath keeps its promises on MariaDB; on MySQL they were not tried",
                code="system-refused",
            )
        wire.query(
            f"set sql_mode = '{_MODE}', time_zone = '+00:00', default_storage_engine = InnoDB, autocommit = 0,"
            f" lock_wait_timeout = {self._busy_secs}, innodb_lock_wait_timeout = {self._busy_secs},"
            f" wait_timeout = {_PATIENCE_SECS}, net_read_timeout = {_PATIENCE_SECS},"
            f" net_write_timeout = {_PATIENCE_SECS}, join_cache_level = 2,"  # above, `<=>` loses rows with null
            " tx_isolation = 'REPEATABLE-READ', sql_select_limit = default"
        )

    def _kill(self, thread: int) -> None:
        """Ends the query that another connection of ours runs."""
        with contextlib.suppress(pymysql.Error, OSError):
            wire = self._open()
            wire.query(f"kill query {thread}")
            wire.close()
