from __future__ import annotations

import gc
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from towpath.adapters.engine.duckdb import DuckDBEngine
from towpath.errors import DataError, Refused, UserError
from towpath.nouns import Restart
from towpath.stream import Batch, Counted, Stream

ROWS = pa.record_batch({"id": pa.array([1, 2, 3, None], pa.int64()), "name": ["a", None, "", "b"]})


def stream(*batches: pa.RecordBatch) -> Stream:
    return Stream(batches[0].schema, (Batch(rows, Counted("t")) for rows in batches))


def rows_of(result: Stream) -> list[dict[str, object]]:
    return [row for batch in result for row in batch.rows.to_pylist()]


def test_where_keeps_what_is_true_and_counts_false_and_null_as_left_out() -> None:
    with DuckDBEngine().where("id > 1", ROWS.schema) as keep:
        kept, left_out = keep(Batch(ROWS, Counted("t")))
    assert kept.rows.column("id").to_pylist() == [2, 3]
    assert left_out == 2
    assert str(kept.origin.place(1)) == "t row 3"


def test_a_condition_may_use_a_column_with_quotes_in_its_name() -> None:
    odd = pa.record_batch({'a"b': [1, 2], 'c""d': [3, 4], "e": [5, 6]})
    with DuckDBEngine().where('"a""b" > 1 and "c""""d" > 3', odd.schema) as keep:
        kept, left_out = keep(Batch(odd, Counted("t")))
    assert (kept.rows.to_pylist(), left_out) == ([{'a"b': 2, 'c""d': 4, "e": 6}], 1)


@pytest.mark.parametrize("condition", ["nosuch > 1", "id >", "id + 1"])
def test_a_wrong_condition_is_the_users_mistake(condition: str) -> None:
    with pytest.raises(UserError, match="the SQL is wrong"), DuckDBEngine().where(condition, ROWS.schema):
        pass


def test_sql_runs_over_several_inputs() -> None:
    other = pa.record_batch({"id": pa.array([2, 3], pa.int64()), "x": [20, 30]})
    sql = "select a.name, b.x from a join b using (id) order by x"
    with DuckDBEngine().sql(sql, {"a": stream(ROWS), "b": stream(other)}) as result:
        assert rows_of(result) == [{"name": None, "x": 20}, {"name": "", "x": 30}]


def test_the_schema_is_known_without_a_row() -> None:
    schema = DuckDBEngine().result_schema(
        "select name, count(*) as n from input group by name;", {"input": ROWS.schema}
    )
    assert schema == pa.schema([("name", pa.string()), ("n", pa.int64())])


@pytest.mark.parametrize("error", [Restart(pa.schema([]), "late value"), DataError("bad row", where="f.csv:9")])
def test_what_an_input_raises_comes_out_as_it_was(error: Exception) -> None:
    def failing() -> Iterator[Batch]:
        yield Batch(ROWS, Counted("t"))
        raise error

    with (
        pytest.raises(type(error)) as caught,
        DuckDBEngine().sql("select count(*) from input", {"input": Stream(ROWS.schema, failing())}) as result,
    ):
        rows_of(result)
    assert caught.value is error


def test_closing_early_closes_the_inputs() -> None:
    closed = []

    def endless() -> Iterator[Batch]:
        try:
            while True:
                yield Batch(ROWS, Counted("t"))
        finally:
            closed.append(True)

    source = Stream(ROWS.schema, endless())
    with DuckDBEngine().sql("select * from input", {"input": source}) as result:
        next(iter(result))
    gc.collect()
    assert closed == [True]


def test_nanoseconds_that_duckdb_cannot_hold_stop_the_run() -> None:
    def instants(*ns: int) -> pa.RecordBatch:
        return pa.record_batch({"at": pa.array(ns, pa.timestamp("ns", "UTC"))})

    with DuckDBEngine().sql("select * from input", {"input": stream(instants(1000, 2000))}) as result:
        assert len(rows_of(result)) == 2
    with (
        pytest.raises(DataError, match=r"column at(.|\n)*--types 'at=text'"),
        DuckDBEngine().sql("select * from input", {"input": stream(instants(1001))}) as result,
    ):
        rows_of(result)


