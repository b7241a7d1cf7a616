"""MariaDB: the real one. (No wheel or npm package brings MySQL or MariaDB.)"""

from __future__ import annotations

import socket
from collections.abc import Sequence

from towpath.lab.jobs import last_lines, run
from towpath.lab.ports import HOST
from towpath.lab.recipe import Access, Kind, NotReady, Place, Recipe, authority
from towpath.lab.ways.debian import Debian
from towpath.lab.ways.installed import Installed
from towpath.secrets.secret import Secret

_INSTALLED = Installed("mariadbd", "/usr/sbin", "/usr/libexec", "/opt/homebrew/opt/mariadb/bin")
_PROTOCOL_10 = 10
_OLD_PREFIX = "5.5.5-"
_INIT = """\
create database if not exists {user} character set utf8mb4;
create or replace user '{user}'@'127.0.0.1' identified by '{password}';
grant all on *.* to '{user}'@'127.0.0.1' with grant option;
"""


class MariaDB(Recipe):
    program = "MariaDB"
    kind = Kind.REAL
    usual_port = 3306
    ways = (_INSTALLED, Debian("mariadb-server", _INSTALLED))
    refuses_root = True

    def prepare(self, place: Place) -> None:
        data = place.folder / "data"
        options = ["--auth-root-authentication-method=normal", "--skip-test-db", f"--tmpdir={place.folder}"]
        run([place.build.program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", *options],
            folder=place.folder, owner=place.owner, words=what_failed)  # fmt: skip
        place.note("init.sql", _INIT.format(user=place.user, password=place.password.reveal()))

    def command(self, place: Place) -> Sequence[str]:
        folder = place.folder
        return [
            str(place.build.home / "mariadbd"),
            "--no-defaults",
            f"--datadir={folder / 'data'}",
            # Of its own: one that starts clears away what others keep in the system's, tables in use too.
            f"--tmpdir={folder}",
            f"--port={place.port}",
            f"--bind-address={HOST}",
            "--socket=socket",  # in its folder; the system takes no long path for one
            f"--pid-file={folder / 'pid'}",
            f"--init-file={folder / 'init.sql'}",
            "--skip-name-resolve",
            "--local-infile=1",
            "--log-bin=binlog",
            "--binlog-format=ROW",
            "--server-id=1",
            # 2: committed rows are the system's at once, so that they survive the server, though not the machine.
            f"--innodb-flush-log-at-trx-commit={1 if place.durable else 2}",
            f"--sync-binlog={1 if place.durable else 0}",
        ]

    def answers(self, host: str, port: int) -> str:
        """The server greets first, with its version."""
        with socket.create_connection((host, port), timeout=5) as connection:
            said = connection.recv(1024)
        if len(said) < 6 or said[4] != _PROTOCOL_10:
            raise NotReady("it does not greet" if len(said) < 6 else "what answers is not MariaDB")
        greeting = said[5:].partition(b"\0")[0].decode("ascii", "replace")
        return greeting.removeprefix(_OLD_PREFIX).partition("-MariaDB")[0]

    def access(self, place: Place) -> Access:
        address = f"mariadb://{authority(place)}/{place.user}"
        environment: dict[str, str | Secret] = {  # as MariaDB's own programs know them
            "MYSQL_HOST": HOST,
            "MYSQL_TCP_PORT": str(place.port),
            "MYSQL_PWD": place.password,
        }
        return Access(address, f"{address}#orders", environment=environment)


def what_failed(said: str) -> str:
    """The errors among what `mariadb-install-db` said, which ends with advice."""
    return last_lines("\n".join(line for line in said.splitlines() if "ERROR" in line) or said)


RECIPES = (MariaDB(),)
