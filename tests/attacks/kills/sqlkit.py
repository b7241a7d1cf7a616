"""Scenes of tables on database servers, reached through a proxy that cuts at any message of the publish window."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol

from tests.attacks.kills.kit import LOCKED, Scene, Undisturbed, attacked, undisturbed
from tests.attacks.kills.kit import Cut as Kill
from tests.attacks.kills.warm import Run, Warm
from tests.attacks.share import Attack
from towpath.lab import Server
from towpath.lab.faults.framing import Way
from towpath.lab.faults.network import Cut, Fault, LoseAnswer, Message
from towpath.lab.faults.proxy import Proxy

_OLD = "id,k,v\n1,a,1.5\n2,b,2.5\n3,c,3.5\n"
_NEW = ("id,k,v\n3,c,33.5\n4,d,4.5\n", "id,k,v\n5,e,5.5\n6,f,6.5\n", "id,k,v\n7,g,7.5\n")
_PATIENCE_SECS = 5.0
"""How long sessions of a run that ended may still be there: the server has to see that they are gone."""


class Ground(Protocol):
    """A schema (or database) of a case's own on a server, as somebody else than Towpath sees it."""

    name: str

    def address(self, at: str, table: str) -> str:
        """The address of a table, through what listens at `at` (host:port)."""
        ...

    def save(self) -> None:
        """Keeps the tables as they are now, for `restore`."""
        ...

    def restore(self) -> None:
        """Makes the tables what they were when they were saved; before that, none is there."""
        ...

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Runs statements in the schema, each of which stands for itself; the rows of the last."""
        ...

    def rows(self, table: str) -> Hashable:
        """What a reader sees, whatever happens to the server: None without the table, LOCKED while it is away."""
        ...

    def sessions(self) -> list[str]:
        """The sessions of runs, each with what it does."""
        ...

    def left(self) -> list[str]:
        """Tables beside `orders`, `source` and the states, and the sessions of runs."""
        ...

    def drop(self) -> None: ...


@dataclass(frozen=True)
class Case:
    """One mode of one library. `large`: rows go to the server as they come, not at the end. `wider`: the new rows have
    a column that the table lacks. `table`: they come from a table of the same server, in the place of files. `more`:
    how many rows there are besides."""

    library: str
    mode: str
    large: bool = False
    wider: bool = False
    table: bool = False
    more: int = 0

    def __str__(self) -> str:
        how = [word for word, said in (("large", self.large), ("wider", self.wider), ("table", self.table)) if said]
        return "-".join([self.library, self.mode, *how])


class TableScene(Scene):
    """A step that has loaded `in/1.csv` into the table `orders`, and is to load the other files; for create, one that
    has loaded nothing."""

    def __init__(self, case: Case, ground: Ground, proxy: Proxy, folder: Path, template: Path) -> None:
        super().__init__(folder)
        if case.large:
            self.env["TOW_ATTACK_CHUNK_BYTES"] = "1"
        self.case, self.ground, self.proxy, self._template = case, ground, proxy, template

    def begin(self, tow: Warm) -> None:
        if not self._template.exists():
            made = self._template.with_suffix(".new")
            self.ground.restore()
            self._prepare(made, tow)
            self.ground.save()
            made.rename(self._template)
        shutil.copytree(self._template, self.folder, copy_function=_copied, dirs_exist_ok=True)
        self.ground.restore()
        self.proxy.clear()

    def see(self) -> Hashable:
        return self.ground.rows("orders")

    def await_gone(self) -> None:
        until = time.monotonic() + _PATIENCE_SECS
        while self.see() is not LOCKED and self.ground.sessions() and time.monotonic() < until:
            time.sleep(0.01)

    def leftovers(self) -> list[str]:
        until = time.monotonic() + _PATIENCE_SECS
        while (left := self.ground.left()) and time.monotonic() < until:
            time.sleep(0.02)
        waiting = Path(self.env["TMPDIR"])
        return left + [str(path) for path in waiting.iterdir()]

    def end(self) -> None:
        shutil.rmtree(self.folder)

    def _prepare(self, folder: Path, tow: Warm) -> None:
        (folder / "in").mkdir(parents=True)
        scene = Scene(folder)
        Path(scene.env["TMPDIR"]).mkdir(parents=True)
        (folder / "tow.yaml").write_text(self._yaml())
        if self.case.table:
            self.ground.run(f"create table {self.ground.name}.source (id bigint, k varchar(9), v double precision)")
        if self.case.mode != "create":
            self._give(folder, 1, _OLD)
            made = tow.run(scene.words, folder, scene.env)
            assert made.code == 0, made.err + made.out
            for path in folder.glob("said-*"):
                path.unlink()
        for number, text in enumerate(_NEW, 2):
            self._give(folder, number, _widened(text) if self.case.wider else text)
        if self.case.more:
            lines = [f"{number},more of them,{number}.5" for number in range(1_000, 1_000 + self.case.more)]
            self._give(folder, 9, "\n".join(["id,k,v", *lines, ""]))

    def _give(self, folder: Path, number: int, text: str) -> None:
        """Puts rows where the step reads them."""
        if not self.case.table:
            (folder / "in" / f"{number}.csv").write_text(text)
            return
        rows = (line.split(",") for line in text.splitlines()[1:])
        above = 10 * (number > 1)  # the cursor rises, as ids do; what is merged is merged by k
        self.ground.run(
            *(f"insert into {self.ground.name}.source values ({int(id) + above}, '{k}', {v})" for id, k, v in rows)
        )

    def _yaml(self) -> str:
        at = f"{self.proxy.host}:{self.proxy.port}"
        source, key = "in/*.csv", "id"
        if self.case.table:
            source, key = f"{{address: '{self.ground.address(at, 'source')}', cursor: id, monotonic: true}}", "k"
        merged = f", key: [{key}]" if self.case.mode == "merge" else ""
        to = self.ground.address(at, "orders")
        return f"pipeline: shop\nsteps:\n  orders: {{from: {source}, to: '{to}', mode: {self.case.mode}{merged}}}\n"


def _copied(source: str, target: str) -> str:
    """Copies a file; one that is read stays the very file, which the state knows by its inode."""
    if "/in/" in source:
        os.link(source, target)
        return target
    return shutil.copy2(source, target)


def _widened(text: str) -> str:
    head, *lines = text.splitlines()
    return "\n".join([f"{head},w", *(f"{line},{number}" for number, line in enumerate(lines, 100)), ""])


@dataclass(frozen=True)
class Strike:
    """What happens at one message: the client dies, or its connection does; before the message passes, or when it has
    been answered and the answer has not come. `behind`: how many messages of the server after it."""

    message: Message
    kills: bool
    after: bool
    behind: int = 0

    def __str__(self) -> str:
        what = "killed" if self.kills else "cut"
        where = f"before answer {self.behind} to" if self.behind else "after" if self.after else "before"
        return f"{what} {where} {self.message}"

    def cut(self, proxy: Proxy) -> Kill:
        def cut(run: Run) -> None:
            def dies(message: Message) -> None:
                run.kill()
                run.wait()

            fault: Fault = LoseAnswer() if self.after else Cut()
            if self.kills:
                fault = LoseAnswer(first=dies) if self.after else Cut(first=dies)
            proxy.fault(self.condition(), fault)
            run.go()
            run.wait()

        return cut

    def condition(self) -> Callable[[Message], bool]:
        met: list[int] = []

        def holds(message: Message) -> bool:
            if message.way is Way.CLIENT and message.number == self.message.number:
                met.append(message.connection)
                return not self.behind
            if self.behind and met[:1] == [message.connection] and message.way is Way.SERVER:
                met.append(message.connection)
                return len(met) == self.behind + 1
            return False

        return holds


_ANSWERED = ("Query", "Sync", "CopyDone", "EndOfData")
"""Messages that a server answers; what it does with the others it does with these."""
_ROWS = ("CopyData", "Data")


def strikes(messages: Sequence[Message], begins: Callable[[Message], bool]) -> list[Strike]:
    """All that can be done at each message from the last that brings rows in a transaction that writes (`begins` tells
    its first message), to the end; behind what commits also at each message of the answer."""
    first = next(index for index, message in enumerate(messages) if begins(message))
    rows = [at for at, one in enumerate(messages) if at > first and one.way is Way.CLIENT and one.kind in _ROWS]
    found = []
    for at in range(rows[-1] if rows else first, len(messages)):
        message = messages[at]
        if message.way is not Way.CLIENT:
            continue
        found.append(Strike(message, kills=True, after=False))
        if message.kind in _ANSWERED:
            found += [Strike(message, False, False), Strike(message, True, True), Strike(message, False, True)]
        if message.text.lower().startswith(("commit", "rename")):
            answers = takewhile(lambda one: one.way is Way.SERVER, messages[at + 1 :])
            found += [Strike(message, False, False, behind) for behind, _ in enumerate(answers, 1)]
    return found


def chosen(
    attack: Attack, name: str, hits: Sequence[Strike], fits: Callable[[Strike], bool] = lambda one: True
) -> list[Strike]:
    """The share of the strikes that fit, with two at least of those from the first commit (or the renaming) on."""
    commits = (one.message for one in hits if one.message.text.lower().startswith(("commit", "rename")))
    first = next(commits).number
    before = [one for one in hits if fits(one) and one.message.number < first]
    after = [one for one in hits if fits(one) and one.message.number >= first]
    return attack.some(f"{name}-before", before) + attack.some(f"{name}-commit", after, least=2)


def server_dies(proxy: Proxy, server: Server, strike: Strike) -> Kill:
    """Kills the server at the message, which may have reached it, and starts it again at once."""

    def cut(run: Run) -> None:
        dying, back = threading.Event(), threading.Event()

        def start() -> None:
            try:
                server.start()
            finally:
                back.set()

        def dies(message: Message) -> None:
            dying.set()
            server.kill()
            threading.Thread(target=start).start()

        proxy.fault(strike.condition(), LoseAnswer(first=dies) if strike.after else Cut(first=dies))
        run.go()
        run.wait()
        assert not dying.is_set() or back.wait(60), "the server does not come back"

    return cut


@dataclass
class Siege:
    """One case under attack: its ground, its proxy, and a fresh scene for each."""

    case: Case
    ground: Ground
    proxy: Proxy
    folder: Path
    tow: Warm
    count: int = 0
    missed: list[str] = field(default_factory=list)
    outcomes: dict[int | None, int] = field(default_factory=dict)

    def scene(self) -> TableScene:
        self.count += 1
        return TableScene(self.case, self.ground, self.proxy, self.folder / str(self.count), self.folder / "template")

    def undisturbed(self) -> tuple[Undisturbed, list[Message]]:
        """One run that nobody cuts, and the messages of its first run."""
        scene = self.scene()
        known = undisturbed(self.tow, scene)
        scene = self.scene()
        Path(scene.env["TMPDIR"]).mkdir(parents=True, exist_ok=True)
        scene.begin(self.tow)
        run = self.tow.run(scene.words, scene.folder, scene.env)
        assert run.code == 0, run.err
        messages = list(self.proxy.messages)
        scene.end()
        return known, messages

    def strike(self, known: Undisturbed, strike: Strike, cut: Kill | None = None) -> None:
        """Strikes (by `cut`, if that is given) a fresh scene, and notes whether the message came at all."""
        try:
            done = attacked(self.tow, self.scene(), known, cut or strike.cut(self.proxy), codes=(0, 1, -9))
        except AssertionError as error:
            error.add_note(f"{self.case}: {strike}")
            raise
        self.outcomes[done.run.code] = self.outcomes.get(done.run.code, 0) + 1
        if not self.proxy.struck:
            self.missed.append(str(strike))


def named() -> str:
    return f"a_{token_hex(5)}"


class Own:
    """A connection that is opened when it is needed, for one thread at a time, and again when it was lost."""

    def do(self, statements: Sequence[str]) -> list[tuple[Any, ...]]:
        """Runs statements, each of which stands for itself; the rows of the last. Once more where the connection was
        lost since."""
        try:
            return self._do(statements)
        except Exception:
            if self._connection is not None:
                raise
        return self._do(statements)

    def _do(self, statements: Sequence[str]) -> list[tuple[Any, ...]]:
        with self.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect, self._connection, self._lock = connect, None, threading.RLock()

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                with self._connection.cursor() as cursor:
                    yield cursor
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
