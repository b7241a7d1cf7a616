"""A connection of pymysql that takes rows as Arrow columns, and sends rows from memory.

pymysql makes a Python object of every cell, and sends files of this machine when a server asks for one by name. Here
the bytes of a result are parted into cells by numpy, many rows at once, and a server gets only what was offered.
The text protocol: https://mariadb.com/kb/en/result-set-packets/. Built on pymysql's inner names of 1.2, to which the
extra holds it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pymysql
from pymysql.connections import Connection, MySQLResult
from pymysql.constants import COMMAND, CR
from pymysql.protocol import EOFPacketWrapper, FieldDescriptorPacket, MysqlPacket

_LONGEST = 0xFFFFFF
"""The payload of a packet that goes on in the next one."""
_SEND_BYTES = 256 << 10
_TAKE_BYTES = 256 << 10
_HEADER = struct.Struct("<I")
_EOF, _ERROR = 0xFE, 0xFF
_NULL, _TWO, _THREE, _EIGHT = 251, 252, 253, 254
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

    def columns(self, sql: str, most_rows: int, most_bytes: int) -> Iterator[list[pa.BinaryArray]]:
        """Runs a query; gives the cells of at most so many rows, and about so many bytes, column by column."""
        self.query(sql, unbuffered=True)
        result = self._result
        assert result is not None
        with self._whole():
            for block, starts, ends in _Blocks(self, result).parted(most_rows, most_bytes):
                yield _cells(block, starts, ends, len(result.fields))

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
    """The packets of a result, many at a time."""

    def __init__(self, connection: Wire, result: MySQLResult) -> None:
        self._connection = connection
        self._result = result
        self._held = bytearray()
        self._at = 0
        self._ends: list[int] = []

    def parted(self, most_rows: int, most_bytes: int) -> Iterator[tuple[bytes, np.ndarray, np.ndarray]]:
        """The bytes of some rows, and where in them each row starts and ends."""
        while True:
            ended = self._take(most_rows, most_bytes)
            full = len(self._ends) >= most_rows or self._at > most_bytes
            if self._ends and (full or ended):
                block, ends = bytes(memoryview(self._held)[: self._at]), np.array(self._ends, np.int64)
                yield block, np.concatenate(([0], ends[:-1])) + 4, ends
                del block
                del self._held[: self._at]
                self._at, self._ends = 0, []
            if ended:
                self._finish()
                return
            if not full:
                self._more()

    def _take(self, most_rows: int, most_bytes: int) -> bool:
        """Notes the whole packets that are held; whether the last of the result is among them."""
        held, at, have = self._held, self._at, len(self._held)
        note, unpack = self._ends.append, _HEADER.unpack_from
        for _ in range(most_rows - len(self._ends)):  # a round for each row: it does nothing that it need not
            if have - at < 5 or at > most_bytes:
                break
            size = unpack(held, at)[0] & _LONGEST
            end = at + 4 + size
            if end > have:
                break
            if size == _LONGEST:
                end = self._joined(at)
                if not end:
                    break
                have = len(held)
            elif held[at + 4] >= _EOF and (held[at + 4] == _ERROR or size < 9):
                self._at = at
                return True
            note(end)
            at = end
        self._at = at
        return False

    def _joined(self, at: int) -> int:
        """Makes one of the packets that a long row came in; its end, or 0 when it is not all there."""
        held, headers, size = self._held, list[int](), _LONGEST
        while size == _LONGEST:
            at += 4 + size if headers else 4 + _LONGEST
            if at + 4 > len(held):
                return 0
            size = _HEADER.unpack_from(held, at)[0] & _LONGEST
            headers.append(at)
        end = at + 4 + size
        if end > len(held):
            return 0
        for header in reversed(headers):
            del held[header : header + 4]
        return end - 4 * len(headers)

    def _more(self) -> None:
        read = self._connection._rfile.read1(_TAKE_BYTES)
        if not read:
            self._result.unbuffered_active = False
            self._connection._force_close()
            raise pymysql.err.OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")
        self._held += read

    def _finish(self) -> None:
        """The last packet: the result's end, or an error."""
        size = _HEADER.unpack_from(self._held, self._at)[0] & _LONGEST
        packet = MysqlPacket(bytes(self._held[self._at + 4 : self._at + 4 + size]), self._connection.encoding)
        self._result.unbuffered_active = False
        self._result.connection = None
        if packet.is_error_packet():
            packet.raise_for_error()
        end = EOFPacketWrapper(packet)
        self._result.warning_count, self._result.has_next = end.warning_count, end.has_next


def _cells(block: bytes, starts: np.ndarray, ends: np.ndarray, columns: int) -> list[pa.BinaryArray]:
    """The cells of whole rows, column by column: each is its length and its bytes, or the sign of null."""
    data, at, found = np.frombuffer(block, np.uint8), starts, []
    for _ in range(columns):
        length = data[at].astype(np.int64)
        null = length == _NULL
        begin = at + 1
        if length.size and length.max() > _NULL:
            for sign, width in ((_TWO, 2), (_THREE, 3), (_EIGHT, 8)):
                long = np.flatnonzero(data[at] == sign)
                length[long] = sum(data[at[long] + 1 + byte].astype(np.int64) << (8 * byte) for byte in range(width))
                begin[long] += width
        length[null] = 0
        at = begin + length
        found.append(_gathered(block, begin, at, null))
    if not np.array_equal(at, ends):
        raise pymysql.err.InternalError(0, "the server's rows do not have the columns that it announced")
    return found


def _gathered(block: bytes, begin: np.ndarray, end: np.ndarray, null: np.ndarray) -> pa.BinaryArray:
    """The pieces of a block as one array: each second element of an array of pieces and the gaps between them."""
    offsets = np.empty(2 * len(begin), np.int64)
    offsets[0::2], offsets[1::2] = begin, end
    buffers: Sequence[Any] = [None, pa.py_buffer(offsets), pa.py_buffer(block)]
    pieces = pa.Array.from_buffers(pa.large_binary(), len(offsets) - 1, buffers)
    return pieces.take(pa.array(np.arange(0, len(offsets), 2), mask=null)).cast(pa.binary())


def _field(one: FieldDescriptorPacket) -> Field:
    schema = one.db.decode() if isinstance(one.db, bytes) else str(one.db)
    return Field(
        one.name, one.type_code, one.length, one.flags, one.charsetnr, one.scale, schema, one.org_table, one.org_name
    )
