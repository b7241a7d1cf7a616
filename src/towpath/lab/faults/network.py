"""What can go wrong between a client and a server, at one message: faults that a `Proxy` applies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from towpath.lab.faults.framing import Way


@dataclass(frozen=True, slots=True)
class Message:
    """One message: which connection (from 1, in the order of connecting), who sent it, the how manieth of that way it
    is among those of all connections (from 1), its kind, its length in bytes and, where the protocol has words, their
    beginning. `at`: when it came, by the monotonic clock."""

    connection: int
    way: Way
    number: int
    kind: str
    length: int
    text: str
    at: float

    def __str__(self) -> str:
        return f"{self.way} {self.number} {self.kind} {self.text}".rstrip()


class Passing(Protocol):
    """A message under way, as a fault has it in hand."""

    message: Message
    data: bytes

    def send(self, data: bytes) -> None:
        """Passes bytes on to the other end."""
        ...

    def answer(self, data: bytes) -> None:
        """Sends bytes back to the end that the message came from."""
        ...

    def cut(self) -> None:
        """Ends the connection, both ways."""
        ...

    def mute(self) -> threading.Event:
        """From now on nothing is passed the other way; the event is set when something would have been."""
        ...

    def limit(self, bytes_per_sec: float) -> None:
        """From now on no more than that passes this way."""
        ...


class Fault(Protocol):
    def strike(self, passing: Passing) -> None:
        """Does what is wrong, in place of passing the message on."""
        ...


def _nothing(message: Message) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends after the first `keep` bytes of the message (None: after all of it). `first` is called
    beforehand, with nothing passed: a client that it kills dies with its message not sent."""

    keep: int | None = 0
    first: Callable[[Message], None] = _nothing

    def strike(self, passing: Passing) -> None:
        self.first(passing.message)
        passing.send(passing.data[: self.keep])
        passing.cut()


@dataclass(frozen=True, slots=True)
class LoseAnswer:
    """The message is passed on, and its receiver answers, or has had `secs` to do what it asks; then `first` is called,
    and the connection ends, the answer lost."""

    secs: float = 0.3
    first: Callable[[Message], None] = _nothing

    def strike(self, passing: Passing) -> None:
        answered = passing.mute()
        passing.send(passing.data)
        answered.wait(self.secs)
        self.first(passing.message)
        passing.cut()


@dataclass(frozen=True, slots=True)
class Stall:
    """The message, and what comes behind it in its connection, waits for `secs`, or until `release` is set (by a test,
    or by a `Call` at a message of another connection, which so overtakes this one). `begun` is set meanwhile."""

    secs: float | None = None
    release: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)

    def strike(self, passing: Passing) -> None:
        self.begun.set()
        self.release.wait(self.secs)
        passing.send(passing.data)


@dataclass(frozen=True, slots=True)
class Slow:
    """From this message on, its connection passes no more than so many bytes per second that way."""

    bytes_per_sec: float

    def strike(self, passing: Passing) -> None:
        passing.limit(self.bytes_per_sec)
        passing.send(passing.data)


@dataclass(frozen=True, slots=True)
class Call:
    """Something is done while the message waits; then it is passed on."""

    function: Callable[[Message], None]

    def strike(self, passing: Passing) -> None:
        self.function(passing.message)
        passing.send(passing.data)


@dataclass(frozen=True, slots=True)
class Answer:
    """The message is kept back, and answered with these bytes."""

    data: bytes

    def strike(self, passing: Passing) -> None:
        passing.answer(self.data)


def http(status: int, body: bytes = b"", **headers: str) -> Answer:
    """An HTTP answer with this status in the place of the server's (`retry_after="1"` is the header Retry-After)."""
    lines = [f"HTTP/1.1 {status} Injected", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return Answer("\r\n".join([*lines, "", ""]).encode() + body)


def paced(send: Callable[[bytes], None], data: bytes | bytearray, bytes_per_sec: float) -> None:
    """Sends in pieces of a twentieth of a second."""
    size = max(1, int(bytes_per_sec / 20))
    for first in range(0, len(data), size):
        piece = bytes(data[first : first + size])
        send(piece)
        time.sleep(len(piece) / bytes_per_sec)
