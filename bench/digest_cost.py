"""What the content digest costs a load: `tow copy` with it and without it, in turn.

    python bench/digest_cost.py [--rows 1000000] [--rounds 3] [--data FOLDER] [--loads csv-parquet,csv-duckdb,...]

The rows are like TPC-H's lineitem (16 columns), made here, or read from FOLDER/lineitem.csv and FOLDER/lineitem.parquet
as `tpchgen-cli` writes them: `tpchgen-cli csv -s 1 --tables lineitem` gives 6 001 215. Each load runs in a process of
its own, whose CPU time and wall time are taken around the copy; `without` counts the rows and hashes none. Prints the
medians, and the median of the ratios round by round less one: what the digest adds. PostgreSQL is the lab's server,
whose own CPU time is not in the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

LOADS = {
    "csv-parquet": ("csv", "parquet"),
    "csv-duckdb": ("csv", "duckdb"),
    "parquet-parquet": ("parquet", "parquet"),
    "parquet-postgresql": ("parquet", "postgresql"),
}


def lineitem(rows: int) -> pa.Table:
    """Rows shaped as TPC-H's lineitem: keys, decimals, dates, words of few values, comments of 10 to 43 letters."""
    rng = np.random.default_rng(1)

    def integers(high: int, type: pa.DataType) -> pa.Array:
        return pa.array(rng.integers(1, high, rows)).cast(type)

    def money(high: int) -> pa.Array:
        cents = pa.array(rng.integers(0, high, rows)).cast(pa.decimal128(38, 0))
        return cents.view(pa.decimal128(38, 2)).cast(pa.decimal128(15, 2))

    def day() -> pa.Array:
        return pa.array(rng.integers(8_036, 10_591, rows)).cast(pa.int32()).view(pa.date32())

    def word(*words: str) -> pa.Array:
        return pa.array(words).take(pa.array(rng.integers(0, len(words), rows)))

    def comment() -> pa.Array:
        offsets = np.concatenate([[0], np.cumsum(rng.integers(10, 44, rows))]).astype(np.int32)
        letters = rng.integers(97, 123, int(offsets[-1]), dtype=np.uint8)
        return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(letters))

    return pa.table(
        {
            "orderkey": pa.array(np.arange(rows) // 4),
            "partkey": integers(200_000, pa.int64()),
            "suppkey": integers(10_000, pa.int64()),
            "linenumber": integers(8, pa.int32()),
            "quantity": money(5_000),
            "extendedprice": money(10_000_000),
            "discount": money(11),
            "tax": money(9),
            "returnflag": word("A", "N", "R"),
            "linestatus": word("F", "O"),
            "shipdate": day(),
            "commitdate": day(),
            "receiptdate": day(),
            "shipinstruct": word("DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"),
            "shipmode": word("AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"),
            "comment": comment(),
        }
    )


def one(how: str, source: str, to: str) -> None:
    """One load in this process; prints its wall and CPU seconds."""
    from towpath import copy
    from towpath.digest import Digest

    def count(self: Digest, rows: pa.RecordBatch) -> None:
        self._rows += rows.num_rows

    if how == "without":
        Digest.update = count  # type: ignore[method-assign]
    begun, used = time.perf_counter(), time.process_time()
    copy(source, to, mode="replace")
    print(json.dumps([time.perf_counter() - begun, time.process_time() - used]))


def measure(load: Callable[[str], list[float]], rounds: int) -> str:
    pairs = [(load("with"), load("without")) for _ in range(rounds)]
    told = []
    for name, at in (("wall", 0), ("cpu", 1)):
        taken, bare = ([pair[which][at] for pair in pairs] for which in (0, 1))
        ratios = sorted(x / y - 1 for x, y in zip(taken, bare, strict=True))
        told.append(
            f"{name} {statistics.median(taken):6.2f} s, {statistics.median(bare):6.2f} s without: "
            f"{statistics.median(ratios):+6.1%} ({ratios[0]:+.1%} to {ratios[-1]:+.1%})"
        )
    return "; ".join(told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--loads", default=",".join(LOADS))
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        one(*chosen.one)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        data = chosen.data or folder
        if chosen.data is None:
            rows = lineitem(chosen.rows)
            pacsv.write_csv(rows, data / "lineitem.csv")
            pq.write_table(rows, data / "lineitem.parquet")
        places = {"parquet": str(folder / "out.parquet"), "duckdb": f"duckdb:///{folder}/out.db#lineitem"}
        if "parquet-postgresql" in chosen.loads:
            from towpath.lab import Lab

            places["postgresql"] = f"{stack.enter_context(Lab()).up('postgresql').address}#lineitem"
        for name in chosen.loads.split(","):
            kind, to = LOADS[name]

            def load(how: str, source: str = str(data / f"lineitem.{kind}"), to: str = places[to]) -> list[float]:
                command = [sys.executable, __file__, "--one", how, source, to]
                environment = {**os.environ, "TOWPATH_STATE": str(folder / "state")}
                done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
                return list(json.loads(done.stdout.splitlines()[-1]))

            print(f"{name:18} {measure(load, chosen.rounds)}", flush=True)


if __name__ == "__main__":
    main()
