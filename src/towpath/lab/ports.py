"""Free ports on loopback, that no two labs take at once."""

from __future__ import annotations

import fcntl
import os
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack

from towpath.disk import temporary
from towpath.errors import Refused
from towpath.lab.order import TEMPORARY

HOST = "127.0.0.1"
# Below the range that systems take outgoing ports from, or a client could hold a stopped server's port by chance,
# and one that asks a port of its own range again and again can end up connected to itself.
_RANGE = range(20_000, 30_000)


class Ports:
    """Ports that are this lab's until `release`: a lock on a file for each tells other labs, also while the server is
    down for a moment."""

    def __init__(self, numbers: tuple[int, ...], locks: ExitStack) -> None:
        self.numbers = numbers
        self._locks = locks

    def release(self) -> None:
        self._locks.close()


def take(count: int, first: int | None = None) -> Ports:
    """`count` ports, of which the first may be asked for. Raises Refused when something listens on that one."""
    locks = ExitStack()
    numbers: list[int] = []
    if first is not None:
        if why := _hindrance(first) or ("" if _locked(first, locks) else "another lab has it"):
            locks.close()
            raise Refused(
                f"port {first} cannot be had: {why}",
                where=f"{HOST}:{first}",
                todo="name another port, or none: then a free one is taken",
                code="port-taken",
            )
        numbers.append(first)
    for port in _shuffled():
        if len(numbers) == count:
            break
        if not _bound(port) and _locked(port, locks):
            numbers.append(port)
    return Ports(tuple(numbers), locks)


def _hindrance(port: int) -> str:
    """Why nothing can listen on a port; empty when it is free."""
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex((HOST, port)) == 0:
            return "a server answers there already"
    return _bound(port)


def _shuffled() -> Iterator[int]:
    return iter(random.sample(_RANGE, len(_RANGE)))


def _bound(port: int) -> str:
    """What the system says when one tries to listen there; empty when it lets us."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return os.strerror(error.errno or 0)
    return ""


def _locked(port: int, locks: ExitStack) -> bool:
    """Whether the port's file could be locked; `locks` then holds it, and removes it at the end."""
    folder = temporary.folder() / f"{TEMPORARY}ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / str(port)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(descriptor), path.stat()):
            raise FileNotFoundError  # the one who had it removed it meanwhile
    except OSError:
        os.close(descriptor)
        return False
    locks.callback(os.close, descriptor)
    locks.callback(path.unlink, missing_ok=True)
    return True
