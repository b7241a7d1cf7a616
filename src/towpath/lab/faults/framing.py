"""The messages of a connection: where each one ends and what it is, for the protocols that a proxy can stand before.

A framing is made for each connection and told the bytes of both ways. It reads headers alone and no secrets: logging in
is one word. A connection that turns to TLS is bytes as they come from then on.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

Bytes = bytes | bytearray
_LONGEST = 300


class Way(StrEnum):
    """Who sent a message."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole message at the beginning of some bytes: its length, its kind, and the first words of what it says."""

    length: int
    kind: str
    text: str = ""


class Framing(Protocol):
    def first(self, way: Way, data: Bytes) -> Frame | None:
        """The message that `data` begins with; None while it is not whole. Called once for each message, in order."""
        ...


Address = tuple[str, int]
"""Host and port."""


@runtime_checkable
class TellsAddresses(Protocol):
    """A framing of a protocol whose servers tell clients where to connect to next."""

    def renamed(self, kind: str, data: bytes, server: Address, proxy: Address) -> bytes:
        """A message of the server's in which it has the proxy's address instead of its own."""
        ...


class Chunks:
    """Bytes as they come."""

    def first(self, way: Way, data: Bytes) -> Frame | None:
        return Frame(len(data), "bytes")


_FRONT = {
    "Q": "Query", "P": "Parse", "B": "Bind", "D": "Describe", "E": "Execute", "S": "Sync", "C": "Close",
    "H": "Flush", "X": "Terminate", "d": "CopyData", "c": "CopyDone", "f": "CopyFail", "p": "Password",
}  # fmt: skip
_BACK = {
    "R": "Authentication", "K": "BackendKeyData", "S": "ParameterStatus", "Z": "ReadyForQuery", "T": "RowDescription",
    "D": "DataRow", "C": "CommandComplete", "E": "ErrorResponse", "N": "NoticeResponse", "1": "ParseComplete",
    "2": "BindComplete", "3": "CloseComplete", "n": "NoData", "t": "ParameterDescription", "s": "PortalSuspended",
    "G": "CopyInResponse", "H": "CopyOutResponse", "d": "CopyData", "c": "CopyDone", "I": "EmptyQueryResponse",
}  # fmt: skip
_ENCRYPTION = {80877103: "SSLRequest", 80877104: "GSSENCRequest"}
_CANCEL = 80877102


@dataclass(slots=True)
class PostgreSQLFraming:
    """PostgreSQL's protocol 3: a letter, a length, the content; the first messages have no letter."""

    begun: bool = False
    asked: bool = False
    plain: Chunks | None = None

    def first(self, way: Way, data: Bytes) -> Frame | None:
        if self.plain is not None:
            return self.plain.first(way, data)
        if way is Way.CLIENT and not self.begun:
            return self._greeting(data)
        if way is Way.SERVER and self.asked:
            self.asked = False
            if data[:1] != b"N":
                self.plain = Chunks()
            return Frame(1, "EncryptionAnswer")
        if len(data) < 5 or len(data) < (length := 1 + int.from_bytes(data[1:5])):
            return None
        letter = chr(data[0])
        kind = (_FRONT if way is Way.CLIENT else _BACK).get(letter, letter)
        return Frame(length, kind, _text(data[5:length].lstrip(b"\0")) if letter in "QP" else "")

    def _greeting(self, data: Bytes) -> Frame | None:
        if len(data) < 8 or len(data) < (length := int.from_bytes(data[:4])):
            return None
        code = int.from_bytes(data[4:8])
        self.asked = code in _ENCRYPTION
        self.begun = not self.asked
        return Frame(length, _ENCRYPTION.get(code, "CancelRequest" if code == _CANCEL else "Startup"))


_COMMANDS = {0x01: "Quit", 0x02: "InitDB", 0x03: "Query", 0x0E: "Ping", 0x16: "Prepare", 0x17: "Execute"}
_ANSWERS = {0x00: "OK", 0xFE: "End", 0xFF: "Error", 0xFB: "LocalInfile"}


@dataclass(slots=True)
class MySQLFraming:
    """Packets of MySQL and MariaDB: three bytes of length, a number within the exchange, the content."""

    greeted: bool = False
    logged_in: bool = False

    def first(self, way: Way, data: Bytes) -> Frame | None:
        if len(data) < 4 or len(data) < (length := 4 + int.from_bytes(data[:3], "little")):
            return None
        number, content = data[3], data[4:length]
        if way is Way.SERVER:
            kind = _ANSWERS.get(content[0], "Rows") if content and self.greeted else "Greeting"
            self.greeted = True
            return Frame(length, kind)
        if not self.logged_in or number:
            kind = "Data" if self.logged_in else "Login"
            self.logged_in = True
            return Frame(length, kind if content else "EndOfData")
        kind = _COMMANDS.get(content[0], f"Command {content[0]}") if content else "EndOfData"
        return Frame(length, kind, _text(content[1:]) if kind == "Query" else "")


