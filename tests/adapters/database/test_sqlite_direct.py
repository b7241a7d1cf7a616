"""Whichever way rows are taken from SQLite, by its own calls, from a cursor or with nothing compiled: the same values
and the same errors."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath.adapters.database import sqlite_direct as direct
from towpath.adapters.database.sqlite import SQLite
from towpath.errors import TowError
from towpath.values import rows
from towpath.values.rows import Kind

PLACE = ":memory:"

needed = pytest.mark.skipif(
    direct._library() is None or not rows.is_compiled(), reason="this Python's SQLite cannot be called directly"
)


@pytest.fixture
def opened() -> Iterator[tuple[sqlite3.Connection, int]]:
    connection, database = direct.connected(lambda: sqlite3.connect(PLACE, isolation_level=None))
    with closing(connection):
        yield connection, database


def all_of(source: direct.Rows, kinds: list[Kind], most: int) -> list[tuple[Any, ...]]:
    """Every value taken and left, with its type."""
    found = []
    try:
        while True:
            count, columns = source.read(most, kinds)
            if not count:
                return found
            for column in columns:
                column.taken.validate(full=True)
                assert len(column.taken) + len(column.rest) == count
            found.append(tuple((one.taken.type, repr(one.taken.to_pylist()), repr(list(one.rest))) for one in columns))
    finally:
        source.close()


def both(connection: sqlite3.Connection, database: int, sql: str, kinds: list[Kind], most: int) -> Any:
    """What comes by SQLite's calls, which is what comes from a cursor: values, or the error."""
    names = [column[0] for column in connection.execute(f"select * from ({sql}) limit 0").description]
    outcomes: list[Any] = []
    for address in (database, 0):
        try:
            outcomes.append(all_of(direct.selected(connection, address, sql, names), kinds, most))
        except (sqlite3.Error, ValueError) as error:
            # Of bytes that are no text, a cursor's error shows one sign for each.
            told = str(error).partition(" with text '")[0]
            outcomes.append((type(error), told, getattr(error, "sqlite_errorcode", None)))
    assert outcomes[0] == outcomes[1]
    return outcomes[0]


VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-1, 2),
    st.sampled_from([2**53, 2**53 + 1, -(2**53), -(2**53) - 1]),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from(["", "\0", "a\0b", "é", "€uro", "😀" * 9, "x" * 300, "\ud7ff\ue000\uffff\U0010ffff"]),
    st.binary(max_size=20),
    st.just(b""),
)
OF = {
    Kind.INTEGER: st.integers(-(2**63), 2**63 - 1),
    Kind.FLOAT: st.floats(allow_nan=False),
    Kind.NUMBER: st.one_of(st.floats(allow_nan=False), st.integers(-(2**53), 2**53)),
    Kind.TEXT: st.text(max_size=30),
    Kind.BINARY: st.binary(max_size=30),
    Kind.BOOLEAN: st.integers(0, 1),
}


@needed
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16le", "utf-16be"])
@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_values_are_those_of_a_cursor(encoding: str, data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(Kind), min_size=1, max_size=5))
    plain = st.tuples(*(st.one_of(OF[kind], st.none()) for kind in kinds))
    table = data.draw(st.lists(plain, max_size=20))
    if table and data.draw(st.booleans()):
        at, column = data.draw(st.integers(0, len(table) - 1)), data.draw(st.integers(0, len(kinds) - 1))
        table[at] = (*table[at][:column], data.draw(VALUES), *table[at][column + 1 :])
    connection, database = direct.connected(lambda: sqlite3.connect(PLACE, isolation_level=None))
    with closing(connection):
        assert database
        connection.execute(f"pragma encoding = '{encoding}'")
        connection.execute(f"create table t ({', '.join(f'c{at}' for at in range(len(kinds)))})")
        connection.executemany(f"insert into t values ({', '.join('?' * len(kinds))})", table)
        both(connection, database, "select * from t order by rowid", kinds, data.draw(st.sampled_from([1, 3, 8, 100])))


