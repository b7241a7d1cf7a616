"""The proxy before real servers: what it records, and what its faults do to both ends."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pymysql
import pytest

from towpath.lab import Server
from towpath.lab.faults.framing import HTTPFraming, KafkaFraming, MySQLFraming, PostgreSQLFraming, Way
from towpath.lab.faults.network import Answer, Call, Cut, LoseAnswer, Message, Slow, Stall
from towpath.lab.faults.network import http as answered
from towpath.lab.faults.proxy import Proxy


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append(body)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.taken = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def web(echo: ThreadingHTTPServer) -> Iterator[Proxy]:
    with Proxy("127.0.0.1", echo.server_port, HTTPFraming) as proxy:
        yield proxy


def _put(proxy: Proxy, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(proxy.host, proxy.port, timeout=5)
    try:
        connection.request("PUT", "/thing", body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _kinds(proxy: Proxy, way: Way) -> list[str]:
    return [message.kind for message in proxy.messages if message.way is way]


def _is_commit(message: Message) -> bool:
    return message.way is Way.CLIENT and message.text.lower() == "commit"


def test_a_request_with_its_body_is_one_message_and_passes_whole(web: Proxy, echo: ThreadingHTTPServer) -> None:
    body = bytes(range(256)) * 10_000
    assert _put(web, body) == (200, body)
    assert [(one.way, one.number, one.kind, one.text) for one in web.messages] == [
        (Way.CLIENT, 1, "PUT", "/thing"),
        (Way.SERVER, 1, "200", ""),
    ]
    assert web.messages[0].length > len(body)


def test_a_body_that_waits_for_leave_is_a_message_of_its_own(web: Proxy) -> None:
    with socket.create_connection((web.host, web.port), timeout=5) as client:
        client.sendall(b"PUT /thing HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100")
        client.sendall(b"hello")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
    assert _kinds(web, Way.CLIENT) == ["PUT", "body"]
    assert _kinds(web, Way.SERVER) == ["100", "200"]


def test_what_is_cut_before_it_passed_never_reaches_the_server(web: Proxy, echo: ThreadingHTTPServer) -> None:
    web.at(Way.CLIENT, 1, Cut())
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        _put(web, b"one")
    assert _put(web, b"two") == (200, b"two"), "a fault strikes once"
    assert echo.taken == [b"two"]  # type: ignore[attr-defined]


def test_an_answer_that_is_lost_was_given(web: Proxy, echo: ThreadingHTTPServer) -> None:
    web.fault(lambda message: message.kind == "PUT", LoseAnswer(secs=5))
    begun = time.monotonic()
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        _put(web, b"one")
    assert echo.taken == [b"one"]  # type: ignore[attr-defined]
    assert time.monotonic() - begun < 4, "it does not wait longer than for the answer"


def test_an_answer_can_be_cut_within(web: Proxy) -> None:
    web.at(Way.SERVER, 1, Cut(keep=200))
    with pytest.raises(http.client.IncompleteRead):
        _put(web, bytes(10_000))


def test_an_answer_of_our_own_stands_in_for_the_servers(web: Proxy, echo: ThreadingHTTPServer) -> None:
    web.at(Way.CLIENT, 1, answered(503, b"slow down", Retry_After="1"))
    assert _put(web, b"one") == (503, b"slow down")
    assert echo.taken == []  # type: ignore[attr-defined]


def test_a_stalled_connection_can_be_overtaken_by_another(web: Proxy, echo: ThreadingHTTPServer) -> None:
    stall = Stall()
    web.at(Way.CLIENT, 1, stall)
    web.at(Way.SERVER, 1, Call(lambda message: stall.release.set()))
    late = threading.Thread(target=_put, args=(web, b"one"))
    late.start()
    assert stall.begun.wait(5)
    assert _put(web, b"two") == (200, b"two")
    late.join(5)
    assert echo.taken == [b"two", b"one"]  # type: ignore[attr-defined]


def test_a_slow_connection_takes_its_time(web: Proxy) -> None:
    web.at(Way.CLIENT, 1, Slow(100_000))
    begun = time.monotonic()
    assert _put(web, bytes(30_000))[0] == 200
    assert time.monotonic() - begun > 0.25


def test_who_is_down_refuses_and_can_be_up_again(web: Proxy) -> None:
    assert _put(web, b"one")[0] == 200
    port = web.port
    web.down()
    with pytest.raises(ConnectionRefusedError):
        _put(web, b"two")
    web.up()
    assert web.port == port
    assert _put(web, b"three") == (200, b"three")


def test_clearing_begins_the_count_anew_and_forgets_faults(web: Proxy) -> None:
    web.at(Way.CLIENT, 2, Answer(b""))
    assert _put(web, b"one")[0] == 200
    web.clear()
    assert _put(web, b"one")[0] == _put(web, b"two")[0] == 200
    assert [one.number for one in web.messages if one.way is Way.CLIENT] == [1, 2]


def test_messages_of_postgresql_are_known_by_name(postgresql_server: Server) -> None:
    server = postgresql_server
    with Proxy(server.host, server.port, PostgreSQLFraming) as proxy:
        with psycopg.connect(proxy.through(server.address), sslmode="prefer") as connection:
            connection.execute("create temp table t (a int)")
            with connection.cursor().copy("copy t from stdin") as copy:
                copy.write(b"1\n2\n")
            assert connection.execute("select a from t").fetchall() == [(1,), (2,)]
        kinds = _kinds(proxy, Way.CLIENT)
    assert kinds[0] == "SSLRequest"
    assert {"Startup", "Password", "Query", "CopyData", "CopyDone"} <= set(kinds)
    assert any(_is_commit(message) for message in proxy.messages)
    assert {"ReadyForQuery", "CommandComplete", "CopyInResponse", "DataRow"} <= set(_kinds(proxy, Way.SERVER))
    assert server.password is not None
    assert server.password.reveal() not in repr(proxy.messages)


@pytest.mark.parametrize(("fault", "rows"), [(Cut(), 0), (LoseAnswer(secs=5), 1)], ids=["before", "after"])
def test_a_commit_that_is_cut_before_did_not_happen_and_one_whose_answer_is_lost_did(
    postgresql_server: Server, fault: Cut | LoseAnswer, rows: int
) -> None:
    server, table = postgresql_server, "proxied"
    with (
        psycopg.connect(server.address, autocommit=True) as own,
        Proxy(server.host, server.port, PostgreSQLFraming) as proxy,
    ):
        own.execute(f"drop table if exists {table}")
        own.execute(f"create table {table} (a int)")
        proxy.fault(_is_commit, fault)
        with pytest.raises(psycopg.OperationalError), psycopg.connect(proxy.through(server.address)) as connection:
            connection.execute(f"insert into {table} values (1)")
        found = own.execute(f"select count(*) from {table}").fetchone()
        own.execute(f"drop table {table}")
    assert found == (rows,)
    assert len(proxy.struck) == 1


@pytest.mark.server("mariadb")
def test_messages_of_mariadb_are_known_by_name(mariadb_server: Server) -> None:
    server = mariadb_server
    assert server.password is not None
    login = {"user": server.user, "password": server.password.reveal()}
    with (
        Proxy(server.host, server.port, MySQLFraming) as proxy,
        pymysql.connect(host=proxy.host, port=proxy.port, **login) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("select 1")
        assert cursor.fetchall() == ((1,),)
    kinds = _kinds(proxy, Way.CLIENT)
    assert kinds[0] == "Login"
    assert "Query" in kinds
    assert any(message.text == "select 1" for message in proxy.messages)
    assert _kinds(proxy, Way.SERVER)[0] == "Greeting"
    assert "OK" in _kinds(proxy, Way.SERVER)


def test_requests_of_kafka_are_known_by_name_and_their_answers_too() -> None:
    framing = KafkaFraming()
    request = (14).to_bytes(4) + (26).to_bytes(2) + (3).to_bytes(2) + (77).to_bytes(4) + b"abcdef"
    answer = (8).to_bytes(4) + (77).to_bytes(4) + b"done"
    assert framing.first(Way.CLIENT, request[:9]) is None
    found = framing.first(Way.CLIENT, request + b"more")
    assert found is not None
    assert (found.length, found.kind) == (18, "EndTxn")
    told = framing.first(Way.SERVER, answer)
    assert told is not None
    assert told.kind == "EndTxn"
