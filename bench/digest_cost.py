"""What the content digest costs: rows a second, and its CPU time beside that of writing the same rows as Parquet.

python bench/digest_cost.py [rows]        (default: 1 000 000 rows of 16 columns like TPC-H's lineitem)
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from towpath.digest import Digest


def lineitem(rows: int) -> pa.Table:
    """Rows shaped as TPC-H's lineitem: keys, decimals, dates, words of few values, comments of 10 to 43 letters."""
    rng = np.random.default_rng(1)

    def integers(high: int, type: pa.DataType) -> pa.Array:
        return pa.array(rng.integers(1, high, rows)).cast(type)

    def money(high: int) -> pa.Array:
        cents = pa.array(rng.integers(0, high, rows)).cast(pa.decimal128(38, 0))
        return cents.view(pa.decimal128(38, 2)).cast(pa.decimal128(15, 2))

    def word(*words: str) -> pa.Array:
        return pa.array(words).take(pa.array(rng.integers(0, len(words), rows)))

    def comment() -> pa.Array:
        offsets = np.concatenate([[0], np.cumsum(rng.integers(10, 44, rows))]).astype(np.int32)
        letters = rng.integers(97, 123, int(offsets[-1]), dtype=np.uint8)
        return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(letters))

    return pa.table(
        {
            "orderkey": integers(6_000_000, pa.int64()),
            "partkey": integers(200_000, pa.int64()),
            "suppkey": integers(10_000, pa.int64()),
            "linenumber": integers(8, pa.int32()),
            "quantity": money(5_000),
            "extendedprice": money(10_000_000),
            "discount": money(11),
            "tax": money(9),
            "returnflag": word("A", "N", "R"),
            "linestatus": word("F", "O"),
            "shipdate": integers(10_600, pa.int32()).view(pa.date32()),
            "commitdate": integers(10_600, pa.int32()).view(pa.date32()),
            "receiptdate": integers(10_600, pa.int32()).view(pa.date32()),
            "shipinstruct": word("DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"),
            "shipmode": word("AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"),
            "comment": comment(),
        }
    )


def cpu(work: Callable[[], object]) -> float:
    """The least CPU time, in seconds, of three runs."""

    def once() -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    return min(once() for _ in range(3))


def digest(rows: pa.Table) -> str:
    found = Digest(rows.schema)
    for batch in rows.to_batches():
        found.update(batch)
    return found.hexdigest()


def main() -> None:
    rows = lineitem(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    whole = cpu(lambda: digest(rows))
    for name in rows.schema.names:
        print(f"  {name:14} {cpu(lambda name=name: digest(rows.select([name]))) * 1000:7.1f} ms")  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder:
        parquet = cpu(lambda: pq.write_table(rows, Path(folder) / "lineitem.parquet"))
    print(f"digest   {whole:.3f} s, {len(rows) / whole / 1e6:.1f} million rows a second")
    print(f"parquet  {parquet:.3f} s; digest : parquet = {whole / parquet:.2f}")


if __name__ == "__main__":
    main()
