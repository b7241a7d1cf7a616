"""Columns that change between runs, and between the files of one run: what the table says happens, and nothing else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from secrets import token_hex
from typing import Any

import duckdb
import pytest

import towpath as tow
from tests.attacks.drift.cases import CASES, NESTED, Case, Lands, Outcome, Row, Stops
from tests.conformance.on_mariadb import run
from tests.postgresqlkit import Place
from towpath.errors import TowError

Find = Callable[[str, Path], tuple[str, Callable[[], list[dict[str, Any]]]]]
TABLES = ("duckdb", "sqlite", "postgresql", "mariadb")
FILES = ("parquet", "csv", "jsonl")


@pytest.fixture
def end(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Find]:
    """Makes a destination of a name: its address, and what a reader finds there by other means than Towpath's."""
    ending: list[Callable[[], object]] = []

    def made(name: str, folder: Path) -> tuple[str, Callable[[], list[dict[str, Any]]]]:
        if name == "duckdb":
            return f"duckdb:///{folder}/o.db#t", lambda: _duck(folder / "o.db")
        if name == "sqlite":
            return f"sqlite:///{folder}/o.sqlite#t", lambda: _lite(folder / "o.sqlite")
        if name == "postgresql":
            place = Place(request.getfixturevalue("postgresql_server"))
            ending.append(place.drop)
            return place.address("t"), lambda: _postgresql(place)
        if name == "mariadb":
            server, base = request.getfixturevalue("mariadb_server"), f"d_{token_hex(6)}"
            run(server, f"create database {base} character set utf8mb4")
            ending.append(lambda: run(server, f"drop database {base}"))
            return f"{server.address.rpartition('/')[0]}/{base}#t", lambda: _mariadb(server, base)
        path = folder / f"o.{name}"
        return str(path), lambda: _file(path)

    yield made
    for one in ending:
        one()


@pytest.mark.one_of_many
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
@pytest.mark.parametrize("schema", ["evolve", "freeze"])
@pytest.mark.parametrize("to", TABLES)
def test_the_next_run_into_a_table(to: str, schema: str, case: Case, end: Find, tmp_path: Path) -> None:
    outcome: Outcome = getattr(case, schema)
    address, see = end(to, tmp_path)
    if case.name == NESTED[0] and to == "postgresql":  # kept as json
        outcome = _as_it_stands(case)
    _next_run(case, outcome, address, see, tmp_path, schema=schema)


@pytest.mark.one_of_many
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
@pytest.mark.parametrize("to", FILES)
def test_the_next_run_into_a_file(to: str, case: Case, end: Find, tmp_path: Path) -> None:
    outcome = case.file
    if to != "parquet" and isinstance(outcome, Stops) and outcome.code == "type-violated":
        outcome = _as_it_stands(case)
    _next_run(case, outcome, *end(to, tmp_path), tmp_path)


@pytest.mark.one_of_many
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
@pytest.mark.parametrize("to", [*TABLES, *FILES])
@pytest.mark.parametrize("late", [False, True], ids=["second", "last-of-100"])
def test_files_of_one_run(late: bool, to: str, case: Case, end: Find, tmp_path: Path) -> None:
    """Also where the other file is the last of a hundred, of which only some are looked at beforehand."""
    outcome: Outcome = case.together
    if isinstance(outcome, Stops) and outcome.code == "column-doubled" and to in (*FILES, "postgresql"):
        names = ("id", "a", "ID", "A")
        outcome = Lands(
            tuple(dict(zip(names, one, strict=True)) for one in ((1, "x", None, None), (None, None, 2, "y"))), ""
        )
    address, see = end(to, tmp_path)
    _write(tmp_path / "in", "000", case.first, case.suffix)
    for number in range(1, 99 if late else 0):
        _write(tmp_path / "in", f"{number:03}", case.first, case.suffix)
    _write(tmp_path / "in", "zzz", case.second, case.suffix)
    copies = 98 if late else 0
    _held(outcome, f"{tmp_path}/in/*{case.suffix}", address, see, [], copies=copies)