_KAFKA = {
    0: "Produce", 1: "Fetch", 2: "ListOffsets", 3: "Metadata", 8: "OffsetCommit", 9: "OffsetFetch",
    10: "FindCoordinator", 11: "JoinGroup", 12: "Heartbeat", 13: "LeaveGroup", 14: "SyncGroup", 17: "SaslHandshake",
    18: "ApiVersions", 19: "CreateTopics", 20: "DeleteTopics", 22: "InitProducerId", 24: "AddPartitionsToTxn",
    25: "AddOffsetsToTxn", 26: "EndTxn", 28: "TxnOffsetCommit", 32: "DescribeConfigs", 36: "SaslAuthenticate",
    60: "DescribeCluster", 61: "DescribeProducers", 65: "DescribeTransactions", 66: "ListTransactions",
    75: "DescribeTopicPartitions",
}  # fmt: skip


_ADDRESSES = ("Metadata", "FindCoordinator", "DescribeCluster")


@dataclass(slots=True)
class KafkaFraming:
    """Kafka's requests and answers; an answer has the kind of the request that it is for."""

    asked: dict[int, str] = field(default_factory=dict)

    def first(self, way: Way, data: Bytes) -> Frame | None:
        if (len(data) < 12 and way is Way.CLIENT) or len(data) < 8:
            return None
        length = 4 + int.from_bytes(data[:4])
        if len(data) < length:
            return None
        if way is Way.SERVER:
            return Frame(length, self.asked.pop(int.from_bytes(data[4:8]), "Answer"))
        key, _, correlation = struct.unpack_from("!hhI", data, 4)
        self.asked[correlation] = _KAFKA.get(key, f"Request {key}")
        return Frame(length, self.asked[correlation])

    def renamed(self, kind: str, data: bytes, server: Address, proxy: Address) -> bytes:
        if kind not in _ADDRESSES or len(server[0]) != len(proxy[0]):
            return data
        old, new = (host.encode() + struct.pack("!i", port) for host, port in (server, proxy))
        return data.replace(old, new)


_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect: *100-continue", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9a-fA-F]+)[^\r\n]*\r\n")


@dataclass(slots=True)
class HTTPFraming:
    """HTTP/1.1: a request or an answer with its body is one message. Where the client waits for leave to send a body
    (`Expect: 100-continue`), the body is another."""

    asked: list[str] = field(default_factory=list)
    body: Bytes | None = None
    """The head whose body comes next, once leave was asked."""

    def first(self, way: Way, data: Bytes) -> Frame | None:
        if way is Way.CLIENT and self.body is not None:
            length, of = _body(self.body, data), self.body.split(b" ", 2)[1].decode("latin-1")
            if length is None:
                return None
            self.body = None
            return Frame(length, "body", of[:_LONGEST])
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            return None
        head = data[:end]
        line = head.partition(b"\r\n")[0].decode("latin-1")
        return self._request(line, head, data) if way is Way.CLIENT else self._answer(line, head, data)

    def _request(self, line: str, head: Bytes, data: Bytes) -> Frame | None:
        method, _, rest = line.partition(" ")
        waits = _EXPECTS.search(head) is not None
        length = 0 if waits else _body(head, data[len(head) :])
        if length is None:
            return None
        self.body = head if waits else None
        self.asked.append(method)
        return Frame(len(head) + length, method, rest.rpartition(" ")[0][:_LONGEST])

    def _answer(self, line: str, head: Bytes, data: Bytes) -> Frame | None:
        status = line.split(" ")[1]
        if status.startswith("1"):
            return Frame(len(head), status)
        bare = status in ("204", "304") or self.asked[:1] == ["HEAD"]
        length = 0 if bare else _body(head, data[len(head) :])
        if length is None:
            return None
        del self.asked[:1]
        return Frame(len(head) + length, status)


def _body(head: Bytes, data: Bytes) -> int | None:
    """The length of the body that `data` begins with; None while it is not whole."""
    if _CHUNKED.search(head):
        at = 0
        while chunk := _CHUNK.match(data, at):
            at = chunk.end() + int(chunk[1], 16) + 2
            if int(chunk[1], 16) == 0:
                return at if len(data) >= at else None
        return None
    found = _LENGTH.search(head)
    length = int(found[1]) if found else 0
    return length if len(data) >= length else None


def _text(content: Bytes) -> str:
    return content[:_LONGEST].partition(b"\0")[0].decode("utf-8", "replace")
