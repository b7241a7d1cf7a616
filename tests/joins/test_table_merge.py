"""Merging by key: what counts as the same row, the same value, a good key; and the SQL that is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.joins.tablekit import back, load, rows, sql
from tests.joins.watchedkit import Indexing, Keying, Watched, WatchedSession
from towpath.errors import BooksDoNotBalance, DataError
from towpath.joins.table_merge import Merge, has_floats, textual
from towpath.nouns import Existing, Mode, Published


@pytest.fixture
def shop(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "shop.db")


def table(database: Any) -> Existing:
    with database.read() as session:
        found = session.table("t")
    assert found is not None
    return found


def merged(database: Watched, batch: pa.RecordBatch, key: tuple[str, ...] = ("id",), **options: Any) -> Published:
    """A merge as its schema is, whatever the columns of the table."""
    merge = Merge('"t"', table(database), batch.schema, key, database, "shop#t", **options)
    with database.write() as session:
        merge.begin(session)
        done = merge.finish(session, merge.stage(session, iter([batch])))
        session.commit()
    return done


def test_a_merge_says_what_it_does_in_this_sql(shop: Watched) -> None:
    sql(shop, 'create table t (id integer, "a b" real, name text, other blob)', "insert into t values (2, 2.5, 'b', 1)")
    shop.said.clear()
    batch = pa.record_batch({"id": [1, 2], "name": ["a", "b"], "a b": [1.5, 3.5]})
    assert merged(shop, batch) == Published(2, 1, 1, 0)
    same = '_new_."name" is not distinct from _old_."name"'
    assert shop.said == [
        'create temp table _towpath_stage ("id" INTEGER, "name" TEXT, "a b" REAL)',
        "2 rows into _towpath_stage",
        'update "t" as _old_ set "name" = _new_."name", "a b" = _new_."a b" from _towpath_stage as _new_'
        ' where _new_."id" = _old_."id" and not ('
        f'({same} and hex(_new_."name") is not distinct from hex(_old_."name"))'
        ' and (_new_."a b" is not distinct from _old_."a b"'
        ' and cast(_new_."a b" as varchar) is not distinct from cast(_old_."a b" as varchar)))',
        'insert into "t" ("id", "name", "a b") select _new_."id", _new_."name", _new_."a b"'
        ' from _towpath_stage as _new_ left join "t" as _old_ on _new_."id" = _old_."id" where _old_."id" is null',
        "drop table _towpath_stage",
        "commit",
    ]


def test_the_columns_of_a_key_are_met_one_and_all(shop: Watched) -> None:
    sql(shop, "create table t (a integer, b integer)")
    shop.said.clear()
    load(shop, rows(a=[1], b=[2]), Mode.MERGE, ("a", "b"))
    assert 'on _new_."a" = _old_."a" and _new_."b" = _old_."b" where _old_."a" is null' in shop.said[2]


def test_a_key_of_several_columns_and_of_text_is_met_to_the_letter(shop: Watched) -> None:
    sql(shop, "create table t (k text collate nocase, n integer, v text)", "insert into t values ('a', 1, 'x')")
    assert load(shop, rows(k=["A", "a", "a"], n=[1, 2, 1], v=["x"] * 3), Mode.MERGE, ("k", "n")) == Published(
        3, 2, 0, 1
    )
    assert load(shop, rows(k=["a", "A"], n=[1, 1], v=["y", "x"]), Mode.MERGE, ("k", "n")) == Published(2, 0, 1, 1)
    assert back(shop, "select * from t order by n, hex(k)") == [
        {"k": "A", "n": 1, "v": "x"},
        {"k": "a", "n": 1, "v": "y"},
        {"k": "a", "n": 2, "v": "x"},
    ]


@pytest.mark.parametrize("key", [("id",), ("k", "id"), ("k",)])
@pytest.mark.parametrize("served", [True, False])
def test_a_key_that_comes_twice_is_named_with_its_columns(tmp_path: Path, key: tuple[str, ...], served: bool) -> None:
    shop = Watched(tmp_path / "shop.db", served=served)
    sql(shop, "create table t (id integer, k text, v text)", "insert into t values (1, 'a', 'x')")
    told = {"id": "5", "k": "b"}
    with pytest.raises(DataError) as refused:
        load(shop, rows(id=[1, 5, 5], k=["a", "b", "b"], v=["x", "y", "z"]), Mode.MERGE, key, shown="shop#t")
    assert str(refused.value) == (
        f"shop#t: the key {', '.join(key)} = {', '.join(told[name] for name in key)}"
        " comes more than once in the rows to merge [key-doubled]\n"
        "  nothing was published; keep one row of each key (--dedupe 'latest COLUMN'), or choose a key that is unique"
    )
    assert len(back(shop)) == 1


def test_a_key_that_the_table_has_twice_is_told_when_a_row_would_meet_it(shop: Watched) -> None:
    sql(shop, "create table t (id integer, v text)", "insert into t values (1, 'a'), (1, 'b')")
    with pytest.raises(DataError) as refused:
        load(shop, rows(id=[1], v=["a"]), Mode.MERGE, ("id",), shown="shop#t")
    assert str(refused.value) == (
        "shop#t: the key id = 1 belongs to several rows of the table [key-doubled]\n"
        "  nothing was published; delete all but one of them, or choose a key that is unique"
    )
    assert load(shop, rows(id=[2], v=["c"]), Mode.MERGE, ("id",)) == Published(1, 1)


@pytest.mark.parametrize(
    ("declared", "joined"),
    [("", True), ("primary key (id)", False), ("primary key (id, k)", False), ("primary key (k, v)", True)],
)
def test_a_table_is_not_looked_through_for_keys_that_it_keeps_apart_itself(
    shop: Watched, monkeypatch: pytest.MonkeyPatch, declared: str, joined: bool
) -> None:
    sql(shop, f"create table t (id integer, k integer, v text{declared and ', ' + declared})")
    sql(shop, "insert into t values (1, 1, 'a')")
    looked = []
    whole = Merge._refuse_doubled_keys

    def watched(merge: Merge, session: Any, rows: str, what: str, todo: str) -> None:
        looked.append("join" in rows)
        whole(merge, session, rows, what, todo)

    monkeypatch.setattr(Merge, "_refuse_doubled_keys", watched)
    batch = rows(id=[1, 2], k=[1, 1], v=["b", "c"])
    assert load(shop, batch, Mode.MERGE, ("id", "k")) == Published(2, 1, 1, 0)
    assert any(looked) is joined


def test_a_key_that_is_null_is_told_with_its_rows_and_what_to_do(shop: Watched) -> None:
    sql(shop, "create table t (id integer, k integer)")
    batch = rows(id=pa.array([1, None, None]), k=pa.array([1, 2, 3]))
    with pytest.raises(DataError) as refused:
        load(shop, batch, Mode.MERGE, ("k", "id"), shown="shop#t")
    assert str(refused.value) == (
        "shop#t: the key column id is null in 2 of the rows to merge [key-null]\n"
        "  nothing was published; leave such rows out (--where), set them aside"
        " (--rule 'not_null: id' with --bad-rows DIR), or choose another key"
    )


def test_the_tables_own_key_may_not_be_null_either(shop: Watched) -> None:
    """SQLite would choose a number."""
    sql(shop, "create table t (id integer primary key, k integer, v text)")
    with pytest.raises(DataError, match="key column id is null in 1 of the rows"):
        load(shop, rows(id=pa.array([None], pa.int64()), k=[1]), Mode.MERGE, ("k",))
    assert load(shop, rows(k=[1], v=["a"]), Mode.MERGE, ("k",)) == Published(1, 1)


def test_a_long_key_is_told_by_its_beginning(shop: Watched) -> None:
    load(shop, rows(k=["a"]), Mode.CREATE)
    with pytest.raises(DataError, match=r"the key k = x+\S{0,3} comes more") as refused:
        load(shop, rows(k=["x" * 10_000] * 2), Mode.MERGE, ("k",))
    assert len(refused.value.what) < 300


def test_rows_that_are_as_they_were_are_not_touched(shop: Watched) -> None:
    load(shop, rows(id=[1, 2, 3], v=["a", None, ""], x=[0.5, None, 1e300]), Mode.CREATE)
    sql(shop, "create trigger no before update on t begin select raise(abort, 'touched'); end")
    assert load(shop, rows(id=[1, 2, 3], v=["a", None, ""], x=[0.5, None, 1e300]), Mode.MERGE, ("id",)) == Published(
        3, 0, 0, 3
    )
    with pytest.raises(DataError, match="touched"):
        load(shop, rows(id=[1], v=["b"], x=[0.5]), Mode.MERGE, ("id",))


@pytest.mark.parametrize(
    ("before", "after"), [("'a'", "A"), ("'a'", None), ("null", "a"), ("''", None), ("null", ""), ("'a'", "a\0")]
)
def test_a_text_that_differs_in_anything_is_another(shop: Watched, before: str, after: str | None) -> None:
    sql(shop, "create table t (id integer, v text collate nocase)", f"insert into t values (1, {before})")
    batch = rows(id=[1], v=pa.array([after], pa.string()))
    assert load(shop, batch, Mode.MERGE, ("id",)) == Published(1, 0, 1)
    assert load(shop, batch, Mode.MERGE, ("id",)) == Published(1, 0, 0, 1)
    assert back(shop, "select v from t") == [{"v": after}]


def test_columns_about_the_load_change_no_row_that_has_them(shop: Watched) -> None:
    sql(shop, "create table t (id integer, v text, load text)", "insert into t values (1, 'a', 'one'), (2, 'b', null)")
    batch = rows(id=[1, 2, 3], v=["a", "b", "c"], load=["two"] * 3)
    assert merged(shop, batch, about_load=frozenset({"load"})) == Published(3, 1, 1, 1)
    assert [row["load"] for row in back(shop, "select load from t order by id")] == ["one", "two", "two"]
    assert merged(shop, rows(id=[1], v=["z"], load=["three"]), about_load=frozenset({"load"})).updated == 1
    assert back(shop, "select v, load from t where id = 1") == [{"v": "z", "load": "three"}]


def test_rows_of_keys_alone_change_nothing(shop: Watched) -> None:
    sql(shop, "create table t (id integer, v text)", "insert into t values (1, 'a')")
    shop.said.clear()
    assert load(shop, rows(id=[1, 2]), Mode.MERGE, ("id",)) == Published(2, 1, 0, 1)
    assert not any(statement.startswith("update") for statement in shop.said)


def test_a_stage_has_an_index_where_joins_take_one_to_be_fast(shop: Watched) -> None:
    shop.session = Indexing
    sql(shop, 'create table t (id integer, "a b" text, v text)')
    shop.said.clear()
    assert load(shop, pa.record_batch({"v": ["x"], "a b": ["k"], "id": [1]}), Mode.MERGE, ("id", "a b")).inserted == 1
    assert shop.said[0] == (
        'create temp table _towpath_stage ("v" TEXT, "a b" TEXT, "id" INTEGER,'
        " check ('\"id\" INTEGER; \"a b\" TEXT' <> ''))"
    )


@pytest.mark.parametrize(
    ("declared", "by_key"),
    [("", False), ("primary key (id)", False), ("primary key (k, id)", True), ("primary key (id, k, v)", False)],
)
def test_rows_are_found_by_the_tables_own_key_where_they_are_merged_by_it(
    shop: Watched, declared: str, by_key: bool
) -> None:
    shop.session = Keying
    sql(shop, f"create table t (id integer, k integer, v text{declared and ', ' + declared})")
    shop.said.clear()
    assert load(shop, rows(id=[1, 2], k=[1, 1], v=["b", "c"]), Mode.MERGE, ("id", "k")).inserted == 2
    found = [at for at, one in enumerate(shop.said) if one.startswith("2 rows by the key of")]
    assert len(found) == by_key
    if by_key:
        assert shop.said[found[0]] == '2 rows by the key of "t"'
        assert shop.said[found[0] + 1].startswith("update")


def test_staged_rows_are_marked_where_a_join_would_be_slow(tmp_path: Path) -> None:
    shop = Watched(
        tmp_path / "shop.db",
        temporary="create temp table {} ({}, met integer)",
        mark="update {stage} as _new_ set met = 1 from {table} as _old_ where {where}",
        unmet="where _new_.met is null",
        current=" -- now",
    )
    load(shop, rows(id=[1, 2], v=["a", "b"]), Mode.CREATE)
    assert load(shop, rows(id=[2, 3], v=["c", "d"]), Mode.MERGE, ("id",)) == Published(2, 1, 1, 0)
    assert len(back(shop)) == 3


class Looking(WatchedSession):
    """It says what it looks at, too."""

    def scalar(self, sql: str, values: Any = ()) -> Any:
        if "_old_" in sql:
            self.said.append(sql)
        return super().scalar(sql, values)


def test_keys_and_rows_are_looked_at_as_they_are_by_now(tmp_path: Path) -> None:
    shop = Watched(tmp_path / "shop.db", current=" -- now")
    load(shop, rows(id=[1], v=["a"]), Mode.CREATE)
    shop.session = Looking
    shop.said.clear()
    load(shop, rows(id=[1], v=["a"]), Mode.MERGE, ("id",))
    looks = [statement for statement in shop.said if statement.startswith("select")]
    met = 'from _towpath_stage as _new_ join "t" as _old_ on _new_."id" = _old_."id"'
    assert looks == [
        'select max(cast(_old_."id" as varchar)) from _towpath_stage as _old_ group by _old_."id"'
        " having count(*) > 1 limit 1 -- now",
        f'select max(cast(_old_."id" as varchar)) {met} group by _old_."id" having count(*) > 1 limit 1 -- now',
        f'select count(*) {met} and (_new_."v" is not distinct from _old_."v"'
        ' and hex(_new_."v") is not distinct from hex(_old_."v")) -- now',
    ]


def test_floats_that_the_database_did_not_keep_upset_the_books(shop: Watched) -> None:
    sql(
        shop,
        "create table t (id integer, x real)",
        "insert into t values (1, 1.5)",
        "create trigger quiet after update on t begin update t set x = 1.5; end",
    )
    with pytest.raises(BooksDoNotBalance) as refused:
        load(shop, rows(id=[1], x=[2.5]), Mode.MERGE, ("id",), shown="shop#t")
    assert str(refused.value) == (
        "shop#t: after the merge some values are not those that were sent [books-unbalanced]\n  nothing was published"
    )
    assert back(shop) == [{"id": 1, "x": 1.5}]


def test_only_zeros_whose_sign_changes_become_ones(tmp_path: Path) -> None:
    """Before the update, in a database that would take -0.0 for 0.0 (DuckDB)."""
    shop = Watched(tmp_path / "shop.db", updates_zero_signs=False)
    batch = pa.record_batch({"id": [1], "x": [1.5], "n": [1], "s": ["a"], "f": pa.array([1.5], pa.float32())})
    load(shop, batch, Mode.CREATE)
    shop.said.clear()
    load(shop, batch, Mode.MERGE, ("id",))
    changes = [statement for statement in shop.said if statement.startswith("update")][:-1]
    assert changes == [
        f'update "t" as _old_ set "{name}" = 1 from _towpath_stage as _new_ where _new_."id" = _old_."id"'
        f' and _new_."{name}" = 0 and _old_."{name}" = 0 and not (_new_."{name}" is not distinct from _old_."{name}"'
        f' and cast(_new_."{name}" as varchar) is not distinct from cast(_old_."{name}" as varchar))'
        for name in ("x", "f")
    ]


def test_what_arrow_has_as_text_is_text() -> None:
    assert [textual(type) for type in (pa.string(), pa.large_string(), pa.binary(), pa.int64())] == [
        True,
        True,
        False,
        False,
    ]
    assert textual(pa.string()) is True


def test_floats_are_found_however_deep() -> None:
    deep = pa.struct([("a", pa.int8()), ("b", pa.list_(pa.struct([("c", pa.float32())])))])
    for type in (pa.float16(), pa.float64(), deep, pa.map_(pa.string(), pa.float64()), pa.list_(pa.float64(), 2)):
        assert has_floats(type) is True, type
    for type in (pa.int8(), pa.decimal128(3, 1), pa.struct([]), pa.list_(pa.string()), pa.struct([("a", pa.int8())])):
        assert has_floats(type) is False, type