def test_decimals_and_local_nanoseconds_pass_unchanged() -> None:
    exact = pa.record_batch(
        {
            "d": pa.array([Decimal("0.000000000000000001")], pa.decimal128(38, 18)),
            "t": pa.array([1], pa.timestamp("ns")),
            "u": pa.array([2**64 - 1], pa.uint64()),
        }
    )
    with DuckDBEngine().sql("select * from input", {"input": stream(exact)}) as result:
        (batch,) = list(result)
    assert batch.rows.equals(exact)


@pytest.mark.parametrize("sql", ["select * from read_csv('/etc/passwd')", "install httpfs", "selec 1"])
def test_sql_reaches_its_inputs_and_nothing_else(sql: str) -> None:
    with pytest.raises((UserError, DataError)), DuckDBEngine().sql(sql, {"input": stream(ROWS)}) as result:
        rows_of(result)


def test_a_value_that_fails_in_the_sql_is_the_datas_fault() -> None:
    with (
        pytest.raises(DataError, match="failed on a value"),
        DuckDBEngine().sql("select name::int from input", {"input": stream(ROWS)}) as result,
    ):
        rows_of(result)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([-1], pa.duration("ns")),
        pa.array([2**63 - 1], pa.duration("us")),
        pa.array([2**62], pa.duration("s")),
        pa.array([(0, 0, 1)], pa.month_day_nano_interval()),
        pa.array([[{"d": np.timedelta64(1, "ns")}]], pa.list_(pa.struct([("d", pa.duration("ns"))]))),
        pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int8())),
        pa.array([2**63 - 1], pa.timestamp("us")),
    ],
    ids=str,
)
def test_a_value_that_duckdb_would_change_stops_by_its_columns_name(values: pa.Array) -> None:
    rows = pa.record_batch([values], names=["odd"])
    with (
        pytest.raises(DataError, match="column odd"),
        DuckDBEngine().sql("select * from input", {"input": stream(rows)}) as result,
    ):
        rows_of(result)


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("odd", pa.struct([("", pa.int8())])),
        ("odd", pa.list_(pa.struct([("a", pa.struct([("", pa.int8())]))]))),
        ("odd", pa.decimal128(5, -2)),
        ("ID", pa.int8()),
        ("", pa.int8()),
    ],
)
def test_a_column_that_duckdb_would_rename_or_cannot_hold_is_refused_by_its_name(name: str, type: pa.DataType) -> None:
    schema = pa.schema([("Id", pa.int8()), (name, type)])
    with pytest.raises(Refused, match=name or "''"):
        DuckDBEngine().result_schema("select * from input", {"input": schema})


def test_a_condition_does_not_ask_of_other_columns_what_duckdb_cannot_hold() -> None:
    names = ["odd", "hundreds", "", "n", "N "]
    columns = [pa.array([2**63 - 1], pa.duration("s")), pa.nulls(1, pa.decimal128(5, -2)), *[pa.array([7])] * 3]
    rows = pa.record_batch(columns, names=names)
    with DuckDBEngine().where("n = 7", rows.schema) as keep:
        assert keep(Batch(rows, Counted("t")))[0].rows.equals(rows)
    with DuckDBEngine().where("1 = 1", rows.schema) as keep:
        assert keep(Batch(rows, Counted("t")))[0].rows.equals(rows)
    with (
        pytest.raises(Refused, match="'Id'"),
        DuckDBEngine().where("ID > 1", pa.schema({"Id": pa.int8(), "ID": pa.int8()})),
    ):
        pass


def test_rows_without_columns_are_filtered_and_not_queried() -> None:
    rows = pa.RecordBatch.from_struct_array(pa.array([{}, {}], pa.struct([])))
    with DuckDBEngine().where("1 = 1", rows.schema) as keep:
        assert keep(Batch(rows, Counted("t")))[1] == 0
    with pytest.raises(Refused, match="without columns"):
        DuckDBEngine().result_schema("select 1 as n from input", {"input": rows.schema})


