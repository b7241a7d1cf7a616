from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pyarrow as pa
import pytest

from towpath.look.screen import width
from towpath.receipt import Receipt, peak_memory, table, versions


def of(**fields: object) -> Receipt:
    made = Receipt("3f2a", "orders.csv", "w#orders", "append", "done", "shop/orders", rows=1200, seconds=3.21)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def test_a_receipt_is_the_same_after_its_text_form() -> None:
    one = of(notes=["restarted"], books=[{"name": "read"}])
    assert Receipt.loads(one.dumps()) == one


def test_long_addresses_are_shortened_in_their_middle_on_a_terminal_only() -> None:
    one = of(source="s3://bucket/" + "very/long/" * 12 + "orders.csv", digest="tow1:00", notes=["why " * 60])
    whole, short = one.lines(), one.lines(80)
    assert whole[0] == f"shop/orders: {one.source} -> w#orders"
    assert short[0].startswith("shop/orders: s3://bucket/very/")
    assert short[0].endswith("orders.csv -> w#orders")
    assert max(map(width, short)) <= 80
    assert "".join(short).replace(" ", "").count("why") == 60  # a note is wrapped, not cut
    both = of(source="a" * 100, destination="b" * 100).lines(80)[0]
    assert (width(both), "aaa…aaa" in both, "bbb…bbb" in both) == (80, True, True)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "shop/orders: 1,200 rows in 3.21 s, append"),
        ({"rows": 1, "set_aside": 2}, "shop/orders: 1 row in 3.21 s, append, 2 set aside"),
        (
            {"mode": "merge", "inserted": 3, "updated": 4},
            "shop/orders: 1,200 rows in 3.21 s, merge: 3 inserted, 4 updated",
        ),
        ({"status": "unchanged", "why": "nothing new"}, "shop/orders: 0 rows moved: nothing new"),
    ],
)
def test_a_receipt_in_one_line(fields: dict[str, object], line: str) -> None:
    one = of(**fields)
    assert one.line() == line
    assert width(one.line(30)) <= 30


def test_the_receipts_of_a_run_are_a_table_in_eighty_columns() -> None:
    receipts = [
        of(),
        of(step="shop/" + "long" * 20, status="stopped", rows=0, why="orders.csv:7: " + "x" * 90 + "\nmore"),
    ]
    lines = table(receipts)
    assert lines[0].split() == ["STEP", "STATUS", "ROWS", "SECONDS", "WHAT"]
    assert lines[1].split() == ["shop/orders", "done", "1,200", "3.21", "append"]
    assert "stopped      0     3.21  orders.csv:7: xxx" in lines[2]
    assert max(map(width, lines)) <= 80
    assert len(lines) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only getrusage tells, which counts the parent's too")
def test_the_memory_of_a_process_is_its_own_and_not_that_of_the_one_that_started_it() -> None:
    held = np.ones(400 << 20, np.uint8)
    told = subprocess.run(
        [sys.executable, "-c", "from towpath.receipt import peak_memory; print(peak_memory())"],
        check=True,
        capture_output=True,
    )
    assert 5 << 20 < int(told.stdout) < len(held)
    assert peak_memory() > len(held)


def test_the_versions_are_those_of_the_libraries_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)  # type: ignore[arg-type]
    found = versions()
    assert found == {
        "python": sys.version.split()[0],
        "towpath": version("towpath"),
        "pyarrow": pa.__version__,
        "numpy": np.__version__,
    }
