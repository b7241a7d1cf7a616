"""PostgreSQL, in and out: `towpath.copy`, with every check, beside the server's plain bulk path, by each library.

    python bench/postgresql.py [--rows 200000] [--rounds 3]

In: a CSV and a Parquet file into a new table, beside `psql \\copy` of the CSV. Out: the table to Parquet, beside
`psql \\copy` of it to /dev/null. All in turn; towpath in this process, so that no start-up of Python is in it. Prints
the median seconds of each, and of the ratios round by round. The server is the lab's, on this machine; its data are not
synced to the disk.
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

from towpath import copy
from towpath.lab import Lab, Server

LIBRARIES = ("", "+adbc", "+psycopg2")
COLUMNS = "id bigint, customer bigint, amount double precision, day date, at timestamptz, status text, comment text"


def data(folder: Path, rows: int) -> dict[str, Path]:
    """Rows as of an order system: integers, decimals, dates, words of few and of many values."""
    import duckdb

    files = {"csv": folder / "orders.csv", "parquet": folder / "orders.parquet"}
    select = (
        "select i as id, i % 10007 as customer, round(random() * 10000, 2) as amount,"
        " date '2020-01-01' + (i % 1500)::int as day, timestamptz '2020-01-01 00:00:00+00' + to_seconds(i) as at,"
        " ['new', 'paid', 'sent', 'returned'][1 + i % 4] as status, 'order number ' || i as comment"
    )
    duckdb.sql("set timezone = 'UTC'")
    duckdb.sql(f"copy ({select} from range({rows}) as t(i)) to '{files['parquet']}' (format parquet)")
    duckdb.sql(f"copy (from '{files['parquet']}') to '{files['csv']}' (header, timestampformat '%Y-%m-%dT%H:%M:%SZ')")
    return files


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def tow(source: str, to: str, mode: str = "create") -> None:
    copy(source, to, mode=mode)


def filled(server: Server, source: str, to: str) -> None:
    psql(server, "drop table if exists orders")
    tow(source, to)


def psql(server: Server, sql: str) -> None:
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", server.address, "-c", sql], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Lab() as lab:
        folder, server = Path(name), lab.up("postgresql")
        os.environ["TOWPATH_STATE"] = name
        files = data(folder, chosen.rows)
        psql(server, f"create table plain ({COLUMNS})")
        into = f"\\copy plain from '{files['csv']}' with (format csv, header)"
        out = "\\copy plain to '/dev/null' with (format binary)"
        works: dict[str, tuple[str, Callable[[], object]]] = {
            "psql \\copy from CSV": ("", partial(psql, server, into)),
            "psql \\copy to /dev/null": ("", partial(psql, server, out)),
        }
        for library in LIBRARIES:
            at = server.address.replace("postgresql", f"postgresql{library}", 1) + "#orders"
            shown = library.removeprefix("+") or "psycopg"
            for kind in ("csv", "parquet"):
                works[f"tow {kind} -> table, {shown}"] = (
                    "psql \\copy from CSV",
                    partial(filled, server, str(files[kind]), at),
                )
            to = str(folder / "out.parquet")
            works[f"tow table -> parquet, {shown}"] = (
                "psql \\copy to /dev/null",
                partial(tow, at, to, "replace"),
            )
        for _, work in works.values():
            work()
        rounds = []
        for _ in range(chosen.rounds):
            psql(server, "truncate plain")
            rounds.append({name: timed(work) for name, (_, work) in works.items()})
    print(f"{server.program} {server.version}, {chosen.rows:,} rows, {chosen.rounds} rounds")
    for name, (beside, _) in works.items():
        seconds = statistics.median(one[name] for one in rounds)
        ratio = statistics.median(one[name] / one[beside] for one in rounds) if beside else None
        print(f"{name:<32} {seconds:6.2f} s" + (f"   {ratio:5.2f} x {beside}" if ratio is not None else ""))


if __name__ == "__main__":
    main()
