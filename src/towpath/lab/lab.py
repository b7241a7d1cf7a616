"""A lab: servers that are started when they are asked for, and gone when it ends."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from towpath.errors import Refused
from towpath.lab import homes, outside
from towpath.lab.jobs import Failed
from towpath.lab.order import TEMPORARY
from towpath.lab.ports import take
from towpath.lab.recipe import Build, Place, Recipe, Unobtainable
from towpath.lab.recipes import recipes
from towpath.lab.server import Facts, OwnServer, Server
from towpath.secrets.secret import Secret

USER = "lab"
"""The user, the database and the bucket of every server."""


class Lab:
    """Servers in one folder (default: a temporary one). As a context it stops them at its end and removes their data;
    should this process be killed, their supervisors stop them."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder, self._temporary = folder, folder is None
        self._pid = os.getpid()
        self.servers: dict[str, Server] = {}
        self._cleaning: dict[str, ExitStack] = {}

    @property
    def folder(self) -> Path:
        """Where the servers' data lies; a temporary one is made when the first server needs it."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix=TEMPORARY))
            self._folder.chmod(0o711)  # a server that runs as another user lies below it
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stops all servers and removes their data. In a process that was forked from ours it does nothing."""
        if os.getpid() != self._pid:
            return
        for name in list(self.servers):
            self.down(name)
        if self._temporary and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def up(
        self, name: str, *, port: int | None = None, durable: bool = False, choices: Sequence[Recipe] | None = None
    ) -> Server:
        """The server of this name: the running one, that of the environment (`TOWPATH_LAB_NAME`), or the best of
        `choices` (default: the recipes of this name) that can be had here, started. `durable` has it survive a crash of
        the machine, which costs time. Raises UserError for an unknown name; Refused when none can be had, when it fails
        or when the port is taken."""
        if name not in self.servers:
            choices = recipes(name) if choices is None else choices
            given = outside.server(name, choices[0])
            self.servers[name] = given or self._started(name, choices, port, durable)
        return self.servers[name]

    def down(self, name: str) -> None:
        """Stops one server and removes its data."""
        self.servers.pop(name, None)
        if name in self._cleaning:
            self._cleaning.pop(name).close()

    def let_go(self, name: str, record: Path) -> None:
        """One server lives on when this process ends, as long as there is the file `record`; it is no longer this
        lab's."""
        server = self.servers.pop(name)
        assert isinstance(server, OwnServer)
        server.let_go(record)
        self._cleaning.pop(name).pop_all()  # its port's lock too: now it listens there itself

    def _started(self, name: str, choices: Sequence[Recipe], port: int | None, durable: bool) -> OwnServer:
        if port is not None:
            take(1, port).release()  # before much is fetched for nothing
        recipe, build, passed = obtained(name, choices)
        with ExitStack() as cleaning:
            ports = take(recipe.ports, port)
            cleaning.callback(ports.release)
            folder = homes.made(self.folder / name, owner := homes.owner(recipe))
            cleaning.callback(shutil.rmtree, folder, ignore_errors=True)
            password = Secret(secrets.token_hex(12), f"the password of the lab's {name}")
            build = homes.reachable(build, folder, owner)
            place = Place(build, folder, ports.numbers, USER, password, owner, durable)
            facts = Facts(
                name, recipe.program, recipe.kind, build.version, build.how, tuple(passed), recipe.survives_kill
            )
            server = OwnServer(facts, recipe, place)
            try:
                recipe.prepare(place)
            except Failed as error:
                raise Refused(
                    f"{recipe.program} cannot be set up: {error}", where=name, code="server-failed"
                ) from error
            cleaning.callback(server.stop)
            server.start()
            self._cleaning[name] = cleaning.pop_all()
        return server


def obtained(name: str, choices: Sequence[Recipe]) -> tuple[Recipe, Build, list[str]]:
    """The first program that can be had, and why those before it could not. Raises Refused when none can."""
    passed: list[str] = []
    for recipe in choices:
        for way in recipe.ways:
            try:
                return recipe, way.here() or way.fetch(), passed
            except Unobtainable as error:
                passed.append(f"{recipe.program}, {way.title}: {error}")
    raise Refused(
        f"{name} cannot be had here: {'; '.join(passed)}",
        todo=f"tow lab list {name} says what each way needs; {outside.variable(name)} names a server that runs already",
        code="server-unobtainable",
    )
