"""A connection of pymysql that takes rows as Arrow columns, and sends rows from memory.

pymysql makes a Python object of every cell, and sends files of this machine when a server asks for one by name. Here
the packets of a result are noted where they lie, many rows become columns at once (`towpath.mariadb.textrows`), and a
server gets only what was offered. Built on pymysql's inner names of 1.2, to which the extra holds it.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pymysql
from pymysql.connections import Connection, MySQLResult
from pymysql.constants import COMMAND, CR
from pymysql.protocol import EOFPacketWrapper, FieldDescriptorPacket, MysqlPacket

from towpath.mariadb import textrows

_LONGEST = 0xFFFFFF
"""The payload of a packet that goes on in the next one."""
_SEND_BYTES = 256 << 10
_TAKE_BYTES = 256 << 10
_HEADER = struct.Struct("<I")
_EOF, _ERROR = 0xFE, 0xFF
_PREPARE, _CLOSE = COMMAND.COM_STMT_PREPARE, COMMAND.COM_STMT_CLOSE


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a result as the server describes it. `table` and `column` say where it comes from, if from one."""

    name: str
    kind: int
    length: int
    flags: int
    charset: int
    decimals: int
    schema: str
    table: str
    column: str


class Wire(Connection):  # type: ignore[misc]
    """One connection. A statement `load data local` gets the bytes of `feed`, once."""

    feed: Iterator[bytes] | None = None

    def query(self, sql: str | bytes, unbuffered: bool = False) -> int:
        with self._whole():
            return int(super().query(sql, unbuffered))

    def commit(self) -> None:
        with self._whole():
            super().commit()

    def fields(self, sql: str) -> list[Field]:
        """The columns of a query, which is not run; none for a statement that is no query."""
        with self._whole():
            return self._fields(sql)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """An interrupt between a statement and the end of its answer closes the connection: whoever clears up would
        take what is left of the answer for that to another statement."""
        try:
            yield
        except KeyboardInterrupt:
            self._force_close()
            raise

    def _fields(self, sql: str) -> list[Field]:
        self._execute_command(_PREPARE, sql)
        head = self._read_packet()
        statement, columns, parameters = struct.unpack_from("<IHH", head.get_all_data(), 1)
        for _ in range(parameters + 1 if parameters else 0):
            self._read_packet()
        found = [self._read_packet(FieldDescriptorPacket) for _ in range(columns)]
        if columns:
            self._read_packet()
        self._execute_command(_CLOSE, struct.pack("<I", statement))
        return [_field(one) for one in found]

    def columns(
        self, sql: str, types: Sequence[pa.DataType | None], most_rows: int, most_bytes: int
    ) -> Iterator[list[pa.Array]]:
        """Runs a query; gives at most so many rows, and about so many bytes, column by column: values of the types, or
        the cells as binary where no type is given, or one of them is not plainly a value of it."""
        self.query(sql, unbuffered=True)
        result = self._result
        assert result is not None
        with self._whole():
            for block in _Blocks(self, result, most_rows, most_bytes):
                try:
                    found = textrows.columns(block.held, block.ends, block.rows, types)
                except ValueError as error:
                    raise pymysql.err.InternalError(0, str(error)) from error
                yield found
                del found

    @property
    def streaming(self) -> bool:
        """Whether a result was not read to its end."""
        return self._result is not None and bool(self._result.unbuffered_active)

    def warnings(self) -> int:
        """How many warnings the last statement left."""
        return 0 if self._result is None else int(self._result.warning_count or 0)

    def _read_query_result(self, unbuffered: bool = False) -> int:
        self._result = None
        result = _Result(self)
        if unbuffered:
            result.init_unbuffered_query()
        else:
            result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return int(result.affected_rows)


class _Result(MySQLResult):  # type: ignore[misc]
    def _read_load_local_packet(self, first_packet: MysqlPacket) -> None:
        connection: Wire = self.connection
        feed, connection.feed = connection.feed, None
        try:
            for chunk in feed or ():
                view = memoryview(chunk)
                for at in range(0, len(view), _SEND_BYTES):
                    connection.write_packet(view[at : at + _SEND_BYTES])
        finally:
            connection.write_packet(b"")
            done = connection._read_packet()
        if feed is None:
            raise pymysql.err.OperationalError(0, "the server asked for a file, and none was offered")
        self._read_ok_packet(done)


