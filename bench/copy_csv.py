"""CSV to Parquet: `tow copy`, with every check, beside DuckDB's own `copy`, in turn, as whole processes.

    python bench/copy_csv.py [--rows 2000000] [--rounds 5]

Prints the median seconds of each, the median of the ratios round by round, and the peak resident memory of each. DuckDB
is run with one pass of type detection over its default sample, which keeps none of Towpath's promises about types.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOW = "import sys; from towpath.cli.main import main; sys.exit(main(['copy', {source!r}, {to!r}, '--mode', 'replace']))"
DUCKDB = 'import duckdb; duckdb.sql("copy (from read_csv({source!r})) to {to!r} (format parquet, compression zstd)")'


def data(path: Path, rows: int) -> None:
    """Rows as of an order system: integers, decimals, dates, words of few and of many values."""
    import duckdb

    duckdb.sql(
        f"copy (select i as id, i % 10007 as customer, round(random() * 10000, 2) as amount,"
        f" date '2020-01-01' + (i % 1500)::int as day, ['new', 'paid', 'sent', 'returned'][1 + i % 4] as status,"
        f" 'order number ' || i as comment from range({rows}) as t(i)) to '{path}' (header)"
    )


def timed(code: str) -> tuple[float, float]:
    """Wall seconds and peak MiB of a new process that runs `code`."""
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {code}")
    return time.perf_counter() - begun, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "orders.csv"
        data(source, chosen.rows)
        codes = [
            form.format(source=str(source), to=str(Path(folder) / name))
            for form, name in ((TOW, "tow.parquet"), (DUCKDB, "duckdb.parquet"))
        ]
        for code in codes:
            timed(code)
        rounds = [[timed(code) for code in codes] for _ in range(chosen.rounds)]
    size = f"{chosen.rows:,} rows"
    for at, name in enumerate(("tow copy", "duckdb copy")):
        seconds = statistics.median(one[at][0] for one in rounds)
        memory = max(one[at][1] for one in rounds)
        print(f"{name:<12} {size}: {seconds:6.2f} s, peak {memory:5.0f} MiB")
    print(f"ratio tow / duckdb: {statistics.median(one[0][0] / one[1][0] for one in rounds):.2f}")


if __name__ == "__main__":
    main()
