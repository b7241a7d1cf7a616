"""The suite of the engine seam: SQL and conditions over streams, their counts, and who closes what."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest

from towpath.conformance.carry import assert_same, table
from towpath.conformance.cases import CASES, Case
from towpath.conformance.suite import Suite, promise
from towpath.errors import DataError, UserError
from towpath.seams.engine import Engine
from towpath.stream import Batch, Counted, Stream

NUMBERS = pa.schema({"id": pa.int64(), "amount": pa.int64()})


class EngineSuite(Suite):
    """Holds an engine to `towpath.seams.engine`."""

    seam: ClassVar[str] = "engine"

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Engine:
        return self.make(tmp_path)

    @promise()
    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
    def test_values_pass_through_sql_as_they_were(self, engine: Engine, case: Case) -> None:
        sent = case.rows()
        assert_same(sent, run(engine, "select * from input", input=stream(sent)))

    @promise("where/{case}")
    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
    def test_a_condition_leaves_values_as_they_were(self, engine: Engine, case: Case) -> None:
        sent = case.rows()
        probe = sent.append_column("towpath_row", pa.array(range(sent.num_rows), pa.int64()))
        with engine.where("towpath_row >= 0", probe.schema) as keep:
            kept, left = keep(Batch(probe, Counted("t")))
        assert left == 0
        assert kept.rows.schema.equals(probe.schema)
        assert_same(sent, pa.Table.from_batches([kept.rows]).select(sent.schema.names))

    @promise("where/counts")
    def test_a_condition_counts_what_it_leaves_out_and_null_is_not_true(self, engine: Engine) -> None:
        rows = numbers((1, 10), (2, None), (3, 5), (4, 20), (5, None))
        with engine.where("amount > 7", rows.schema) as keep:
            kept, left = keep(Batch(rows, Counted("orders")))
            assert kept.rows.column("id").to_pylist() == [1, 4]
            assert left == 3
            assert [str(kept.origin.place(row)) for row in range(2)] == ["orders row 1", "orders row 4"]
            again, none = keep(Batch(numbers((6, 8)), Counted("orders", 6)))
            assert (len(again), none) == (1, 0)
            assert str(again.origin.place(0)) == "orders row 6"
            nothing, all_of = keep(Batch(numbers((7, None), (8, 1)), Counted("orders", 7)))
            assert (len(nothing), all_of) == (0, 2)
            empty, zero = keep(Batch(numbers(), Counted("orders", 9)))
            assert (len(empty), zero) == (0, 0)

    @promise("where/wrong")
    @pytest.mark.parametrize("condition", ["missing > 1", "amount >", "amount > 1; drop table batch", ""])
    def test_a_wrong_condition_is_the_users_error(self, engine: Engine, condition: str) -> None:
        with pytest.raises(UserError), engine.where(condition, NUMBERS):
            pass

    @promise("where/order")
    def test_a_condition_keeps_the_order_of_many_rows(self, engine: Engine) -> None:
        rows = numbers(*((number, number % 3) for number in range(50_000)))
        with engine.where("amount = 0", rows.schema) as keep:
            kept, left = keep(Batch(rows, Counted("t")))
        assert kept.rows.column("id").to_pylist() == list(range(0, 50_000, 3))
        assert left == 50_000 - len(kept)

    @promise("sql/schema")
    def test_the_announced_schema_is_the_results_and_reads_no_rows(self, engine: Engine) -> None:
        sql = "select id, amount / 2 as half, 'x' as word, null as nothing from input where amount > 1"
        announced = engine.result_schema(sql, {"input": NUMBERS})
        got = run(engine, sql, input=stream(numbers((1, 10), (2, 1))))
        assert got.schema.equals(announced)
        assert got.schema.names == ["id", "half", "word", "nothing"]
        assert got.num_rows == 1

    @promise("sql/join")
    def test_sql_reads_several_inputs_by_name(self, engine: Engine) -> None:
        names = pa.record_batch([pa.array([1, 2], pa.int64()), pa.array(["one", "two"])], names=["id", "name"])
        sql = "select name, sum(amount) as total from orders join names using (id) group by name order by name"
        got = run(engine, sql, orders=stream(numbers((1, 10), (2, 5), (1, 1), (3, 9))), names=stream(names))
        assert [(row["name"], int(row["total"])) for row in got.to_pylist()] == [("one", 11), ("two", 5)]

    @promise("sql/batches")
    def test_sql_reads_every_batch_of_its_input(self, engine: Engine) -> None:
        parts = [numbers(*((number, 1) for number in range(first, first + 1000))) for first in range(0, 9000, 1000)]
        got = run(engine, "select id from input order by id;", input=stream(*parts))
        assert got.column("id").to_pylist() == list(range(9000))

    @promise("sql/empty")
    def test_an_empty_input_gives_an_empty_result_with_its_schema(self, engine: Engine) -> None:
        got = run(engine, "select id, amount from input", input=Stream(NUMBERS, iter(())))
        assert got.num_rows == 0
        assert got.schema.equals(NUMBERS)

    @promise("sql/wrong")
    @pytest.mark.parametrize(
        "sql", ["selec id from input", "select missing from input", "select 1 from other", "(", ""]
    )
    def test_wrong_sql_is_the_users_error(self, engine: Engine, sql: str) -> None:
        with pytest.raises(UserError):
            engine.result_schema(sql, {"input": NUMBERS})
        with pytest.raises(UserError):
            run(engine, sql, input=stream(numbers((1, 1))))

    @promise("sql/value")
    def test_sql_that_fails_on_a_value_is_the_datas_error(self, engine: Engine) -> None:
        words = pa.record_batch([pa.array(["1", "x"])], names=["word"])
        with pytest.raises(DataError, match="x"):
            run(engine, "select cast(word as integer) as n from input", input=stream(words))

    @promise("sql/input-error")
    def test_an_error_of_an_input_comes_out_as_it_was(self, engine: Engine) -> None:
        def failing() -> Iterator[Batch]:
            yield Batch(numbers((1, 1)), Counted("t"))
            raise DataError("the source broke", where="orders.csv:2")

        with pytest.raises(DataError, match=r"orders\.csv:2: the source broke"):
            run(engine, "select sum(amount) as s from input", input=Stream(NUMBERS, failing()))

    @promise("sql/close")
    def test_leaving_early_closes_the_inputs(self, engine: Engine) -> None:
        closed = []

        def endless() -> Iterator[Batch]:
            try:
                for number in range(10_000):
                    yield Batch(numbers(*[(number, 1)] * 1000), Counted("t"))
            finally:
                closed.append(True)

        with engine.sql("select * from input", {"input": Stream(NUMBERS, endless())}) as result:
            next(iter(result))
        assert closed == [True]

    @promise("sql/memory")
    def test_a_row_wise_query_holds_only_a_few_batches(self, engine: Engine) -> None:
        alive: list[weakref.ref[pa.RecordBatch]] = []
        most = 0

        def batches() -> Iterator[Batch]:
            nonlocal most
            for first in range(0, 1_000_000, 10_000):
                ids = pa.array(range(first, first + 10_000), pa.int64())
                rows = pa.record_batch([ids, ids], schema=NUMBERS)
                alive.append(weakref.ref(rows))
                most = max(most, sum(ref() is not None for ref in alive))
                yield Batch(rows, Counted("t"))
                del rows

        count = 0
        with engine.sql("select id + 1 as id from input", {"input": Stream(NUMBERS, batches())}) as result:
            for batch in result:
                count += len(batch)
                del batch
        assert count == 1_000_000
        assert most <= 50


def numbers(*rows: tuple[int, int | None]) -> pa.RecordBatch:
    ids = pa.array([id for id, _ in rows], pa.int64())
    return pa.record_batch([ids, pa.array([amount for _, amount in rows], pa.int64())], schema=NUMBERS)


def stream(*parts: pa.RecordBatch) -> Stream:
    return Stream(parts[0].schema, (Batch(rows, Counted("input")) for rows in parts))


def run(engine: Engine, sql: str, **inputs: Stream) -> pa.Table:
    with engine.sql(sql, inputs) as result:
        return table(result.schema, [batch.rows for batch in result])
