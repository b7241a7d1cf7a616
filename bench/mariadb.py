"""MariaDB, in and out: `towpath.copy`, with every check, beside MariaDB's own client.

    python bench/mariadb.py [--rows 200000] [--rounds 3]

In: a CSV and a Parquet file into a new table, beside `load data local` of the CSV by the client `mariadb`. Out: the
table to Parquet, beside the client's `select` of it to /dev/null, and beside pymysql's own unbuffered cursor. All in
turn; towpath in this process, so that no start-up of Python is in it. Prints the median seconds of each, and of the
ratios round by round. The server is the lab's, on this machine; its data are not synced to the disk.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pymysql

from towpath import copy
from towpath.lab import Lab, Server

COLUMNS = "id bigint, customer bigint, amount double, day date, at datetime(6), status longtext, comment longtext"
IN, OUT = "mariadb: load data local", "mariadb: select to /dev/null"


def data(folder: Path, rows: int) -> dict[str, Path]:
    """Rows as of an order system: integers, doubles, dates, words of few and of many values."""
    import duckdb

    files = {"csv": folder / "orders.csv", "parquet": folder / "orders.parquet"}
    select = (
        "select i as id, i % 10007 as customer, round(random() * 10000, 2) as amount,"
        " date '2020-01-01' + (i % 1500)::int as day, timestamp '2020-01-01 00:00:00' + to_seconds(i) as at,"
        " ['new', 'paid', 'sent', 'returned'][1 + i % 4] as status, 'order number ' || i as comment"
    )
    duckdb.sql(f"copy ({select} from range({rows}) as t(i)) to '{files['parquet']}' (format parquet)")
    duckdb.sql(f"copy (from '{files['parquet']}') to '{files['csv']}' (header)")
    return files


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def filled(server: Server, source: str) -> None:
    client(server, "drop table if exists orders")
    copy(source, f"{server.address}#orders")


def client(server: Server, sql: str) -> None:
    assert server.password is not None
    login = [
        f"-h{server.host}",
        f"-P{server.port}",
        f"-u{server.user}",
        "--local-infile=1",
        "--quick",
        "--batch",
        "lab",
    ]
    environment = {**os.environ, "MYSQL_PWD": server.password.reveal()}
    subprocess.run(["mariadb", *login, "-e", sql], check=True, env=environment, stdout=subprocess.DEVNULL)


def cursor(server: Server) -> None:
    assert server.password is not None
    login = {"host": server.host, "port": server.port, "user": server.user, "password": server.password.reveal()}
    with pymysql.connect(**login, database="lab") as connection, connection.cursor(pymysql.cursors.SSCursor) as rows:
        rows.execute("select * from orders")
        for _ in rows:
            pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Lab() as lab:
        folder, server = Path(name), lab.up("mariadb")
        os.environ["TOWPATH_STATE"] = name
        files = data(folder, chosen.rows)
        client(server, f"create table plain ({COLUMNS})")
        load = (
            f"truncate plain; load data local infile '{files['csv']}' into table plain character set utf8mb4"
            r" fields terminated by ',' lines terminated by '\n' ignore 1 lines"
        )
        to = str(folder / "out.parquet")
        works: dict[str, tuple[str, Callable[[], object]]] = {
            IN: ("", partial(client, server, load)),
            "tow csv -> table": (IN, partial(filled, server, str(files["csv"]))),
            "tow parquet -> table": (IN, partial(filled, server, str(files["parquet"]))),
            OUT: ("", partial(client, server, "select * from orders")),
            "tow table -> parquet": (OUT, partial(copy, f"{server.address}#orders", to, mode="replace")),
            "pymysql, unbuffered cursor": (OUT, partial(cursor, server)),
        }
        for _, work in works.values():
            work()
        rounds = [{name: timed(work) for name, (_, work) in works.items()} for _ in range(chosen.rounds)]
    print(f"{server.program} {server.version}, {chosen.rows:,} rows, {chosen.rounds} rounds")
    for name, (beside, _) in works.items():
        seconds = statistics.median(one[name] for one in rounds)
        ratio = statistics.median(one[name] / one[beside] for one in rounds) if beside else None
        print(f"{name:<32} {seconds:6.2f} s" + (f"   {ratio:5.2f} x {beside}" if ratio is not None else ""))


if __name__ == "__main__":
    main()