WORDS = [
    "",
    "41",
    "C3A9",
    "E282AC",
    "F09F9880",
    "7F",
    "C280",
    "DFBF",
    "E0A080",
    "ED9FBF",
    "EE8080",
    "F0908080",
    "F48FBFBF",
]
BROKEN = [
    "80", "BF", "C0", "C080", "C1BF", "C2", "C241", "DF", "E0", "E080", "E08080", "E09FBF", "E282", "E28241", "EDA080",
    "EDBFBF", "EF", "F0", "F0808080", "F08FBFBF", "F09F98", "F09F9841", "F4908080", "F5808080", "F8888080", "FF", "FE",
]  # fmt: skip


@needed
@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.INTEGER])
@pytest.mark.parametrize("before", ["", "41", "41424344454647", "4142434445464748", "C3A9414243444546"])
def test_text_is_utf_8_or_an_error(opened: tuple[sqlite3.Connection, int], kind: Kind, before: str) -> None:
    for word in WORDS:
        for after in ("", "41", "4142434445464748"):
            found = both(
                *opened, f"select 1 as b, cast(x'{before}{word}{after}' as text) as c", [Kind.INTEGER, kind], 9
            )
            assert isinstance(found, list)
    for word in BROKEN:
        for after in ("", "41", "4142434445464748"):
            found = both(
                *opened, f"select 1 as b, cast(x'{before}{word}{after}' as text) as c", [Kind.INTEGER, kind], 9
            )
            assert found[0] is sqlite3.OperationalError
            assert found[1] == "Could not decode to UTF-8 column 'c'"


@given(st.binary(max_size=12))
@settings(deadline=None, max_examples=500)
@needed
def test_bytes_are_text_where_python_says_so(content: bytes) -> None:
    connection, database = direct.connected(lambda: sqlite3.connect(PLACE, isolation_level=None))
    with closing(connection):
        both(connection, database, f"select cast(x'{content.hex()}' as text) as c", [Kind.TEXT], 9)


@needed
@pytest.mark.parametrize(
    "sql",
    [
        "select abs(value) as v from (select -1 as value union all select -9223372036854775808)",
        "select json_extract(value, '$') as v from (select '1' as value union all select '{')",
        "select zeroblob(2000000000) as v",
    ],
)
def test_errors_half_way_are_those_of_a_cursor(opened: tuple[sqlite3.Connection, int], sql: str) -> None:
    connection, database = opened
    for most in (1, 10):
        assert issubclass(both(connection, database, sql, [Kind.INTEGER], most)[0], sqlite3.Error)
    assert connection.execute("select 1").fetchone() == (1,)


@needed
def test_a_query_that_is_wrong_is_an_error_at_once(opened: tuple[sqlite3.Connection, int]) -> None:
    connection, database = opened
    with pytest.raises(sqlite3.OperationalError, match="no such table: t") as raised:
        direct.selected(connection, database, "select * from t", ["c"])
    assert raised.value.sqlite_errorcode == sqlite3.SQLITE_ERROR


@needed
def test_there_are_no_more_rows_after_the_last_nor_after_an_error(opened: tuple[sqlite3.Connection, int]) -> None:
    connection, database = opened
    source = direct.selected(connection, database, "select 1 as c union all select 2", ["c"])
    assert [source.read(1, [Kind.INTEGER])[0] for _ in range(5)] == [1, 1, 0, 0, 0]
    source.close()
    source.close()
    with pytest.raises(ValueError, match="closed"):
        source.read(1, [Kind.INTEGER])
    source = direct.selected(connection, database, "select cast(x'ff' as text) as c union all select 'a'", ["c"])
    with pytest.raises(sqlite3.OperationalError):
        source.read(1, [Kind.TEXT])
    assert source.read(1, [Kind.TEXT])[0] == 0


@needed
@pytest.mark.parametrize("kinds", [[], [Kind.INTEGER], [Kind.INTEGER] * 3])
def test_there_must_be_a_kind_for_each_column(opened: tuple[sqlite3.Connection, int], kinds: list[Kind]) -> None:
    source = direct.selected(*opened, "select 1 as a, 2 as b", ["a", "b"])
    with pytest.raises(ValueError, match="a kind for each column"):
        source.read(1, kinds)


