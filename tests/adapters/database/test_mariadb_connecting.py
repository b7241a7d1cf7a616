"""MariaDB says no, is not there, or dies: what is told, what is never told, and what stands afterwards."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pyarrow as pa
import pytest

from tests.adapters.database.mariadbkit import Shop, shop
from towpath import assemble, write
from towpath.adapters.database.mariadb import MariaDB
from towpath.conformance.destination import SCHEMA, state
from towpath.errors import Refused, TowError, Transient, UserError
from towpath.job import InputSpec, OutputSpec
from towpath.lab import Lab, Server
from towpath.nouns import Mode, Want
from towpath.secrets import Secret
from towpath.stream import Batch, Counted

__all__ = ["shop"]


def login(server: Server, **other: object) -> MariaDB:
    given = {"path": "lab", "user": server.user, "password": server.password, "host": server.host, "port": server.port}
    return MariaDB(**{**given, **other})  # type: ignore[arg-type]


def refusal(database: MariaDB) -> TowError:
    with pytest.raises(TowError) as told, database.read():
        pass
    return told.value


def test_a_wrong_password_is_told_and_not_shown(mariadb_server: Server) -> None:
    told = refusal(login(mariadb_server, password=Secret("not the password", "the password")))
    assert isinstance(told, Refused)
    assert told.code == "permission-denied"
    assert "not the password" not in str(told)
    assert "password" in told.todo


def test_a_database_that_is_not_there_is_told(mariadb_server: Server) -> None:
    told = refusal(login(mariadb_server, path="nothing_here"))
    assert (type(told), told.code) == (Refused, "table-missing")
    assert "nothing_here" in str(told)


def test_an_address_without_a_database_is_told_to_have_one(mariadb_server: Server) -> None:
    source = assemble.source(InputSpec(f"{mariadb_server.address.rpartition('/')[0]}#t"))
    with pytest.raises(UserError, match="names no database"):
        source.describe(Want())


def test_a_table_that_is_not_there_is_told_beside_those_that_are(shop: Shop) -> None:
    shop.run("create table orders (id int)", "create table _towpath_state (id int)")
    with pytest.raises(Refused, match=r"did you mean 'orders'(.|\n)*its tables: orders$"):
        shop.read("order")


def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        told = refusal(MariaDB("shop", "u", None, "127.0.0.1", free.getsockname()[1]))
    assert isinstance(told, Transient)
    assert "127.0.0.1:" in told.where
    assert "runs" in told.todo
    assert isinstance(refusal(MariaDB("shop", host="host.invalid")), Transient)


def test_another_server_than_mariadb_is_refused() -> None:
    """One that greets as MySQL 8 does and then takes any login."""
    greeting = b"\x0a8.0.36\0" + b"\x01\0\0\0" + b"saltsalt\0" + b"\xff\xf7\x2d\x02\0\xff\xc1\x15" + b"\0" * 10
    greeting += b"saltsaltsalt\0" + b"mysql_native_password\0"
    ok = b"\0\0\0\x02\0\0\0"
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def serve() -> None:
            for _ in range(2):
                client, _ = server.accept()
                with client:
                    client.sendall(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
                    client.recv(4096)
                    number = 2
                    while True:
                        client.sendall(len(ok).to_bytes(3, "little") + bytes([number]) + ok)
                        number = 1
                        if not client.recv(4096):
                            return

        threading.Thread(target=serve, daemon=True).start()
        told = refusal(MariaDB("shop", "u", None, "127.0.0.1", server.getsockname()[1]))
    assert isinstance(told, Refused)
    assert "8.0.36" in str(told)


def test_a_user_without_the_right_is_told(shop: Shop) -> None:
    shop.run("create table t (id bigint)", f"create or replace user reader@'127.0.0.1' identified by 'r{shop.name}'")
    shop.run(f"grant select on {shop.name}.* to reader@'127.0.0.1'")
    address = shop.address("t").replace(f"lab:{password(shop)}@", f"reader:r{shop.name}@")
    with assemble.source(InputSpec(address)).open(None, Want()) as reading:
        assert reading.given == 0
    destination = assemble.destination(OutputSpec(address))
    with (
        pytest.raises(Refused, match="denied") as told,
        destination.begin(destination.offer(SCHEMA.remove(1), Mode.APPEND, ()), "load1") as load,
    ):
        load.write(Batch(pa.record_batch({"id": pa.array([1])}), Counted("rows")))
        load.publish(None, None)
    assert f"r{shop.name}" not in str(told.value)
    shop.run("drop user reader@'127.0.0.1'")


def password(shop: Shop) -> str:
    assert shop.server.password is not None
    return shop.server.password.reveal()


def test_a_server_that_takes_no_files_gets_inserts_and_the_plan_says_so(shop: Shop) -> None:
    (before,) = shop.run("select @@global.local_infile")[0]
    try:
        shop.run("set global local_infile = 0")
        shop.load(pa.record_batch({"id": pa.array([1, 2])}))
        assert "by insert" in assemble.destination(OutputSpec(shop.address("t"))).offer(SCHEMA, Mode.APPEND, ()).why
    finally:
        shop.run(f"set global local_infile = {before}")
    assert (
        "by load data local" in assemble.destination(OutputSpec(shop.address("t"))).offer(SCHEMA, Mode.APPEND, ()).why
    )
    assert shop.run("select count(*) from t") == [(2,)]


def test_a_server_gets_no_file_that_was_not_offered(shop: Shop) -> None:
    shop.run("create table t (line text)")
    with shop.database().write() as session, pytest.raises(TowError, match="none was offered"):
        session.execute("load data local infile '/etc/hostname' into table t")
    assert shop.run("select count(*) from t") == [(0,)]


def test_what_another_holds_is_waited_for_so_long(shop: Shop) -> None:
    shop.run("create table t (id bigint primary key)", "insert into t values (1)")
    other = shop.database().write()
    session = other.__enter__()
    session.execute("update t set id = 2")
    begun = time.monotonic()
    with pytest.raises(Refused) as told:
        shop.load(pa.record_batch({"id": pa.array([1])}), Mode.REPLACE, options="busy_secs=1")
    assert told.value.code == "database-locked"
    assert 0.5 < time.monotonic() - begun < 20
    other.__exit__(None, None, None)
    shop.load(pa.record_batch({"id": pa.array([5])}), Mode.REPLACE)
    assert shop.run("select id from t") == [(5,)]


def test_a_reading_that_stops_half_way_ends_its_query(shop: Shop) -> None:
    shop.run("create table t as select seq as id, repeat('x', 200) as text from seq_1_to_300000")
    with shop.database().read() as session:
        _, batches = session.select("select * from t", 1_000)
        assert next(batches).num_rows == 1_000
        begun = time.monotonic()
        batches.close()  # type: ignore[attr-defined]
        assert session.scalar("select count(*) from t") == 300_000
        assert time.monotonic() - begun < 10


def test_a_database_in_another_schema_is_named_before_the_table(shop: Shop) -> None:
    shop.run("create table t (id bigint)")
    address = shop.address(f"{shop.name}.t").replace(f"/{shop.name}#", "/lab#")
    destination = assemble.destination(OutputSpec(address))
    with destination.begin(destination.offer(SCHEMA.remove(1), Mode.APPEND, ()), "load1") as load:
        load.write(Batch(pa.record_batch({"id": pa.array([1])}), Counted("rows")))
        load.publish(None, state("load1", 1))
    assert {row[0] for row in shop.run("show tables")} == {"t", "_towpath_state"}
    made = assemble.destination(OutputSpec(address.replace(".t", ".made")))
    made.recover("other")
    with made.begin(made.offer(SCHEMA.remove(1), Mode.CREATE, ()), "load2") as load:
        load.write(Batch(pa.record_batch({"id": pa.array([1])}), Counted("rows")))
        load.publish(None, state("load2", 1, step="other"))
    assert shop.run("select count(*) from made") == [(1,)]


@pytest.fixture
def own_server() -> Iterator[Server]:
    with Lab() as lab:
        yield lab.up("mariadb", durable=True)


def test_a_server_that_is_killed_in_the_middle_leaves_the_old_and_the_run_again_brings_the_new(
    own_server: Server,
) -> None:
    shop = Shop(own_server, "lab")
    shop.run("create table t (id bigint, text longtext)", "insert into t values (0, 'old')")
    for mode in (Mode.APPEND, Mode.MERGE, Mode.CREATE):
        table = "made" if mode is Mode.CREATE else "t"
        destination = assemble.destination(OutputSpec(shop.address(table)))
        before = destination.recover(str(mode))
        rows = pa.record_batch({"id": pa.array([1, 2]), "text": pa.array(["x" * 100] * 2)})
        offer = destination.offer(rows.schema, mode, ("id",))
        with pytest.raises(Transient), destination.begin(offer, f"dying{mode}") as load:
            load.waiting.chunk_bytes = 1  # type: ignore[attr-defined]
            load.write(Batch(rows, Counted("rows")))
            own_server.kill()
            load.publish(before, state(f"dying{mode}", 2, step=str(mode)))
        own_server.start()
        assert shop.run("select id from t") == [(0,)]
        destination = assemble.destination(OutputSpec(shop.address(table)))
        assert destination.recover(str(mode)) is None
        assert not [row for row in shop.run("show tables") if "dying" in row[0]]
    write(pa.table({"id": [1, 2], "text": ["a", "b"]}), shop.address("made"))
    assert shop.run("select id from made order by id") == [(1,), (2,)]


class Cutting:
    """A way to the server that is cut as soon as a statement went through, before its answer comes back."""

    def __init__(self, server: Server, statement: bytes) -> None:
        self._server, self._statement = server, statement
        self.cut = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listening.accept()
            server = socket.create_connection((self._server.host, self._server.port))
            threading.Thread(target=self._pass, args=(server, client, b"never"), daemon=True).start()
            threading.Thread(target=self._pass, args=(client, server, self._statement), daemon=True).start()

    def _pass(self, given: socket.socket, to: socket.socket, statement: bytes) -> None:
        with contextlib.suppress(OSError):
            while data := given.recv(65_536):
                if statement in data.lower():
                    self.cut = True
                    given.shutdown(socket.SHUT_RDWR)  # the answer finds nobody
                    to.sendall(data)
                    time.sleep(1)
                    break
                to.sendall(data)
        for one in (given, to):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # the other thread waits in it
            one.close()


@pytest.mark.parametrize(("mode", "statement"), [(Mode.APPEND, b"\x03commit"), (Mode.CREATE, b"\x03rename table")])
def test_a_connection_that_is_lost_after_the_last_word_was_sent_is_made_again_to_ask_what_became_of_it(
    shop: Shop, mode: Mode, statement: bytes
) -> None:
    table = "t" if mode is Mode.APPEND else "made"
    shop.run("create table t (id bigint)")
    assemble.destination(OutputSpec(shop.address("t"))).put_state("first", None, state("load0", 0, step="first"))  # type: ignore[attr-defined]
    way = Cutting(shop.server, statement)
    address = shop.address(table).replace(f":{shop.server.port}/", f":{way.port}/")
    rows = pa.record_batch({"id": pa.array([1, 2])})
    destination = assemble.destination(OutputSpec(address))
    offer = destination.offer(rows.schema, mode, ())
    with destination.begin(offer, "load1") as load:
        load.write(Batch(rows, Counted("rows")))
        load.publish(None, state("load1", 2))
    assert way.cut, "the connection was never cut"
    again = assemble.destination(OutputSpec(shop.address(table)))
    assert again.recover("shop/orders") == state("load1", 2)
    assert shop.run(f"select id from {table} order by id") == [(1,), (2,)]
    assert not [row for row in shop.run("show tables") if "load1" in row[0]]