def test_a_column_that_only_the_last_of_many_lines_has(tmp_path: Path, attack: Any) -> None:
    count = attack.times(1_000_000, least=100_000)
    source = tmp_path / "a.jsonl"
    with open(source, "w", encoding="utf-8") as file:
        file.writelines(f'{{"id":{number}}}\n' for number in range(count - 1))
        file.write('{"id":-1,"late":"00501"}\n')
    receipt = tow.copy(source, tmp_path / "o.parquet")
    assert any("restarted once with wider types" in note and "late" in note for note in receipt.notes)
    (found,) = duckdb.sql(f"select count(*), count(late), max(late), sum(id) from '{tmp_path}/o.parquet'").fetchall()
    assert found == (count, 1, "00501", sum(range(count - 1)) - 1)


def _as_it_stands(case: Case) -> Lands:
    """What becomes of rows that no type binds."""
    if case.name in NESTED:
        return Lands(tuple(json.loads(text) for text in (case.first, case.second)), "")
    assert isinstance(case.together, Lands)
    return case.together


def _next_run(case: Case, outcome: Outcome, address: str, see: Any, folder: Path, **options: Any) -> None:
    first = _write(folder / "in", "1", case.first, case.suffix)
    second = _write(folder / "in", "2", case.second, case.suffix)
    tow.copy(first, address)
    _held(outcome, str(second), address, see, see(), mode="append", **options)


def _held(
    outcome: Outcome, source: str, address: str, see: Any, before: list[dict[str, Any]], copies: int = 0, **options: Any
) -> None:
    if isinstance(outcome, Stops):
        with pytest.raises(TowError) as caught:
            tow.copy(source, address, **options)
        assert outcome.code in ("", caught.value.code), str(caught.value)
        assert outcome.said in str(caught.value)
        assert see() == before
        return
    planned = str(tow.plan(source, address, **options))
    receipt = tow.copy(source, address, **options)
    assert receipt.set_aside == 0
    assert outcome.said in planned
    assert outcome.said in str(receipt)
    if copies:
        found = see()
        once = [dict(one) for one in {json.dumps(one, sort_keys=True): one for one in found}.values()]
        assert _in_order(once) == _in_order([dict(row) for row in outcome.rows])
        first = _plain(dict(outcome.rows[0]))
        assert sum(one == first for one in found) == copies + 1
        return
    assert see() == _in_order([dict(row) for row in outcome.rows])


def _write(folder: Path, name: str, text: str, suffix: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}{suffix}"
    path.write_bytes(text.encode())
    return path


def _duck(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with duckdb.connect(str(path), read_only=True) as there:
        return _frame(there.execute("from t"))


def _file(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    if path.suffix == ".jsonl":
        lines = path.read_text("utf-8").splitlines()
        return _in_order([json.loads(line, parse_float=Decimal) for line in lines])
    if path.suffix == ".csv":
        import csv

        with open(path, encoding="utf-8", newline="") as file:
            return _in_order(
                [{name: _of_csv(name, text) for name, text in row.items()} for row in csv.DictReader(file)]
            )
    import pyarrow.parquet as pq

    return _in_order(pq.read_table(path).to_pylist())


def _of_csv(name: str, text: str) -> Any:
    return None if text == "" else text


def _lite(path: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as there:
        if not there.execute("select 1 from sqlite_master where name = 't'").fetchall():
            return []
        return _frame(there.execute("select * from t"))


def _postgresql(place: Place) -> list[dict[str, Any]]:
    if "t" not in place.tables():
        return []
    with place.connect() as there:
        return _frame(there.execute("select * from t"))


def _mariadb(server: Any, base: str) -> list[dict[str, Any]]:
    if not run(server, "show tables like 't'", database=base):
        return []
    names = [one[0] for one in run(server, "show columns from t", database=base)]
    return _in_order([dict(zip(names, row, strict=True)) for row in run(server, "select * from t", database=base)])


def _frame(cursor: Any) -> list[dict[str, Any]]:
    names = [one[0] for one in cursor.description]
    return _in_order([dict(zip(names, row, strict=True)) for row in cursor.fetchall()])


def _in_order(rows: list[dict[str, Any]]) -> list[Row]:
    return sorted((_plain(row) for row in rows), key=lambda row: json.dumps(row, sort_keys=True, default=str))


def _plain(value: Any) -> Any:
    """Values as JSON has them; numbers as the shortest text that is equal, nested text as what it says."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, Decimal)):
        return format(Decimal(str(value)).normalize(), "f")
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return str(value)
    if isinstance(value, str) and value[:1] in "{[" and value:
        return _plain(json.loads(value, parse_float=Decimal))
    return str(value).removesuffix(".000000")
