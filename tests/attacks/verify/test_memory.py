"""A difference in the last of many rows is found within bounded memory: some hashes a row, never the rows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.attacks.share import Attack

ROWS = 6_000_000
BASE, PER_ROW = 300 << 20, 100
"""Bytes: of the program with its batches, and for each row of both sides (hashes of rows and of three keys, sorted)."""
MEASURED = """
import json, sys
from towpath.cli.main import main
from towpath.receipt import peak_memory
code = main(sys.argv[1:])
print(json.dumps([code, peak_memory()]))
"""


def written(path: Path, rows: int, last: str) -> Path:
    """A file of wide rows, which are more than the memory would hold."""
    with pq.ParquetWriter(path, pa.schema([("id", pa.int64()), ("note", pa.string())]), compression="zstd") as file:
        for first in range(0, rows, 100_000):
            ids = np.arange(first, min(first + 100_000, rows))
            notes = [f"{number} {'a long note ' * 10}" for number in ids]
            if ids[-1] == rows - 1:
                notes[-1] = last
            file.write_table(pa.table({"id": ids, "note": notes}))
    return path


def test_a_difference_in_the_last_row_is_found_within_bounded_memory(attack: Attack, tmp_path: Path) -> None:
    rows = attack.times(ROWS, least=300_000)
    a, b = written(tmp_path / "a.parquet", rows, "Ada"), written(tmp_path / "b.parquet", rows, "ada")
    command = [sys.executable, "-c", MEASURED, "verify", str(a), str(b), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500, check=True)
    told, (code, memory) = map(json.loads, done.stdout.splitlines())
    assert code == 1
    (found,) = told["differences"]
    assert (found["key"], found["column"], found["a"], found["b"]) == (f"id={rows - 1}", "note", "Ada", "ada")
    assert memory < BASE + rows * PER_ROW, f"{memory >> 20} MiB for {rows} rows"
    print(f"{memory >> 20} MiB for {rows} rows")