@needed
def test_a_connection_may_be_closed_first(opened: tuple[sqlite3.Connection, int]) -> None:
    source = direct.selected(*opened, "select 1 as a union all select 2", ["a"])
    assert source.read(1, [Kind.INTEGER])[0] == 1
    opened[0].close()
    source.close()
    del source


@needed
def test_connections_that_are_opened_at_the_same_time_are_told_apart(tmp_path: Path) -> None:
    found: list[tuple[int, list[Any]]] = []

    def work(number: int) -> None:
        for _ in range(50):
            connection, database = direct.connected(lambda: sqlite3.connect(PLACE))
            with closing(connection):
                source = direct.selected(connection, database, f"select {number} as c", ["c"])
                found.append((number, source.read(9, [Kind.INTEGER])[1][0].taken.to_pylist()))
                source.close()
                sqlite3.connect(PLACE).close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 200
    assert all(values == [number] for number, values in found)


@needed
def test_what_opening_raises_is_let_pass(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        direct.connected(lambda: sqlite3.connect(str(tmp_path / "none" / "db")))
    assert direct.connected(lambda: sqlite3.connect(PLACE))[1]
    assert rows.compiled.noted(lambda: 7) == (7, 0)


@needed
def test_an_address_that_is_missing_is_an_error() -> None:
    calls = direct._calls()
    assert calls is not None
    for wrong in ((), calls[:-1], (*calls[:-1], 0)):
        with pytest.raises(TypeError):
            rows.compiled.prepare(wrong, 1, "select 1")
    with pytest.raises(TypeError):
        rows.compiled.prepare(calls, 0, "select 1")
    with pytest.raises(TypeError):
        rows.compiled.close_statement(None)


def _without_library(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(direct, "_library", lambda: None)


def _without_compiled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rows, "compiled", None)


@pytest.mark.parametrize("without", [_without_library, _without_compiled])
@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ("INTEGER", "(1), (null), (-7)"),
        ("INTEGER", "(1), ('x')"),
        ("REAL", "(1), (null), (1e300)"),
        ("REAL", "(1), (x'00')"),
        ("TEXT", "('a'), (null), ('é'), ('')"),
        ("TEXT", "('a'), (x'00')"),
        ("BLOB", "(x'00ff'), (x''), (null)"),
        ("BLOB", "(x'00ff'), (1)"),
        ("BOOLEAN", "(1), (0), (null)"),
        ("BOOLEAN", "(1), (0), (2)"),
        ("DECIMAL(10,2)", "(1), (2.5), (null)"),
        ("NUMERIC", "(9007199254740993), (1.5), ('x')"),
        ("DATE", "('2024-01-01'), (7), (null)"),
        ('"TEXT date"', "('2024-01-01'), (null), ('2024-12-31')"),
        ('"TEXT date"', "('2024-01-01'), ('2024-13-01')"),
        ('"TEXT decimal(5,2)"', "('1.25'), ('7')"),
        ('"TEXT decimal(5,2)"', "('1.25'), ('1.234')"),
        ('"TEXT list<int64>"', "('[1,2]'), (null)"),
        ("", "(1), ('a'), (1e20), (null)"),
        ("", "(1), (x'00'), ('a')"),
    ],
)
def test_a_table_is_read_the_same_without(
    without: Callable[[pytest.MonkeyPatch], None], declared: str, values: str, tmp_path: Path
) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"create table t (c {declared})")
        connection.execute(f"insert into t values {values}")
        connection.commit()

    def read(batch_rows: int) -> Any:
        try:
            with SQLite(path=str(path)).read() as session:
                schema, batches = session.select("select * from t", batch_rows)
                return pa.Table.from_batches(list(batches), schema)
        except TowError as error:
            return str(error)

    usual = [read(most) for most in (1, 2, 100)]
    with pytest.MonkeyPatch.context() as patch:
        without(patch)
        assert [read(most) for most in (1, 2, 100)] == usual