class _Blocks:
    """The rows of a result, many at a time: their packets as they came, in `held`, and where each ends."""

    def __init__(self, connection: Wire, result: MySQLResult, most_rows: int, most_bytes: int) -> None:
        self._connection = connection
        self._result = result
        self._most_bytes = most_bytes
        self._size = 0
        """How many bytes of `held` came; the others are room for more."""
        self._at = 0
        self.held = bytearray(_TAKE_BYTES)
        self.ends = array("q", bytes(8 * most_rows))
        self.rows = 0

    def __iter__(self) -> Iterator[_Blocks]:
        """Itself, with the next rows each time."""
        ended = False
        while not ended:
            ended = self._take()
            full = self.rows == len(self.ends) or self._at > self._most_bytes
            if self.rows and (full or ended):
                yield self
                self._forget()
            if not full and not ended:
                self._more()
        self._finish()

    def _take(self) -> bool:
        """Notes the whole packets that came; whether the last of the result is among them."""
        held, ends, unpack = self.held, self.ends, _HEADER.unpack_from
        rows, at, most = self.rows, self._at, self._most_bytes
        ended = False
        while True:  # where nothing is compiled, a round for each row
            rows, at = textrows.packets(held, self._size, at, ends, rows, most)
            if rows == len(ends) or self._size - at < 5 or at > most:
                break
            size = unpack(held, at)[0] & _LONGEST
            end = at + 4 + size
            if end > self._size:
                break
            if size == _LONGEST:
                end = self._joined(at)
                if not end:
                    break
            elif held[at + 4] >= _EOF and (held[at + 4] == _ERROR or size < 9):
                ended = True
                break
            ends[rows] = at = end
            rows += 1
        self.rows, self._at = rows, at
        return ended

    def _joined(self, at: int) -> int:
        """Makes one of the packets that a long row came in; its end, or 0 when it is not all there."""
        held, headers, size = self.held, list[int](), _LONGEST
        while size == _LONGEST:
            at += 4 + size if headers else 4 + _LONGEST
            if at + 4 > self._size:
                return 0
            size = _HEADER.unpack_from(held, at)[0] & _LONGEST
            headers.append(at)
        end = at + 4 + size
        if end > self._size:
            return 0
        for header in reversed(headers):
            del held[header : header + 4]
        self._size -= 4 * len(headers)
        return end - 4 * len(headers)

    def _forget(self) -> None:
        """The rows that were given; what came behind them moves to the front, and room for long rows is given back."""
        rest = self.held[self._at : self._size]
        if len(self.held) > 2 * self._most_bytes + _TAKE_BYTES:
            self.held = bytearray(len(rest) + _TAKE_BYTES)
        self.held[: len(rest)] = rest
        self._size, self._at, self.rows = len(rest), 0, 0

    def _more(self) -> None:
        if len(self.held) - self._size < _TAKE_BYTES:
            self.held += bytes(max(_TAKE_BYTES, len(self.held) // 2))
        # `readinto1` would wait for more than what is buffered already, which may be all that comes.
        read = self._connection._rfile.read1(_TAKE_BYTES)
        if not read:
            self._result.unbuffered_active = False
            self._connection._force_close()
            raise pymysql.err.OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")
        self.held[self._size : self._size + len(read)] = read
        self._size += len(read)

    def _finish(self) -> None:
        """The last packet: the result's end, or an error."""
        size = _HEADER.unpack_from(self.held, self._at)[0] & _LONGEST
        packet = MysqlPacket(bytes(self.held[self._at + 4 : self._at + 4 + size]), self._connection.encoding)
        self._result.unbuffered_active = False
        self._result.connection = None
        if packet.is_error_packet():
            packet.raise_for_error()
        end = EOFPacketWrapper(packet)
        self._result.warning_count, self._result.has_next = end.warning_count, end.has_next


def _field(one: FieldDescriptorPacket) -> Field:
    schema = one.db.decode() if isinstance(one.db, bytes) else str(one.db)
    return Field(
        one.name, one.type_code, one.length, one.flags, one.charsetnr, one.scale, schema, one.org_table, one.org_name
    )
