"""A proxy on this machine that stands before a real server, knows the messages that pass, and makes faults at them.

    with Proxy(server.host, server.port, PostgreSQLFraming) as proxy:
        proxy.fault(lambda message: message.text.lower() == "commit", LoseAnswer())
        ...  # a client that connects to proxy.through(server.address)

Threads and sockets alone. What passes is recorded in `proxy.messages`.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from towpath.lab.faults.framing import Chunks, Frame, Framing, TellsAddresses, Way
from towpath.lab.faults.network import Fault, Message, paced
from towpath.lab.ports import HOST

_LOOK_SECS = 0.05
_JOIN_SECS = 5.0
_READ_BYTES = 1 << 18


class Proxy:
    """Listens on `port` (0: one that is free) for the server at `host` and `target`. A fault strikes once, at the first
    message for which its condition holds."""

    def __init__(self, host: str, target: int, framing: Callable[[], Framing] = Chunks, *, port: int = 0) -> None:
        self.messages: list[Message] = []
        self.struck: list[Message] = []
        self.host = HOST
        self.target = (host, target)
        self._framing = framing
        self._faults: list[tuple[Callable[[Message], bool], Fault]] = []
        self._lock = threading.Lock()
        self._links: list[_Link] = []
        self._connections = 0
        self._counts = {Way.CLIENT: 0, Way.SERVER: 0}
        self._closed = False
        self._listener = _bound(port)
        self.port = int(self._listener.getsockname()[1])
        self._up, self._accepting = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._accept, daemon=True, name=f"proxy {self.port}")

    def through(self, address: str) -> str:
        """An address of the server, as one of this proxy."""
        return address.replace(f"{self.target[0]}:{self.target[1]}", f"{self.host}:{self.port}", 1)

    def fault(self, when: Callable[[Message], bool], what: Fault) -> None:
        """Lets `what` strike at the first message, from now on, for which `when` holds."""
        with self._lock:
            self._faults.append((when, what))

    def at(self, way: Way, number: int, what: Fault) -> None:
        """Lets `what` strike at the message of that number among those of its way, counted from the last `clear`."""
        self.fault(lambda message: message.way is way and message.number == number, what)

    def clear(self) -> None:
        """Forgets messages, numbers and faults."""
        with self._lock:
            self.messages, self.struck, self._faults = [], [], []
            self._counts = {Way.CLIENT: 0, Way.SERVER: 0}

    def down(self) -> None:
        """Ends all connections and refuses new ones."""
        self._up.clear()
        with self._accepting:
            self._listener.close()
            self._listener = _bound(self.port)  # it keeps the port, and whoever comes is refused
        self.cut()

    def up(self) -> None:
        """Takes connections again."""
        self._listener.listen(64)
        self._up.set()

    def cut(self) -> None:
        """Ends all connections there are."""
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            link.cut()

    def __enter__(self) -> Proxy:
        self.up()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closed = True
        self._up.set()
        self.cut()
        self._thread.join(_JOIN_SECS)
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed:
            self._up.wait()
            try:
                with self._accepting:
                    client, _ = self._listener.accept()
            except OSError:  # nobody came for a moment, or it takes none
                continue
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            self._begin(client, server)

    def _begin(self, client: socket.socket, server: socket.socket) -> None:
        with self._lock:
            self._connections += 1
            link = _Link(self, self._connections, self._framing(), client, server)
            self._links = [one for one in self._links if not one.over] + [link]
        link.start()
        if self._closed or not self._up.is_set():
            link.cut()

    def arrived(self, connection: int, way: Way, frame: Frame) -> tuple[Message, Fault | None]:
        """Records a message, and finds the fault that strikes at it."""
        with self._lock:
            self._counts[way] += 1
            now = time.monotonic()
            message = Message(connection, way, self._counts[way], frame.kind, frame.length, frame.text, now)
            self.messages.append(message)
            for index, (when, what) in enumerate(self._faults):
                if when(message):
                    del self._faults[index]
                    self.struck.append(message)
                    return message, what
        return message, None


class _Link:
    """One connection of a client, with the one to the server that belongs to it; a thread for each way."""

    def __init__(
        self, proxy: Proxy, number: int, framing: Framing, client: socket.socket, server: socket.socket
    ) -> None:
        self.proxy, self.number, self.framing = proxy, number, framing
        self.ends = {Way.CLIENT: client, Way.SERVER: server}
        self.muted: dict[Way, threading.Event] = {}
        self.rates: dict[Way, float] = {}
        self.over = False
        self._ended: set[Way] = set()
        self._lock = threading.Lock()
        self._renaming = framing if isinstance(framing, TellsAddresses) else None
        for end in self.ends.values():
            end.settimeout(None)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        for way in Way:
            threading.Thread(target=self._relay, args=(way,), daemon=True).start()

    def cut(self) -> None:
        self.over = True
        for end in self.ends.values():
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _relay(self, way: Way) -> None:
        data = bytearray()
        try:
            while more := self.ends[way].recv(_READ_BYTES):
                data += more
                passing = bytearray()  # messages that came together go on together
                while data and not self.over and (frame := self._first(way, data)) is not None:
                    whole = bytes(data[: frame.length])
                    del data[: frame.length]
                    self._pass(way, frame, whole, passing)
                self._send(way, passing)
            self._send(way, bytes(data))  # what ends before its message does
            self.ends[_other(way)].shutdown(socket.SHUT_WR)
            self._ended.add(way)
        except OSError:
            self.cut()
        if len(self._ended) == len(Way):
            self.cut()

    def _first(self, way: Way, data: bytearray) -> Frame | None:
        with self._lock:
            return self.framing.first(way, data)

    def _pass(self, way: Way, frame: Frame, data: bytes, passing: bytearray) -> None:
        message, fault = self.proxy.arrived(self.number, way, frame)
        if way is Way.SERVER and self._renaming is not None:
            data = self._renaming.renamed(frame.kind, data, self.proxy.target, (self.proxy.host, self.proxy.port))
        if fault is None:
            passing += data
            return
        self._send(way, passing)
        passing.clear()
        fault.strike(_Passing(self, message, data))

    def _send(self, way: Way, data: bytes | bytearray) -> None:
        if not data:
            return
        muted = self.muted.get(way)
        if muted is not None:
            muted.set()
            return
        goal = self.ends[_other(way)]
        if way in self.rates:
            paced(goal.sendall, data, self.rates[way])
        else:
            goal.sendall(data)


class _Passing:
    """One message of a link in the hands of a fault."""

    def __init__(self, link: _Link, message: Message, data: bytes) -> None:
        self._link = link
        self.message = message
        self.data = data

    def send(self, data: bytes) -> None:
        self._link._send(self.message.way, data)

    def answer(self, data: bytes) -> None:
        self._link.ends[self.message.way].sendall(data)

    def cut(self) -> None:
        self._link.cut()

    def mute(self) -> threading.Event:
        return self._link.muted.setdefault(_other(self.message.way), threading.Event())

    def limit(self, bytes_per_sec: float) -> None:
        self._link.rates[self.message.way] = bytes_per_sec


def _other(way: Way) -> Way:
    return Way.SERVER if way is Way.CLIENT else Way.CLIENT


def _bound(port: int) -> socket.socket:
    """A socket that holds the port, and takes no connections yet."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.settimeout(_LOOK_SECS)
    listener.bind((HOST, port))
    return listener
