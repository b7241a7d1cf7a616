"""Servers in trouble while a load is published: locks, deadlocks, rights, limits, full disks, two runs at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from tests.attacks.kills.kit import again, attacked, undisturbed, watching
from tests.attacks.kills.sqlkit import Siege
from tests.attacks.kills.warm import Run
from tests.attacks.share import Attack
from towpath.lab.faults import disk
from towpath.lab.faults.framing import Way
from towpath.lab.faults.network import Call, Message
from towpath.lab.server import OwnServer

_MODES = ("create", "append", "replace", "merge")
_SERVERS = [
    pytest.param("postgresql", id="postgresql"),
    pytest.param("mariadb", id="mariadb", marks=pytest.mark.server("mariadb")),
]


def _begins(message: Message) -> bool:
    return message.text in ("start transaction", "begin transaction isolation level read committed")


def _states(message: Message) -> bool:
    return message.way is Way.CLIENT and "_towpath_state" in message.text and "update" in message.text.lower()


def _refused(siege: Siege, code: str, cut: Callable[[Run], object], ended: Callable[[Run], object]) -> None:
    """A run in trouble stops with this code, and the same again, once the trouble is `ended`, loads."""
    known = undisturbed(siege.tow, siege.scene())
    done = attacked(siege.tow, siege.scene(), known, cut, codes=(1,), ended=ended)
    assert f"[{code}]" in _said(done.run), _said(done.run)


def _said(run: Run) -> str:
    return run.out + run.err


def _gave_way(run: Run) -> bool:
    """Whether it said that another one came first."""
    return "[conflict]" in _said(run) or "[database-locked]" in _said(run)


@pytest.mark.one_of_many
@pytest.mark.parametrize("mode", _MODES)
@pytest.mark.parametrize("name", _SERVERS)
def test_of_two_runs_at_once_one_loads_and_the_other_is_told(
    besieged: Callable[..., Siege], name: str, mode: str, attack: Attack
) -> None:
    """On one machine with one state folder, and from two."""
    siege = besieged(name, mode)
    known = undisturbed(siege.tow, siege.scene())
    for number in range(attack.times(20, least=4)):
        scene = siege.scene()
        Path(scene.env["TMPDIR"]).mkdir(parents=True)
        scene.begin(siege.tow)
        elsewhere = {"TOWPATH_STATE": str(scene.folder / "home" / "other")} if number % 2 else {}
        runs = [siege.tow.start(scene.words, scene.folder, scene.env | other, held=True) for other in ({}, elsewhere)]
        seen: set[Any] = set()
        with watching(scene, seen, 0.0005):
            for run in runs:
                run.go()
            assert all(run.wait() for run in runs)
        told = "\n".join(f"{run.code}: {_said(run)}" for run in runs)
        assert {run.code for run in runs} <= {0, 1}, told
        assert any(run.code == 0 for run in runs), told
        assert all(run.code == 0 or _gave_way(run) for run in runs), told
        assert seen <= {known.old, known.new}, f"readers saw {seen - {known.old, known.new}}: {told}"
        again(siege.tow, scene, known, scene.see(), told)
        scene.end()


@pytest.mark.parametrize("mode", ["append", "replace", "merge"])
@pytest.mark.parametrize("name", _SERVERS)
def test_a_table_that_another_session_has_locked_is_told_as_locked(
    besieged: Callable[..., Siege], name: str, mode: str
) -> None:
    siege = besieged(name, mode)
    siege.ground.options = "&busy_secs=0.3" if name == "postgresql" else "&busy_secs=1"
    locking = _Other(siege)

    def cut(run: Run) -> None:
        siege.proxy.fault(_begins, Call(lambda message: locking.locks()))
        run.go()
        run.wait()

    _refused(siege, "database-locked", cut, lambda run: locking.ends())


@pytest.mark.parametrize("mode", ["append", "merge"])
@pytest.mark.parametrize("name", _SERVERS)
def test_a_right_that_is_revoked_on_the_way_is_told_as_missing(
    besieged: Callable[..., Siege], name: str, mode: str
) -> None:
    siege = besieged(name, mode)
    ground = siege.ground
    ground.limited()
    whom = ground.user if name == "postgresql" else f"{ground.user}@'127.0.0.1'"
    what = f"{ground.name}.orders" if name == "postgresql" else f"{ground.name}.*"

    def cut(run: Run) -> None:
        siege.proxy.fault(_begins, Call(lambda message: ground.run(f"revoke insert, update on {what} from {whom}")))
        run.go()
        run.wait()

    _refused(siege, "permission-denied", cut, lambda run: ground.grant())


@pytest.mark.parametrize("mode", _MODES)
@pytest.mark.parametrize("name", _SERVERS)
def test_a_server_that_is_read_only_is_told_as_that(besieged: Callable[..., Siege], name: str, mode: str) -> None:
    siege = besieged(name, mode)
    ground = siege.ground
    ground.limited()

    def read_only(only: bool) -> None:
        if name == "postgresql":
            ground.run(f"alter role {ground.user} set default_transaction_read_only = {'on' if only else 'off'}")
        else:
            ground.run(f"set global read_only = {int(only)}")

    def cut(run: Run) -> None:
        read_only(True)
        run.go()
        run.wait()

    try:
        _refused(siege, "permission-denied", cut, lambda run: read_only(False))
    finally:
        read_only(False)


@pytest.mark.parametrize("name", _SERVERS)
def test_a_server_that_takes_no_more_connections_says_so(besieged: Callable[..., Siege], name: str) -> None:
    siege = besieged(name, "append")
    ground = siege.ground
    ground.limited()

    def limit(number: int) -> None:
        if name == "postgresql":
            ground.run(f"alter role {ground.user} connection limit {number or -1}")
        else:
            ground.run(f"alter user {ground.user}@'127.0.0.1' with max_user_connections {number}")

    held = []

    def cut(run: Run) -> None:
        limit(1)
        held.append(_connected(siege))
        run.go()
        run.wait()
        held.pop().close()

    known = undisturbed(siege.tow, siege.scene())
    done = attacked(siege.tow, siege.scene(), known, cut, codes=(1,), ended=lambda run: limit(0))
    assert "[transient]" in _said(done.run), _said(done.run)
    assert "connections" in _said(done.run)


@pytest.mark.parametrize("name", _SERVERS)
def test_a_deadlock_ends_with_one_of_both_and_nothing_in_between(
    besieged: Callable[..., Siege], name: str, attack: Attack
) -> None:
    siege = besieged(name, "append")
    known = undisturbed(siege.tow, siege.scene())
    for _ in range(attack.times(10, least=2)):
        other = _Other(siege)

        def cut(run: Run, other: _Other = other) -> None:
            siege.proxy.fault(_begins, Call(lambda message: other.holds_states()))
            siege.proxy.fault(_states, Call(lambda message: other.wants_rows()))
            run.go()
            run.wait()

        done = attacked(siege.tow, siege.scene(), known, cut, codes=(0, 1), ended=lambda run, other=other: other.ends())
        assert len(siege.proxy.struck) == 2
        assert done.run.code == 0 or _gave_way(done.run), _said(done.run)


def test_a_statement_that_takes_longer_than_it_may_is_told_as_that(besieged: Callable[..., Siege]) -> None:
    siege = besieged("postgresql", "append")
    siege.ground.settings = " -cstatement_timeout=300"
    locking = _Other(siege)

    def cut(run: Run) -> None:
        siege.proxy.fault(_begins, Call(lambda message: locking.locks()))
        run.go()
        run.wait()

    _refused(siege, "system-refused", cut, lambda run: locking.ends())


@pytest.mark.skipif(disk.missing() is not None, reason=str(disk.missing()))
@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *(pytest.param("postgresql", mode, id=f"postgresql-{mode}") for mode in ("append", "replace", "merge")),
        # What replaces a table there is another table, on another disk.
        *(
            pytest.param("mariadb", mode, id=f"mariadb-{mode}", marks=pytest.mark.server("mariadb"))
            for mode in ("append", "merge")
        ),
    ],
)
def test_a_disk_that_is_full_at_the_server_is_told_as_full(
    besieged: Callable[..., Siege], name: str, mode: str, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue(f"{name}_server")
    assert isinstance(server, OwnServer)
    siege = besieged(name, mode, 20_000 if name == "mariadb" else 2_000)
    folder = server.place.folder / f"small-{siege.ground.name}"
    folder.mkdir()
    with disk.small(folder, 64 << 20) as small:
        inside = folder / "space"
        inside.mkdir()
        _own(inside, server)
        moved = _tablespace if name == "postgresql" else _data_directory

        def cut(run: Run) -> None:
            moved(siege, inside)
            small.fill(leaving=0)
            run.go()
            run.wait()

        try:
            _refused(siege, "disk-full", cut, lambda run: small.empty())
        finally:
            small.empty()
            siege.ground.drop()
            if name == "postgresql":
                siege.ground.run(f"drop tablespace if exists {siege.ground.name}_space")


def _tablespace(siege: Siege, folder: Path) -> None:
    """Moves the table of orders into a folder, as PostgreSQL does it."""
    space = f"{siege.ground.name}_space"
    siege.ground.run(f"create tablespace {space} location '{folder}'", f"alter table orders set tablespace {space}")


def _data_directory(siege: Siege, folder: Path) -> None:
    """Moves the table of orders into a folder, as MariaDB does it."""
    run, orders = siege.ground.run, f"{siege.ground.name}.orders"
    ((_, made),) = run(f"show create table {orders}")
    run(
        made.replace("`orders`", f"{orders}_moved") + f" data directory='{folder}'",
        f"insert into {orders}_moved select * from {orders}",
        f"rename table {orders} to {orders}_left, {orders}_moved to {orders}",
        f"drop table {orders}_left",
    )


def _own(folder: Path, server: OwnServer) -> None:
    """Gives the folder to whom the server runs as."""
    stat = os.stat(server.place.folder / "data")
    os.chown(folder, stat.st_uid, stat.st_gid)


def _connected(siege: Siege) -> Any:
    server = siege.ground.server
    assert server.password is not None
    login = {"user": siege.ground.user, "password": server.password.reveal(), "host": server.host, "port": server.port}
    if siege.case.library == "postgresql":
        return psycopg.connect(dbname="lab", **login)
    return pymysql.connect(**login)


class _Other:
    """Another session, which holds what the run wants."""

    def __init__(self, siege: Siege) -> None:
        self.siege = siege
        self._connection: Any = None
        self._thread: threading.Thread | None = None

    def _begin(self) -> Any:
        server, name = self.siege.ground.server, self.siege.ground.name
        assert server.password is not None
        login = {"user": server.user, "password": server.password.reveal(), "host": server.host, "port": server.port}
        if self.siege.case.library == "postgresql":
            self._connection = psycopg.connect(dbname="lab", options=f"-csearch_path={name}", **login)
        else:
            self._connection = pymysql.connect(database=name, **login)
        return self._connection.cursor()

    def locks(self) -> None:
        """Keeps writers out, not readers."""
        cursor = self._begin()
        if self.siege.case.library == "postgresql":
            cursor.execute("lock table orders in exclusive mode")
        else:
            cursor.execute("lock tables orders read")

    def holds_states(self) -> None:
        self._begin().execute("select * from _towpath_state for update")

    def wants_rows(self) -> None:
        self._thread = threading.Thread(target=self._want)
        self._thread.start()
        self._thread.join(0.3)  # it waits by then, or goes on before the run does

    def _want(self) -> None:
        postgresql = self.siege.case.library == "postgresql"
        try:
            self._connection.cursor().execute(
                "lock table orders in access exclusive mode" if postgresql else "select * from orders for update"
            )
        except (psycopg.Error, pymysql.Error):
            pass
        finally:
            self._connection.rollback()

    def ends(self) -> None:
        if self._thread is not None:
            self._thread.join()
        self._connection.close()
