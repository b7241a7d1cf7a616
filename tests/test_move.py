"""The mover end to end, on real files and databases: each promise tried by an attempt to break it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from towpath import move
from towpath.deadletters import kept
from towpath.errors import Conflict, DataError, Refused, UserError
from towpath.ground import prepare
from towpath.job import InputSpec, JobSpec, OutputSpec, RuleSpec
from towpath.joins.table_load import TableLoad
from towpath.nouns import Guarantee, Mode
from towpath.planning import plan
from towpath.receipt import Receipt
from towpath.replay import replay


def job(source: Path | str, to: Path | str, **others: Any) -> JobSpec:
    options = others.pop("options", {})
    return JobSpec({"input": InputSpec(str(source), options=options)}, OutputSpec(str(to)), **others)


def copy(source: Path | str, to: Path | str, **others: Any) -> Receipt:
    return move.run(job(source, to, **others))


def table(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def big_csv(path: Path, last: str, rows: int = 200_000) -> Path:
    lines = "".join(f"{10000 + n % 80000},{n}\n" for n in range(rows))
    return write(path, f"zip,n\n{lines}{last}\n")


@pytest.mark.parametrize(
    ("last", "type"),
    [("00501", pa.string()), ("123456789012345678901234567890", pa.decimal128(38, 0)), ("1e5", pa.string())],
)
def test_a_late_value_restarts_the_load_once_with_the_wider_type(tmp_path: Path, last: str, type: pa.DataType) -> None:
    source = big_csv(tmp_path / "a.csv", f"{last},1", rows=1_500_000 if last == "00501" else 900_000)
    receipt = copy(source, tmp_path / "a.parquet")
    made = pq.read_table(tmp_path / "a.parquet")
    assert made.schema.field("zip").type == type
    assert str(made["zip"][-1].as_py()) == last
    assert len([note for note in receipt.notes if "restarted once" in note]) == 1
    assert "zip" in receipt.notes[0]
    assert receipt.rows == made.num_rows


def test_rows_that_cannot_be_taken_back_are_written_once_and_in_the_types_of_all(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    source = big_csv(tmp_path / "a.csv", "0.50x,1", rows=900_000)
    receipt = move.run(JobSpec({"input": InputSpec(str(source))}, OutputSpec("-", format="csv")))
    assert capfdbinary.readouterr().out == source.read_bytes()
    assert any("read once for its types" in note for note in receipt.notes)
    move.run(JobSpec({"input": InputSpec(str(source))}, OutputSpec("-", format="csv"), limit=2, all_text=True))
    assert capfdbinary.readouterr().out == b"zip,n\n10000,0\n10001,1\n"


@pytest.mark.parametrize("how", [{"types": {"zip": "string", "n": "int64"}}, {"all_text": True}, {}])
def test_types_that_are_known_cost_no_pass_before_the_first_row(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], how: dict[str, Any]
) -> None:
    source = big_csv(tmp_path / "a.csv", "1,1", rows=3 if not how else 900_000)
    receipt = move.run(JobSpec({"input": InputSpec(str(source))}, OutputSpec("-", format="csv"), **how))
    assert capfdbinary.readouterr().out == source.read_bytes()
    assert not receipt.notes


def test_the_type_is_the_same_whatever_the_sample_saw(tmp_path: Path) -> None:
    first = write(tmp_path / "first.csv", "zip\n00501\n" + "12345\n" * 100)
    last = write(tmp_path / "last.csv", "zip\n" + "12345\n" * 100 + "00501\n")
    digests = {copy(path, path.with_suffix(".parquet")).digest for path in (first, last)}
    assert len(digests) == 1


def test_a_pinned_type_stops_at_the_first_bad_row_and_publishes_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,n\n1,5\n2,x7\n3,y\n")
    with pytest.raises(DataError) as caught:
        copy(source, tmp_path / "a.parquet", types={"n": "int64"})
    assert "a.csv:3" in str(caught.value)
    assert "x7" in str(caught.value)
    assert "--bad-rows" in caught.value.todo
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv"]


def test_existing_columns_pin_the_types_of_text(tmp_path: Path) -> None:
    to = f"duckdb:///{tmp_path}/w.db#t"
    copy(write(tmp_path / "a.csv", "id,code\n1,A1\n"), to)
    copy(write(tmp_path / "b.csv", "id,code\n2,77\n"), to, mode=Mode.APPEND)
    assert table(tmp_path / "w.db", "select * from t order by id") == [(1, "A1"), (2, "77")]
    with pytest.raises(DataError, match="c.csv:2"):
        copy(write(tmp_path / "c.csv", "id,code\nnone,78\n"), to, mode=Mode.APPEND)
    assert table(tmp_path / "w.db", "select count(*) from t") == [(2,)]


def test_columns_that_are_not_selected_are_not_pinned_by_the_destination(tmp_path: Path) -> None:
    to = f"duckdb:///{tmp_path}/w.db#t"
    copy(write(tmp_path / "a.csv", "id,note\n1,7\n"), to)
    copy(write(tmp_path / "b.csv", "id,note\n2,words\n"), to, mode=Mode.APPEND, select=("id",))
    assert table(tmp_path / "w.db", "select * from t order by id") == [(1, 7), (2, None)]


def test_bad_rows_are_kept_with_place_bytes_and_reason_and_replayed_after_the_fix(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", 'id,n\n1,10\n2,x7\n3\n4,40\n5,"50\n')
    bad = tmp_path / "bad"
    to = f"duckdb:///{tmp_path}/w.db#t"
    receipt = copy(source, to, types={"n": "int64"}, bad_rows=str(bad))
    assert (receipt.rows, receipt.set_aside) == (2, 3)
    (load,) = kept(bad)
    rows = list(load.rows())
    assert [(row.place.line, row.place.raw) for row in rows] == [(3, b"2,x7"), (4, b"3"), (6, b'5,"50')]
    assert all(row.reason for row in rows)
    file = load.folder / "rows.jsonl"
    mended = [json.loads(line) for line in file.read_text().splitlines()]
    for row, raw in zip(mended, ("2,7\n", "3,30\n", '5,"50"\n'), strict=True):
        row["raw"] = raw
    file.write_text("".join(json.dumps(row) + "\n" for row in mended))
    (again,) = replay(bad)
    assert again.rows == 3
    assert table(tmp_path / "w.db", "select id, n from t order by id") == [(1, 10), (2, 7), (3, 30), (4, 40), (5, 50)]
    with pytest.raises(Refused, match="no bad rows"):
        replay(bad)


def test_rows_of_a_typed_source_meet_every_transformation_when_they_are_replayed(tmp_path: Path) -> None:
    source, bad, to = tmp_path / "a.parquet", tmp_path / "bad", f"duckdb:///{tmp_path}/w.db#t"
    pq.write_table(pa.table({"id": [1, 2, 3], "n": ["10", "x", "y"]}), source)
    shape: dict[str, Any] = {"types": {"n": "int64"}, "where": "id <> 3", "rename": {"n": "amount"}}
    assert copy(source, to, bad_rows=str(bad), **shape).set_aside == 2
    (load,) = kept(bad)
    file = load.folder / "rows.jsonl"
    file.write_text(file.read_text().replace('"n": "x"', '"n": "20"').replace('"n": "y"', '"n": "30"'))
    (again,) = replay(bad)
    assert (again.rows, again.set_aside) == (1, 0)
    assert table(tmp_path / "w.db", "select id, amount from t order by id") == [(1, 10), (2, 20)]


def test_a_replayed_row_that_is_bad_again_is_kept_again(tmp_path: Path) -> None:
    bad, to = tmp_path / "bad", f"duckdb:///{tmp_path}/w.db#t"
    copy(write(tmp_path / "a.csv", "n\n1\nx\n"), to, types={"n": "int64"}, bad_rows=str(bad))
    (receipt,) = replay(bad)
    assert (receipt.rows, receipt.set_aside) == (0, 1)
    assert [row.place.raw for load in kept(bad) for row in load.rows()] == [b"x"]


def test_bad_rows_outlive_a_run_that_died_right_after_publishing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "a.csv", "n\n1\nx\n")
    bad, to = tmp_path / "bad", f"duckdb:///{tmp_path}/w.db#t"
    spec = job(source, to, types={"n": "int64"}, bad_rows=str(bad), step="p/s", mode=Mode.APPEND)
    publish = TableLoad.publish

    def dying(load: TableLoad, *states: Any) -> Any:
        publish(load, *states)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TableLoad, "publish", dying)
        with pytest.raises(KeyboardInterrupt):
            move.run(spec)
    assert kept(bad) == []
    assert move.run(spec).status == "unchanged"
    assert [row.place.raw for load in kept(bad) for row in load.rows()] == [b"x"]


def test_a_refused_load_leaves_no_bad_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "a.csv", "n\n1\nx\n")
    to, bad = f"duckdb:///{tmp_path}/w.db#t", tmp_path / "bad"

    def refusing(load: TableLoad, *states: Any) -> Any:
        raise Conflict("another run came first")

    monkeypatch.setattr(TableLoad, "publish", refusing)
    with pytest.raises(Conflict):
        copy(source, to, types={"n": "int64"}, bad_rows=str(bad))
    assert list(bad.iterdir()) == []


def test_rows_that_break_a_rule_are_set_aside_with_their_bytes_and_replayed_once_mended(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,n\n1,5\n2,500\n2,6\n,7\n")
    rules = (
        RuleSpec("not_null", ("id",)),
        RuleSpec("unique", ("id",)),
        RuleSpec("range", ("n",), (0, 100)),
    )
    bad, to = tmp_path / "bad", f"duckdb:///{tmp_path}/w.db#t"
    receipt = copy(source, to, rules=rules, bad_rows=str(bad))
    assert (receipt.rows, receipt.set_aside) == (1, 3)
    assert "rules    4 given = 1 accepted + 3 set aside" in receipt.books_lines
    (load,) = kept(bad)
    assert [(row.place.line, row.column) for row in load.rows()] == [(3, "n"), (4, "id"), (5, "id")]
    file = load.folder / "rows.jsonl"
    assert [row.place.raw for row in load.rows()] == [b"2,500", b"2,6", b",7"]
    mended = file.read_text().replace('"2,500"', '"2,50"').replace('",7"', '"9,7"')
    file.write_text(mended.replace('"2,6"', '"3,6"'))
    (again,) = replay(bad)
    assert (again.rows, again.set_aside) == (3, 0)
    assert table(tmp_path / "w.db", "select id, n from t order by n") == [(1, 5), (3, 6), (9, 7), (2, 50)]


def test_a_named_step_moves_nothing_when_nothing_is_new(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,n\n1,5\n")
    for to in (
        f"duckdb:///{tmp_path}/w.db#t",
        f"sqlite:///{tmp_path}/w.sqlite#t",
        tmp_path / "o.parquet",
        f"{tmp_path}/o/",
    ):
        spec = job(source, to, step="p/s", mode=Mode.REPLACE)
        assert move.run(spec).status == "done"
        assert plan(spec).unchanged
        again = move.run(spec)
        assert (again.status, again.rows) == ("unchanged", 0)
        assert "nothing new in" in again.why


def test_append_reads_only_new_files_and_refuses_a_changed_one_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / "1.csv", "id\n1\n")
    spec = job(folder / "*.csv", f"duckdb:///{tmp_path}/w.db#t", step="p/s", mode=Mode.APPEND)
    move.run(spec)
    write(folder / "2.csv", "id\n2\n3\n")
    assert move.run(spec).rows == 2
    assert table(tmp_path / "w.db", "select id from t order by id") == [(1,), (2,), (3,)]
    write(folder / "1.csv", "id\n1\n4\n")
    with pytest.raises(Refused, match=r"1\.csv"):
        move.run(spec)
    assert table(tmp_path / "w.db", "select count(*) from t") == [(3,)]


def test_merge_reads_a_changed_file_again_and_counts_what_it_did(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,n\n1,10\n2,20\n")
    spec = job(source, f"duckdb:///{tmp_path}/w.db#t", step="p/s", mode=Mode.MERGE, key=("id",))
    first = move.run(spec)
    assert (first.inserted, first.updated, first.unchanged) == (2, 0, 0)
    write(source, "id,n\n1,10\n2,21\n3,30\n")
    second = move.run(spec)
    assert (second.inserted, second.updated, second.unchanged, second.rows) == (1, 1, 1, 3)
    assert table(tmp_path / "w.db", "select * from t order by id") == [(1, 10), (2, 21), (3, 30)]


def test_a_merge_of_more_rows_than_one_row_group_of_duckdb_loses_none(tmp_path: Path) -> None:
    # DuckDB 2.0 dropped them all when the staging table came from `create table as` in the same transaction.
    source = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": range(130_000), "n": range(130_000)}), source)
    spec = job(source, f"duckdb:///{tmp_path}/w.db#t", mode=Mode.MERGE, key=("id",))
    assert move.run(spec).inserted == 130_000
    assert move.run(spec).unchanged == 130_000
    assert table(tmp_path / "w.db", "select count(*), sum(n) from t") == [(130_000, 130_000 * 129_999 // 2)]


def test_a_cursor_reads_onwards(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("create table t (id integer, n text)")
        connection.executemany("insert into t values (?, ?)", [(1, "a"), (2, "b")])
    connection.close()
    source = InputSpec(f"sqlite:///{tmp_path}/s.db#t", cursor="id", monotonic=True)
    spec = JobSpec({"input": source}, OutputSpec(f"duckdb:///{tmp_path}/w.db#t"), Mode.APPEND, step="p/s")
    assert move.run(spec).rows == 2
    assert move.run(spec).status == "unchanged"
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("insert into t values (3, 'c')")
    connection.close()
    assert move.run(spec).rows == 1
    assert table(tmp_path / "w.db", "select * from t order by id") == [(1, "a"), (2, "b"), (3, "c")]


def test_a_changed_step_is_refused_with_both_ways_out(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,n\n1,5\n2,6\n")
    spec = job(source, f"duckdb:///{tmp_path}/w.db#t", step="p/s", mode=Mode.REPLACE)
    move.run(spec)
    changed = spec.with_(where="n > 5")
    with pytest.raises(Refused) as caught:
        move.run(changed)
    assert "--full-refresh" in caught.value.todo
    assert "--accept-plan" in caught.value.todo
    assert move.run(changed, full_refresh=True).rows == 1


def test_a_vanished_destination_is_loaded_again_whole(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id\n1\n")
    spec = job(source, tmp_path / "o.parquet", step="p/s", mode=Mode.APPEND)
    move.run(spec)
    (tmp_path / "o.parquet").unlink()
    assert move.run(spec).rows == 1


@pytest.mark.parametrize("more", [True, False])
def test_two_runs_at_once_are_told_apart_by_the_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: bool
) -> None:
    write(tmp_path / "1.csv", "id\n1\n2\n")
    for to in (f"duckdb:///{tmp_path}/w.db#t", f"{tmp_path}/o.parquet", f"{tmp_path}/o/"):
        (tmp_path / "2.csv").unlink(missing_ok=True)
        spec = job(tmp_path / "*.csv", to, step="p/s", mode=Mode.APPEND)
        real, inner = prepare, []

        def overtaken(*args: Any, **options: Any) -> Any:
            ground = real(*args, **options)  # noqa: B023
            if not inner:  # noqa: B023
                inner.append(True)  # noqa: B023
                if more:
                    write(tmp_path / "2.csv", "id\n3\n")
                move.run(spec)  # noqa: B023
            return ground

        monkeypatch.setattr(move, "prepare", overtaken)
        if more:
            with pytest.raises(Conflict):
                move.run(spec)
        else:  # the same load by the same id: publishing it twice is publishing it once
            move.run(spec)
        copy(to, tmp_path / "seen.csv", mode=Mode.REPLACE)
        assert (tmp_path / "seen.csv").read_text() == "id\n1\n2\n" + ("3\n" if more else "")
        monkeypatch.setattr(move, "prepare", real)
        (tmp_path / "seen.csv").unlink()


def test_create_stops_at_what_exists_and_names_the_choices(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id\n1\n")
    for to in (
        tmp_path / "o.csv",
        f"{tmp_path}/o/",
        f"duckdb:///{tmp_path}/w.db#t",
        f"sqlite:///{tmp_path}/w.sqlite#t",
    ):
        copy(source, to)
        with pytest.raises(UserError) as caught:
            copy(source, to)
        assert "replace" in str(caught.value)
        assert "append" in str(caught.value)


def test_a_lesser_guarantee_than_required_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id\n1\n")
    with pytest.raises(Refused, match="recoverable, and atomic is required"):
        copy(source, tmp_path / "o.parquet", require=Guarantee.ATOMIC)
    copy(source, f"duckdb:///{tmp_path}/w.db#t", require=Guarantee.ATOMIC)


def test_a_value_that_the_destination_cannot_hold_stops_the_load_or_is_set_aside_or_is_allowed(tmp_path: Path) -> None:
    source = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [1, 2], "x": [1.5, float("nan")]}), source)
    to = f"sqlite:///{tmp_path}/w.sqlite#t"
    with pytest.raises(DataError, match="column x"):
        copy(source, to)
    assert copy(source, to, bad_rows=str(tmp_path / "bad")).set_aside == 1
    receipt = copy(source, f"sqlite:///{tmp_path}/v.sqlite#t", allow_lossy=("x",))
    assert receipt.rows == 2
    assert any("allowed to lose" in note for note in receipt.notes)
    with pytest.raises(UserError, match="did you mean 'id'"):
        copy(source, f"sqlite:///{tmp_path}/u.sqlite#t", allow_lossy=("idd",))


def test_select_where_rename_and_cast_keep_the_books(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,amount,note\n1,50,a\n2,150,b\n3,,c\n")
    receipt = copy(
        source,
        tmp_path / "o.jsonl",
        where="amount > 100",
        select=("id", "amount"),
        rename={"amount": "cents"},
        cast={"cents": "decimal(10,2)"},
    )
    assert (tmp_path / "o.jsonl").read_text() == '{"id":2,"cents":150.00}\n'
    assert receipt.books_lines == [
        "read     3 given = 3 accepted",
        "where    3 given = 1 accepted + 2 filtered",
        "cast     1 given = 1 accepted",
        "write    1 given = 1 accepted",
    ]


def test_sql_groups_several_inputs(tmp_path: Path) -> None:
    orders = write(tmp_path / "orders.csv", "id,shop\n1,a\n2,a\n3,b\n")
    shops = write(tmp_path / "shops.csv", "shop,name\na,Anna\nb,Ben\n")
    spec = JobSpec(
        {"orders": InputSpec(str(orders)), "shops": InputSpec(str(shops))},
        OutputSpec(str(tmp_path / "o.csv")),
        sql="select name, count(*) as n from orders join shops using (shop) group by name order by name",
    )
    receipt = move.run(spec)
    assert (tmp_path / "o.csv").read_text() == "name,n\nAnna,2\nBen,1\n"
    assert "sql      5 given -> 2 accepted" in receipt.books_lines


def test_sql_with_a_limit_still_balances(tmp_path: Path) -> None:
    source = big_csv(tmp_path / "a.csv", "1,2")
    assert copy(source, tmp_path / "o.csv", sql="select * from input limit 3").rows == 3


def test_a_python_step_shapes_batches_and_frames(tmp_path: Path) -> None:
    write(
        tmp_path / "shaping.py",
        "import narwhals as nw\nimport pyarrow.compute as pc\n"
        "def doubled(rows):\n    return rows.append_column('twice', pc.multiply(rows['n'], 2))\n"
        "def big(rows: nw.DataFrame):\n    return rows.filter(nw.col('n') > 1)\n"
        "def broken(rows):\n    return rows['nosuch']\n",
    )
    source = write(tmp_path / "a.csv", "n\n1\n2\n")
    copy(source, tmp_path / "o.csv", python="shaping:doubled", folder=str(tmp_path))
    assert (tmp_path / "o.csv").read_text() == "n,twice\n1,2\n2,4\n"
    copy(source, tmp_path / "p.csv", python="shaping:big", folder=str(tmp_path))
    assert (tmp_path / "p.csv").read_text() == "n\n2\n"
    with pytest.raises(DataError, match=r"shaping\.py:8|shaping:broken"):
        copy(source, tmp_path / "q.csv", python="shaping:broken", folder=str(tmp_path))


def test_the_plan_writes_nothing_and_says_what_the_run_does(tmp_path: Path) -> None:
    source = big_csv(tmp_path / "a.csv", "1,2", rows=900_000)
    to = tmp_path / "w.db"
    made = plan(job(source, f"duckdb:///{to}#t"))
    assert not to.exists()
    text = "\n".join(made.lines())
    assert made.offer is not None
    assert made.offer.ddl
    for word in ("create", "atomic", "int64 (from sample)", "adapters/format/csv.py", "exact", "ddl"):
        assert word in text
    json.dumps(made.as_json())


def test_the_digest_is_the_same_by_every_route(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", 'id,name,d\n1,x,2024-01-02\n2,"",\n3,"é\n",2024-02-03\n')
    digests = set()
    for to in ("o.parquet", "o.arrow", "o.csv.gz", "o.jsonl.zst"):
        digests.add(copy(source, tmp_path / to).digest)
    digests.add(copy(tmp_path / "o.parquet", f"duckdb:///{tmp_path}/w.db#t").digest)
    digests.add(copy(f"duckdb:///{tmp_path}/w.db#t", f"sqlite:///{tmp_path}/w.sqlite#t").digest)
    digests.add(copy(f"sqlite:///{tmp_path}/w.sqlite#t", tmp_path / "back.csv").digest)
    digests.add(copy(tmp_path / "o.csv.gz", tmp_path / "again.parquet").digest)
    assert len(digests) == 1


def test_a_stopped_run_is_kept_in_the_history(tmp_path: Path) -> None:
    from towpath import history

    with pytest.raises(Refused):
        copy(tmp_path / "nosuch.csv", tmp_path / "o.csv")
    (last,) = history.latest(1)
    assert last.status == "stopped"
    assert "nosuch.csv" in last.why
