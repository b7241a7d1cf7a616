"""The suite of tables as destinations: the publish protocol, and loading into tables that exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from towpath import assemble
from towpath.conformance.destination import DestinationSuite
from towpath.conformance.loads import OLD, SCHEMA, state
from towpath.conformance.suite import promise
from towpath.errors import Conflict, DataError, Refused, TowError, UserError
from towpath.job import OutputSpec
from towpath.joins.table_destination import TableDestination
from towpath.nouns import Mode, Published, Want
from towpath.seams.database import ListsTables
from towpath.stream import Batch, Counted

WIDE = pa.record_batch({"id": pa.array([2, 3]), "name": pa.array(["two", "three"]), "note": pa.array(["x", None])})
FAILING = "insert into _towpath_nowhere values (1)"


class TableSuite(DestinationSuite):
    """Holds a database's tables to what `DestinationSuite` and `TableDestination` promise."""

    generated: ClassVar[str] = "generated always as ({})"
    """How the database declares a column that it computes."""

    def table(self, folder: Path, **options: Any) -> TableDestination:
        made = assemble.destination(OutputSpec(self.at(folder), **options))
        assert isinstance(made, TableDestination)
        return made

    def make(self, folder: Path) -> TableDestination:
        return self.table(folder)

    def tree(self, folder: Path) -> dict[str, bytes]:
        """A server has tables where an embedded database has a file."""
        database = self.table(folder).database
        if database.home is not None:
            return super().tree(folder)
        with database.read() as session:
            names = session.tables() if isinstance(session, ListsTables) else ()
            own = [name for name in names if "." not in name]
            versions = {name: str(database.version(session, name)).encode() for name in own}
        return {**super().tree(folder), **versions}

    def sql(self, folder: Path, *statements: str) -> None:
        """Runs statements in which `{t}` is the table and `{int}`, `{text}` are types."""
        destination = self.table(folder)
        names = {
            "t": destination.database.quote(destination.table),
            "int": destination.database.stored(pa.int64()).native,
            "text": destination.database.stored(pa.string()).native,
        }
        with destination.database.write() as session:
            for statement in statements:
                session.execute(statement.format(**names))
            session.commit()

    def put(
        self,
        folder: Path,
        batch: pa.RecordBatch,
        mode: Mode = Mode.APPEND,
        instead: tuple[str, ...] = (),
        key: tuple[str, ...] = ("id",),
        **options: Any,
    ) -> Published:
        """One load of the rows as they are, under another step than `load` has."""
        destination = self.table(folder, **options)
        before = destination.recover("other")
        offer = destination.offer(batch.schema, mode, key)
        if instead:
            offer = destination.instead(offer, "name", instead)
        with destination.begin(offer, "other1") as load:
            load.write(Batch(batch.rename_columns(offer.schema.names), Counted("rows")))
            return load.publish(before, state("other1", len(batch), step="other"))

    def rows(self, folder: Path) -> list[dict[str, Any]]:
        """All rows and columns as a reader sees them, by their ids."""
        with self.source(folder).open(None, Want()) as reading:
            found = [row for batch in reading for row in batch.rows.to_pylist()]
        return sorted(found, key=lambda row: (row["id"] is None, row["id"]))

    @promise("evolve/add")
    def test_a_missing_column_is_added_by_the_publishing_alone(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        destination = self.table(tmp_path)
        before = destination.recover("other")
        offer = destination.offer(WIDE.schema, Mode.APPEND, ())
        assert any("note" in statement for statement in offer.ddl)
        with destination.begin(offer, "other1") as load:
            load.write(Batch(WIDE, Counted("rows")))
            assert self.columns(tmp_path) == ["id", "name"]
            load.publish(before, state("other1", 2, step="other"))
        assert self.rows(tmp_path) == sorted(
            [{"id": id, "name": name, "note": None} for id, name in OLD] + WIDE.to_pylist(), key=lambda row: row["id"]
        )

    @promise("evolve/rollback")
    def test_a_load_that_fails_leaves_the_columns_as_they_were(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        # Where a transaction does not take columns back, they come before it, and the offer says so.
        kept = [] if self.table(tmp_path).database.dialect.ddl_in_transaction else ["note"]
        assert ("stay" in self.table(tmp_path).offer(WIDE.schema, Mode.REPLACE, ()).effect) == bool(kept)
        for when in ("before", "after"):
            failing: Any = {when: (FAILING,)}
            with pytest.raises(TowError):
                self.put(tmp_path, WIDE, **failing)
            assert self.columns(tmp_path) == ["id", "name", *kept]
            assert self.seen(tmp_path) == OLD
            assert self.table(tmp_path).state("other") is None

    @promise("evolve/conflict")
    def test_a_column_that_another_added_meanwhile_is_a_conflict(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        destination = self.table(tmp_path)
        with destination.begin(destination.offer(WIDE.schema, Mode.APPEND, ()), "other1") as load:
            load.write(Batch(WIDE, Counted("rows")))
            self.sql(tmp_path, "alter table {t} add column note {int}")
            with pytest.raises(Conflict):
                load.publish(None, None)
        assert self.seen(tmp_path) == OLD

    @promise("evolve/freeze")
    def test_a_frozen_table_refuses_a_new_column_by_name(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        with pytest.raises(Refused, match=r"'note'(.|\n)*--schema evolve"):
            self.table(tmp_path, schema="freeze").offer(WIDE.schema, Mode.APPEND, ())
        self.put(tmp_path, WIDE.select(SCHEMA.names), schema="freeze")

    @promise("evolve/replace")
    def test_replacing_keeps_columns_that_the_rows_lack(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        self.put(tmp_path, WIDE.select(["id", "note"]), Mode.REPLACE)
        assert self.rows(tmp_path) == [
            {"id": 2, "name": None, "note": "x"},
            {"id": 3, "name": None, "note": None},
        ]

    @promise("evolve/merge")
    def test_merging_a_new_column_updates_only_rows_that_get_a_value(self, tmp_path: Path) -> None:
        self.load(tmp_path, [(1, "one"), (2, "two"), (3, "three")])
        assert self.put(tmp_path, WIDE, Mode.MERGE) == Published(2, 0, updated=1, unchanged=1)
        assert [row["note"] for row in self.rows(tmp_path)] == [None, "x", None]

    @promise("columns/default")
    def test_columns_that_the_rows_lack_get_their_defaults(self, tmp_path: Path) -> None:
        self.sql(tmp_path, "create table {t} (id {int}, name {text} default 'none', n {int} default 7 not null)")
        self.put(tmp_path, WIDE.select(["id"]))
        assert self.rows(tmp_path) == [{"id": 2, "name": "none", "n": 7}, {"id": 3, "name": "none", "n": 7}]

    @promise("columns/required")
    def test_a_required_column_that_the_rows_lack_is_refused_before_any_row(self, tmp_path: Path) -> None:
        self.sql(tmp_path, "create table {t} (id {int}, name {text} not null)")
        with pytest.raises(Refused, match="'name'"):
            self.table(tmp_path).offer(WIDE.schema.remove(1), Mode.APPEND, ())

    @promise("columns/generated")
    def test_a_generated_column_is_computed_and_never_written(self, tmp_path: Path) -> None:
        twice = self.generated.format("id * 2")
        self.sql(tmp_path, f"create table {{t}} (id {{int}}, name {{text}}, twice {{int}} {twice})")
        with pytest.raises(Refused, match=r"'twice'(.|\n)*--select id,name"):
            self.table(tmp_path).offer(SCHEMA.append(pa.field("twice", pa.int64())), Mode.APPEND, ())
        self.put(tmp_path, WIDE.select(SCHEMA.names))
        assert [row["twice"] for row in self.rows(tmp_path)] == [4, 6]

    @promise("columns/case")
    def test_a_column_meets_the_one_that_differs_in_case(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        self.put(tmp_path, WIDE.select(SCHEMA.names).rename_columns(["ID", "Name"]))
        assert self.columns(tmp_path) == ["id", "name"]

    @promise("sql/order")
    def test_sql_runs_before_and_after_the_rows_in_their_transaction(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        quoted = self.table(tmp_path).database.quote(self.table(tmp_path).table)
        done = self.put(
            tmp_path,
            WIDE.select(SCHEMA.names),
            before=(f"delete from {quoted} where id = 2",),
            after=(f"insert into {quoted} (id) select count(*) + 100 from {quoted}",),
        )
        assert done == Published(2, 2)
        assert [row["id"] for row in self.rows(tmp_path)] == [1, 2, 3, 103]

    @promise("sql/rollback")
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_sql_that_fails_rolls_all_back_and_is_named(self, tmp_path: Path, when: str) -> None:
        self.load(tmp_path, OLD)
        quoted = self.table(tmp_path).database.quote(self.table(tmp_path).table)
        failing: Any = {when: (f"delete from {quoted}", FAILING)}
        with pytest.raises(TowError, match=f"{when}-sql 2"):
            self.put(tmp_path, WIDE, **failing)
        assert self.seen(tmp_path) == OLD
        assert self.table(tmp_path).state("other") is None

    @promise("sql/refused")
    @pytest.mark.parametrize("statement", ["commit", "ROLLBACK", "begin", "select 1; commit"])
    def test_sql_that_would_end_the_transaction_is_the_users_error(self, tmp_path: Path, statement: str) -> None:
        with pytest.raises(UserError, match="after-sql 1"):
            self.table(tmp_path, after=(statement,))

    @promise("mode/merge-new")
    @pytest.mark.parametrize(("ids", "told"), [([5, 5], "id = 5 comes more than once"), ([5, None], "id is null")])
    def test_a_merge_that_makes_the_table_refuses_bad_keys_too(
        self, tmp_path: Path, ids: list[int | None], told: str
    ) -> None:
        rows = pa.record_batch({"id": pa.array(ids, pa.int64()), "name": pa.array(["a", "b"])})
        with pytest.raises(DataError, match=told):
            self.put(tmp_path, rows, Mode.MERGE)
        assert self.table(tmp_path).describe() is None
        assert self.table(tmp_path).state("other") is None

    @promise("mode/merge-text")
    def test_a_text_is_a_key_by_its_letters(self, tmp_path: Path) -> None:
        self.load(tmp_path, [(1, "one"), (2, "two"), (3, "O'Neil")])
        rows = pa.record_batch({"id": [20, 4, 30], "name": ["two", "Two", "O'Neil"]})
        assert self.put(tmp_path, rows, Mode.MERGE, key=("name",)) == Published(3, 1, 2)
        assert self.seen(tmp_path) == [(1, "one"), (4, "Two"), (20, "two"), (30, "O'Neil")]

    @promise("mode/merge-text")
    @pytest.mark.parametrize(("key", "told"), [(("name",), "= five comes"), (("id", "name"), "= 5, five comes")])
    def test_a_text_that_is_a_key_comes_once(self, tmp_path: Path, key: tuple[str, ...], told: str) -> None:
        self.load(tmp_path, OLD)
        rows = pa.record_batch({"id": [5, 5], "name": ["five", "five"]})
        with pytest.raises(DataError, match=told):
            self.put(tmp_path, rows, Mode.MERGE, key=key)
        assert self.seen(tmp_path) == OLD

    @promise("instead/removed")
    @pytest.mark.parametrize("mode", [Mode.APPEND, Mode.MERGE])
    def test_rows_make_way_in_the_act_that_publishes(self, tmp_path: Path, mode: Mode) -> None:
        self.load(tmp_path, [*OLD, (9, "it's"), (10, "kept")])
        names = ("two", "it's", *(f"absent {number}" for number in range(1_500)))
        done = self.put(tmp_path, WIDE.select(SCHEMA.names), mode, names)
        assert done == Published(2, 2, removed=2)
        assert self.seen(tmp_path) == [(1, "one"), (2, "two"), (3, "three"), (10, "kept")]

    @promise("instead/rollback")
    def test_rows_stay_when_the_load_that_would_replace_them_fails(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        doubled = pa.record_batch({"id": pa.array([5, 5]), "name": pa.array(["two", "two"])})
        with pytest.raises(DataError):
            self.put(tmp_path, doubled, Mode.MERGE, ("two",))
        assert self.seen(tmp_path) == OLD

    @promise("instead/offer")
    def test_looking_at_what_would_make_way_changes_nothing(self, tmp_path: Path) -> None:
        self.load(tmp_path, OLD)
        destination = self.table(tmp_path)
        offer = destination.offer(SCHEMA, Mode.APPEND, ())
        made = destination.instead(offer, "name", ("one",))
        assert made.instead_of == ("name", ("one",))
        assert made.effect != offer.effect
        with pytest.raises(Refused, match="'nothing'"):
            destination.instead(offer, "nothing", ("one",))
        assert self.seen(tmp_path) == OLD

    def columns(self, folder: Path) -> list[str]:
        found = self.table(folder).describe()
        assert found is not None
        return list(found.schema.names)
