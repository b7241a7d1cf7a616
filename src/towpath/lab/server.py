"""One server of a lab: what it is, how it is reached, and its process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towpath import url
from towpath.errors import Refused
from towpath.lab import jobs
from towpath.lab.ports import HOST
from towpath.lab.processes import Process, wait_gone
from towpath.lab.recipe import Access, Kind, NotReady, Place, Recipe
from towpath.lab.supervisor import Order
from towpath.secrets.secret import Secret

_LOOK_SECS = 0.05
LOG = "log"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server is. `how`: the way by which its programs came."""

    name: str
    program: str
    kind: Kind | None
    version: str
    how: str


class Server:
    """One server of a lab. `address` is ready for `tow`, with the password; `options` (of the adapter) and `environment` hold
    what does not fit into it. `kind` is None for a server that is not the lab's."""

    def __init__(self, facts: Facts, access: Access, host: str, port: int, user: str, password: Secret | None) -> None:
        self.name, self.program, self.kind = facts.name, facts.program, facts.kind
        self.version, self.how = facts.version, facts.how
        self.address: str = access.address
        self.options: Mapping[str, str | Secret] = access.options
        self.environment: Mapping[str, str | Secret] = access.environment
        self.host, self.port, self.user, self.password = host, port, user, password

    @property
    def shown(self) -> str:
        """The address without its secrets."""
        return url.shown(self.address)

    @property
    def pid(self) -> int | None:
        return None

    def stop(self) -> None:
        """Ends the server as its own way is, and kills what does not end in time; its data stays."""
        raise self._not_ours("stop")

    def kill(self) -> None:
        """Kills the server's processes (SIGKILL), as a crash would; its data stays."""
        raise self._not_ours("kill")

    def start(self) -> None:
        """Starts the server again, on the same data and port, and returns when it answers."""
        raise self._not_ours("start")

    def _not_ours(self, what: str) -> Refused:
        return Refused(f"the lab does not {what} {self.name}: {self.how}", where=self.shown, code="server-foreign")

    def __repr__(self) -> str:
        return f"<{self.program or self.name} {self.version} ({self.kind or 'not the lab’s'}) {self.shown}>"


class OwnServer(Server):
    """A server that the lab started. `held`: it ends with this process."""

    def __init__(self, facts: Facts, recipe: Recipe, place: Place, *, held: bool) -> None:
        super().__init__(facts, recipe.access(place), HOST, place.port, place.user, place.password)
        self.recipe, self.place, self.held = recipe, place, held
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
        self._launch()
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self._above is None:
            return
        self._above.terminate()
        if self._above.stdin is not None:
            self._above.stdin.close()
        try:
            self._above.wait(self.recipe.stop_secs + 10)
        except subprocess.TimeoutExpired:
            self._above.kill()  # and the kernel kills the server
            self._above.wait()
        if self.process is not None and not wait_gone([self.process], 5):
            self.process.kill()
        self._above = self.supervisor = self.process = None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
        self.stop()

    def _launch(self) -> None:
        place, recipe = self.place, self.recipe
        log = place.folder.parent / LOG
        order = Order(
            command=list(recipe.command(place)),
            environment={**jobs.bare_environment(place.folder), **recipe.environment(place)},
            folder=str(place.folder),
            log=str(log),
            owner=place.owner,
            stop_signal=int(recipe.stop_signal),
            stop_secs=recipe.stop_secs,
            litter=[str(path) for path in recipe.litter(place)],
            held=self.held,
        )
        # -P: no module of the folder where we happen to be is taken for ours.
        command = [sys.executable, "-P", "-m", "towpath.lab.supervisor"]
        with open(log, "ab") as file:
            self._above = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, start_new_session=True
            )
        self.supervisor = Process.of(self._above.pid)
        self.process = self._ordered(self._above, order)

    def _ordered(self, above: subprocess.Popen[bytes], order: Order) -> Process | None:
        """Gives the supervisor its order and returns the server's process; None when there is none already."""
        assert above.stdin is not None
        assert above.stdout is not None
        try:
            above.stdin.write(order.dumps().encode() + b"\n")
            above.stdin.flush()
        except BrokenPipeError:
            raise self._failed("its supervisor ended") from None
        with above.stdout:
            said = above.stdout.readline()
        if not said:
            raise self._failed("could not be started")
        told: dict[str, Any] = json.loads(said)
        return Process.of(told["pid"])

    def _wait(self) -> None:
        """Returns when the server does its work. Raises Refused when it ended, or takes longer than it may."""
        until = time.monotonic() + self.recipe.start_secs
        why = ""
        while True:
            if self.process is None or not self.process.alive():
                raise self._failed("ended while it started")
            try:
                self.version = self.recipe.answers(HOST, self.port) or self.version
                if not self._furnished:
                    self.recipe.furnish(self.place)
                    self._furnished = True
                return
            except (NotReady, OSError) as error:
                why = str(error)
            if time.monotonic() > until:
                raise self._failed(f"does not answer after {self.recipe.start_secs:.0f} s ({why})")
            time.sleep(_LOOK_SECS)

    def _failed(self, what: str) -> Refused:
        try:
            said = (self.place.folder.parent / LOG).read_text("utf-8", "replace")
        except OSError:
            said = ""
        return Refused(
            f"{self.program} {what}: {jobs.last_lines(said)}",
            where=self.name,
            todo=f"tow lab list {self.name} shows other ways to have one",
            code="server-failed",
        )
