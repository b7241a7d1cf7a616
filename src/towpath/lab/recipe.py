"""Recipe: the contract of one server program, from how it is obtained to its address.

The order of calls: the first of `ways` that gives a `Build` is taken - `prepare` once, on an empty folder - `command`
and `environment` at each start - `answers` again and again until it does - `furnish` once, after the first start -
`access` whenever somebody asks. Stopping is `stop_signal`, and SIGKILL after `stop_secs`.

A file of `recipes/` is named after a server (`kafka`) and has `RECIPES`: the programs that can play it, best first.
"""

from __future__ import annotations

import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from towpath.lab.ports import HOST
from towpath.secrets.secret import Secret


class Kind(StrEnum):
    """What a server is, so that nobody takes it for what it is not."""

    REAL = "real"
    EMULATOR = "vendor's emulator"
    REIMPLEMENTATION = "re-implementation"


class Unobtainable(Exception):
    """A way gives no programs; the text says why, in a few words."""


class NotReady(Exception):
    """The server does not do its work yet; the text says what it said instead."""


@dataclass(frozen=True, slots=True)
class Build:
    """Programs that are on this machine. `home`: the folder that the recipe's commands are found in."""

    home: Path
    version: str
    how: str

    def program(self, name: str) -> str:
        """A program that lies in `home`, or else on PATH."""
        beside = self.home / name
        return str(beside) if beside.exists() else name


class Way(Protocol):
    """One way of having a server's programs. Only `fetch` uses the network, and only it changes anything."""

    title: str

    def here(self) -> Build | None:
        """The programs, when they are on this machine already."""
        ...

    def hindrance(self) -> str:
        """Why `fetch` cannot even be tried here; empty when it can."""
        ...

    def fetch(self) -> Build:
        """Gets the programs. Raises Unobtainable."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where one server lives: all of it is below `root`. `owner` is the system's user that it runs as (None: ours).
    `durable` asks that what was committed survives a crash of the machine."""

    build: Build
    root: Path
    ports: tuple[int, ...]
    user: str
    password: Secret
    owner: str | None = None
    durable: bool = False

    @property
    def folder(self) -> Path:
        """The program's own folder; it belongs to `owner`, and is empty before `prepare`."""
        return self.root / "server"

    @property
    def log(self) -> Path:
        """What the program says."""
        return self.root / "log"

    @property
    def port(self) -> int:
        """The one that clients use."""
        return self.ports[0]

    def note(self, name: str, text: str) -> Path:
        """A file in `folder` that only the program can read."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text, "utf-8")
        if self.owner is not None:
            shutil.chown(path, self.owner)
        return path


@dataclass(frozen=True, slots=True)
class Access:
    """How a server is reached: a Towpath address, and the adapter's options and environment variables beside it.
    `example`: the address of one thing in it."""

    address: str
    example: str
    options: Mapping[str, str | Secret] = field(default_factory=dict)
    environment: Mapping[str, str | Secret] = field(default_factory=dict)


class Recipe(ABC):
    """One program that plays a server's part."""

    program: str
    kind: Kind
    usual_port: int
    ways: tuple[Way, ...]
    ports = 1
    """How many ports it listens on."""
    refuses_root = False
    survives_kill = True
    """Whether what was committed is there after `Server.kill` and `Server.start`."""
    stop_signal: int = signal.SIGTERM
    stop_secs = 10.0
    start_secs = 60.0

    @abstractmethod
    def prepare(self, place: Place) -> None:
        """Makes `place.folder` ready for the first start, by `jobs.run`."""

    @abstractmethod
    def command(self, place: Place) -> Sequence[str]:
        """The program and its arguments: in the foreground, on loopback only, everything it writes below `folder`."""

    def environment(self, place: Place) -> Mapping[str, str]:
        """Variables for the program, beside PATH, HOME and the language."""
        return {}

    @abstractmethod
    def answers(self, host: str, port: int) -> str:
        """Asks once, in the server's own protocol, whether it does its work, and returns its version if the answer
        tells it. Raises NotReady or OSError. Needs no credentials."""

    def furnish(self, place: Place) -> None:
        """What can be done only on the running server. Raises NotReady or OSError, and is then called again."""
        return

    @abstractmethod
    def access(self, place: Place) -> Access: ...

    def litter(self, place: Place) -> Sequence[str]:
        """Files (globs) that the program makes outside its folder and leaves when it is killed."""
        return ()


def authority(place: Place) -> str:
    """`user:password@host:port`, as addresses have it."""
    return f"{place.user}:{place.password.reveal()}@{HOST}:{place.port}"
