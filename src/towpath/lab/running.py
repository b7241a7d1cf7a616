"""Servers that live on after the command that started them: kept in the user's state folder, so that any later command
finds and stops them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from towpath import url, userfiles
from towpath.errors import UserError
from towpath.lab.lab import Lab
from towpath.lab.ports import HOST
from towpath.lab.processes import Process, wait_gone
from towpath.lab.recipe import NotReady
from towpath.lab.recipes import recipes
from towpath.lab.server import OwnServer, Server
from towpath.receipt import now
from towpath.secrets.redact import HIDDEN
from towpath.secrets.secret import Secret, named_secret

_SUPERVISOR_SECS = 10.0


@dataclass(frozen=True, slots=True)
class Running:
    """One server as it is kept. `options` (of the adapter) and `environment` hold what does not fit into `address`.
    `since` is empty, and there are no processes, for a server that is not the lab's. `new`: this command started it."""

    name: str
    program: str
    kind: str | None
    version: str
    how: str
    passed: tuple[str, ...]
    survives_kill: bool
    address: str = field(repr=False)
    example: str = field(repr=False)
    options: dict[str, str] = field(repr=False)
    environment: dict[str, str] = field(repr=False)
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    since: str = ""
    root: str = ""
    stop_secs: float = 0.0
    supervisor: Process | None = None
    process: Process | None = None
    new: bool = False

    @property
    def told(self) -> str:
        """What it is, in a few words: `PostgreSQL 15.18 (real)`."""
        return f"{' '.join(filter(None, (self.program, self.version)))} ({self.kind or self.how})"

    @property
    def log(self) -> Path | None:
        return Path(self.root) / "log" if self.root else None

    def hidden(self) -> Running:
        """The same with `***` for secrets, wherever they stand."""

        def strike(text: str) -> str:
            return text.replace(self.password, HIDDEN) if self.password else text

        def struck(values: Mapping[str, str]) -> dict[str, str]:
            secret = (name for name in values if named_secret(name) and values[name] != self.user)
            return {name: strike(value) for name, value in values.items()} | dict.fromkeys(secret, HIDDEN)

        return replace(
            self,
            address=strike(url.shown(self.address)),
            example=strike(url.shown(self.example)),
            password=strike(self.password),
            options=struck(self.options),
            environment=struck(self.environment),
        )

    def alive(self) -> bool:
        return self.process is not None and self.process.alive()

    def answers(self) -> bool:
        """Whether the server does its work now."""
        if not self.alive():
            return False
        recipe = next(one for one in recipes(self.name) if one.program == self.program)
        try:
            recipe.answers(self.host, self.port)
        except (NotReady, OSError):
            return False
        return True

    def memory(self) -> int:
        """Its resident bytes, without the supervisor's."""
        return 0 if self.process is None else self.process.memory()

    def down(self) -> None:
        """Stops it, kills what does not end in time, and removes its data."""
        both = [one for one in (self.supervisor, self.process) if one is not None]
        if self.supervisor is not None:
            self.supervisor.signal(signal.SIGTERM)
        if not wait_gone(both, self.stop_secs + _SUPERVISOR_SECS):
            for one in both:
                one.kill()
        shutil.rmtree(self.root, ignore_errors=True)
        _path(self.name).unlink(missing_ok=True)

    def dumps(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def loads(text: str) -> Running:
        raw: dict[str, Any] = json.loads(text)
        for name in ("supervisor", "process"):
            raw[name] = Process(**raw[name])
        return Running(**{**raw, "passed": tuple(raw["passed"])})


def up(name: str, *, port: int | None = None, durable: bool = False) -> Running:
    """The server of this name, started if it does not run; see `Lab.up`."""
    recipes(name)
    with _alone(name):
        kept = find(name)
        if kept is not None:
            if kept.alive():
                return _as_asked(kept, port)
            kept.down()
        with Lab(_folder() / "servers") as lab:
            server = lab.up(name, port=port, durable=durable)
            made = _kept(server)
            if isinstance(server, OwnServer):
                _save(made)
                lab.let_go(name, _path(name))
        return replace(made, new=True)


def _as_asked(kept: Running, port: int | None) -> Running:
    if port not in (None, kept.port):
        raise UserError(
            f"{kept.name} is up already on port {kept.port}, so that --port {port} cannot be had",
            todo=f"tow lab down {kept.name}, which removes its data, and up again",
            code="options-conflict",
        )
    return kept


def down(name: str) -> bool:
    """Stops the server of this name and removes its data; False when none was kept."""
    recipes(name)
    with _alone(name):
        kept = find(name)
        if kept is not None:
            kept.down()
    return kept is not None


def find(name: str) -> Running | None:
    """The server that is kept under this name, be it alive or dead."""
    try:
        return Running.loads(_path(name).read_text("utf-8"))
    except FileNotFoundError:
        return None


def every() -> list[Running]:
    """All that are kept, by name."""
    names = sorted(path.stem for path in _folder().glob("*.json"))
    return [one for one in map(find, names) if one is not None]


def _kept(server: Server) -> Running:
    made = Running(
        name=server.name,
        program=server.program,
        kind=server.kind,
        version=server.version,
        how=server.how,
        passed=server.passed,
        survives_kill=server.survives_kill,
        address=server.address,
        example=server.example,
        options=_plain(server.options),
        environment=_plain(server.environment),
        host=server.host,
        port=server.port,
        user=server.user,
        password="" if server.password is None else server.password.reveal(),
    )
    if not isinstance(server, OwnServer):
        return made
    return replace(
        made,
        host=HOST,
        since=now(),
        root=str(server.place.root),
        stop_secs=server.recipe.stop_secs,
        supervisor=server.supervisor,
        process=server.process,
    )


def _plain(values: Mapping[str, str | Secret]) -> dict[str, str]:
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in values.items()}


def _folder() -> Path:
    return userfiles.state() / "lab"


def _path(name: str) -> Path:
    return _folder() / f"{name}.json"


def _save(one: Running) -> None:
    """Whole or not at all, and for nobody else to read."""
    beside = _path(one.name).with_suffix(".new")
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o600)
    beside.write_text(one.dumps(), "utf-8")
    beside.replace(_path(one.name))


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One command at a time starts or stops the server of a name."""
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(_folder() / f".{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