@pytest.mark.parametrize(
    "value",
    [
        "interval '2562047:47:16.854775'",
        "interval '-2562047:47:16.854775'",
        "interval '400 years'",
        "interval '-5 months 200000 days -00:00:00.000001'",
        "['2026-01-01'::date, null]",
        "{'a': interval '1 hour', 'b': null::interval}",
        "map {'a': null::interval}",
        "time '23:59:59.999999'",
        "99999999999999999999999999999999999999::hugeint",
        "timestamp_ns '2262-04-11 23:47:16.854775806'",
        "null::interval",
    ],
)
def test_values_of_the_sqls_result_that_arrow_holds_come_out_as_they_are(value: str) -> None:
    with duckdb.connect() as plain:
        meant = plain.sql(f"select {value} as v").to_arrow_table()["v"]
    sql = f"select id, {value} as v from input order by id desc nulls last"
    with DuckDBEngine().sql(sql, {"input": stream(ROWS)}) as result:
        found = pa.Table.from_batches([batch.rows for batch in result], result.schema)
    assert found["id"].to_pylist() == [3, 2, 1, None]
    assert found["v"].type == meant.type
    assert found["v"].slice(0, 1).equals(meant)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("interval '2562047:47:16.854776'", "2562047:47:16.854776"),
        ("interval '-2562047:47:16.854776'", "-2562047:47:16.854776"),
        ("[interval '3000000' hour]", "['3000000:00:00']"),
        ("{'a': [interval '3000000' hour]}", "{'a': ['3000000:00:00']}"),
        ("map {'a': interval '3000000' hour}", "{a='3000000:00:00'}"),
        ("[['infinity'::date]]", "[[infinity]]"),
        ("'-infinity'::timestamp", "-infinity"),
        ("'infinity'::timestamp_s", "infinity"),
        ("'infinity'::timestamp_ns", "infinity"),
        ("'infinity'::timestamptz", "infinity"),
        ("time '24:00:00'", "24:00:00"),
        ("100000000000000000000000000000000000000::hugeint", "100000000000000000000000000000000000000"),
        ("100000000000000000000000000000000000000::uhugeint", "100000000000000000000000000000000000000"),
    ],
)
def test_values_that_duckdb_would_give_as_others_stop_the_sql_by_their_column(value: str, told: str) -> None:
    sql = f'select 1 as v, 2 as v, case when id = 2 then {value} end as "it\'s" from input'
    with pytest.raises(DataError) as caught, DuckDBEngine().sql(sql, {"input": stream(ROWS)}) as result:
        rows_of(result)
    assert f"column it's ({told}): DuckDB" in str(caught.value)
    assert "cast(... as varchar)" in caught.value.todo
    as_text = f"select cast(v as varchar) as v from (select {value} as v)"
    with DuckDBEngine().sql(as_text, {"input": stream(ROWS)}) as result:
        assert rows_of(result) == [{"v": told}]


@pytest.mark.parametrize("value", ["'12:00:00+05'::timetz", "'0101'::bit", "[{'a': '12:00:00+05'::timetz}]"])
def test_types_that_duckdb_gives_only_as_others_are_refused_before_a_row_is_read(value: str) -> None:
    with pytest.raises(Refused, match="column v: DuckDB gives"):
        DuckDBEngine().result_schema(f"select {value} as v from input", {"input": ROWS.schema})


def _wide(rows: int) -> Iterator[pa.RecordBatch]:
    for start in range(0, rows, 10_000):
        numbers = range(start, start + 10_000)
        yield pa.record_batch(
            {"id": list(numbers), "text": [f"{(number * 7919) % rows:09}" * 20 for number in numbers]}
        )


def test_a_sort_that_is_larger_than_its_memory_goes_to_disk_and_leaves_nothing_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    waited = False
    with DuckDBEngine(memory=48 << 20).sql("select * from t order by text", {"t": stream(*_wide(300_000))}) as result:
        ids = []
        for batch in result:
            waited = waited or any(tmp_path.glob(".towpath-sql.*.files/*"))
            ids += batch.rows.column("id").to_pylist()
    assert ids == sorted(range(300_000), key=lambda number: number * 7919 % 300_000)
    assert waited
    assert list(tmp_path.iterdir()) == []


def test_sql_does_without_a_place_on_disk_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    monkeypatch.chdir(tmp_path)
    with DuckDBEngine().sql("select id from t order by id desc", {"t": stream(ROWS)}) as result:
        assert [row["id"] for row in rows_of(result)] == [3, 2, 1, None]
    assert list(tmp_path.iterdir()) == []


def test_sql_that_needs_more_memory_than_it_may_use_says_so() -> None:
    together = "select list(text) as texts from t"
    inputs = {"t": stream(*_wide(200_000))}
    with (
        pytest.raises(Refused, match="the SQL needs more memory") as refused,
        DuckDBEngine(memory=16 << 20).sql(together, inputs) as result,
    ):
        list(result)
    assert refused.value.code == "memory-short"
    assert "--memory" in str(refused.value)
    assert "Possible solutions" not in str(refused.value)
