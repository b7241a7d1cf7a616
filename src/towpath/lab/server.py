"""One server of a lab: what it is, how it is reached, and its processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from towpath import url
from towpath.errors import Refused
from towpath.lab import jobs
from towpath.lab.order import LET_GO, Order
from towpath.lab.ports import HOST
from towpath.lab.processes import Process, wait_gone
from towpath.lab.recipe import Access, Kind, NotReady, Place, Recipe
from towpath.secrets.secret import Secret

_LOOK_SECS = 0.05
_SUPERVISOR_SECS = 10.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server is. `how`: the way by which its programs came; `passed`: the better ways that failed, and why.
    `kind` is None for a server that is not the lab's. `survives_kill`: what was committed is there after a crash."""

    name: str
    program: str
    kind: Kind | None
    version: str
    how: str
    passed: tuple[str, ...] = ()
    survives_kill: bool = True


class Server:
    """One server. `address` is ready for `tow`, with the password in it; `options` (of the adapter) and `environment`
    hold what does not fit into it. `example` is the address of a table, object or topic in it (empty: not known)."""

    def __init__(self, facts: Facts, access: Access, host: str, port: int, user: str, password: Secret | None) -> None:
        self.name, self.program, self.kind = facts.name, facts.program, facts.kind
        self.version, self.how, self.passed = facts.version, facts.how, facts.passed
        self.survives_kill = facts.survives_kill
        self.address, self.example = access.address, access.example
        self.options: Mapping[str, str | Secret] = access.options
        self.environment: Mapping[str, str | Secret] = access.environment
        self.host, self.port, self.user, self.password = host, port, user, password

    @property
    def shown(self) -> str:
        """The address without its secrets."""
        return url.shown(self.address)

    @property
    def told(self) -> str:
        """What it is, in a few words: `PostgreSQL 15.18 (real)`."""
        return f"{' '.join(filter(None, (self.program, self.version)))} ({self.kind or self.how})"

    @property
    def pid(self) -> int | None:
        """Its first process; None while it does not run, and when it is not the lab's."""
        return None

    def stop(self) -> None:
        """Ends the server as its own way is, and kills what does not end in time; its data stays."""
        raise self._foreign("stop")

    def kill(self) -> None:
        """Kills the server's processes (SIGKILL), as a crash would; its data stays."""
        raise self._foreign("kill")

    def start(self) -> None:
        """Starts the server again, on the same data and port, and returns when it answers."""
        raise self._foreign("start")

    def _foreign(self, what: str) -> Refused:
        return Refused(
            f"the lab does not {what} {self.name}, which it did not start: {self.how}",
            where=self.shown,
            todo="its owner can",
            code="refused",
        )

    def __repr__(self) -> str:
        return f"<{self.told} {self.shown}>"


class OwnServer(Server):
    """A server that the lab started: it ends with this process, unless it is let go."""

    def __init__(self, facts: Facts, recipe: Recipe, place: Place) -> None:
        super().__init__(facts, recipe.access(place), HOST, place.port, place.user, place.password)
        self.recipe, self.place = recipe, place
        self.supervisor: Process | None = None
        self.process: Process | None = None
        self._above: subprocess.Popen[bytes] | None = None
        self._furnished = False

    @property
    def pid(self) -> int | None:
        return None if self.process is None else self.process.pid

    def start(self) -> None:
        if self.process is not None and self.process.alive():
            return
        self.stop()  # a supervisor whose server died by itself
        try:
            self._launch()
            self._wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self._above is None:
            return
        self._above.terminate()
        try:
            self._above.wait(self.recipe.stop_secs + _SUPERVISOR_SECS)
        except subprocess.TimeoutExpired:
            self._above.kill()  # and the kernel kills the server
            self._above.wait()
        if self.process is not None and not wait_gone([self.process], 5):
            self.process.kill()
        self._close()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
        self.stop()

    def let_go(self, record: Path) -> None:
        """From now on it lives on when this process ends, until its supervisor is told to stop it, or `record` is no
        longer there: with that nobody would know of it."""
        assert self._above is not None
        assert self._above.stdin is not None
        self._above.stdin.write(LET_GO + os.fsencode(record.absolute()))
        self._above.stdin.close()
        self._above.returncode = 0  # nobody here waits for it any more
        self._above = None

    def _close(self) -> None:
        if self._above is not None and self._above.stdin is not None:
            with suppress(BrokenPipeError):
                self._above.stdin.close()
        self._above = self.supervisor = self.process = None

    def _launch(self) -> None:
        # -P: no module of the folder where we happen to be is taken for ours.
        command = [sys.executable, "-P", "-m", "towpath.lab.supervisor"]
        with open(self.place.log, "ab") as log:
            self._above = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        self.supervisor = Process.of(self._above.pid)
        assert self._above.stdin is not None
        assert self._above.stdout is not None
        with suppress(BrokenPipeError):
            self._above.stdin.write(self._order().dumps())
            self._above.stdin.flush()
        with self._above.stdout as answer:
            said = answer.readline()
        if not said:
            raise self._failed("could not be started")
        self.process = Process.of(int(said))

    def _order(self) -> Order:
        place, recipe = self.place, self.recipe
        return Order(
            command=list(recipe.command(place)),
            environment={**jobs.bare_environment(place.folder), **recipe.environment(place)},
            folder=str(place.folder),
            log=str(place.log),
            owner=place.owner,
            stop_signal=int(recipe.stop_signal),
            stop_secs=recipe.stop_secs,
            litter=list(recipe.litter(place)),
            root=str(place.root),
        )

    def _wait(self) -> None:
        """Returns when the server does its work. Raises Refused when it ended, or takes longer than it may."""
        until = time.monotonic() + self.recipe.start_secs
        while True:
            try:
                self._ask()
            except (NotReady, OSError) as error:
                why = str(error)
            else:
                why = ""
            # Asked after: what answers on the port of a server that ended is another one.
            if self.process is None or not self.process.alive():
                raise self._failed("ended while it started")
            if not why:
                return
            if time.monotonic() > until:
                raise self._failed(f"does not answer after {self.recipe.start_secs:.0f} s ({why})")
            time.sleep(_LOOK_SECS)

    def _ask(self) -> None:
        self.version = self.recipe.answers(HOST, self.port) or self.version
        if not self._furnished:
            self.recipe.furnish(self.place)
            self._furnished = True

    def _failed(self, what: str) -> Refused:
        try:
            said = self.place.log.read_text("utf-8", "replace")
        except OSError:
            said = ""
        return Refused(
            f"{self.program} {what}: {jobs.last_lines(said)}",
            where=self.name,
            todo=f"tow lab list {self.name} shows other ways to have one",
            code="server-failed",
        )
