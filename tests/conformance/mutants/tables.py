"""Tables that break a promise each. Not collected by itself: `test_mutants.py` runs it and counts what fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from towpath.conformance import TableSuite
from towpath.errors import TowError
from towpath.joins.table_destination import TableDestination
from towpath.joins.table_load import TableLoad
from towpath.nouns import Offer, Published, State


class AddsColumnsTooEarly(TableDestination):
    """Changes the table when the load begins."""

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[TableLoad]:
        with self.database.write() as session:
            for statement in offer.ddl:
                if statement.startswith("alter table"):
                    session.execute(statement)
            session.commit()
        with super().begin(self.offer(offer.source, offer.mode, offer.key), load_id) as load:
            yield load


class LetsTheLastSqlFail(TableDestination):
    """Publishes, and then runs the SQL that belongs to it."""

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[TableLoad]:
        after = self._target.after
        apart = replace(self._target, after=replace(after, statements=()))

        class Hasty(TableLoad):
            def publish(self, expected: State | None, new: State | None) -> Published:
                done = super().publish(expected, new)
                with self.target.database.write() as session:
                    after.run(session)
                    session.commit()
                return done

        with super().begin(offer, load_id) as load:
            yield Hasty(apart, load.offer, load.load_id, load.spool, load.found)


class RunsTheFirstSqlTooEarly(TableDestination):
    """Runs the first SQL, and the changes of the table, in a transaction of their own."""

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[TableLoad]:
        with super().begin(offer, load_id) as load:
            with self.database.write() as session:
                for statement in load.found.fit.ddl:
                    session.execute(statement)
                session.commit()
            with contextlib.suppress(TowError), self.database.write() as session:
                self._target.before.run(session)
                session.commit()
            yield load


class LeavesWhatShouldMakeWay(TableDestination):
    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[TableLoad]:
        with super().begin(replace(offer, instead_of=None), load_id) as load:
            yield load


class CountsNoneThatMadeWay(TableDestination):
    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[TableLoad]:
        class Forgetful(TableLoad):
            def publish(self, expected: State | None, new: State | None) -> Published:
                return replace(super().publish(expected, new), removed=0)

        with super().begin(offer, load_id) as load:
            yield Forgetful(load.target, load.offer, load.load_id, load.spool, load.found)


class OverlooksOtherChanges(TableDestination):
    """Changes the table from what it is at the end."""

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[TableLoad]:
        destination = self

        class Late(TableLoad):
            def publish(self, expected: State | None, new: State | None) -> Published:
                destination.offer(self.offer.source, self.offer.mode, self.offer.key)
                assert destination._found is not None
                self.found = destination._found
                return super().publish(expected, new)

        with super().begin(offer, load_id) as load:
            yield Late(load.target, load.offer, load.load_id, load.spool, load.found)


class NeverFreezes(TableDestination):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "schema": "evolve"})


class SQLiteTableSuite(TableSuite):
    address = "sqlite:///{folder}/shop.db#orders"


class MutantSuite(SQLiteTableSuite):
    mutant: type[TableDestination]

    def table(self, folder: Path, **options: Any) -> TableDestination:
        plain = super().table(folder)
        return self.mutant(plain.database, plain.table, **options)


class TestUnbroken(SQLiteTableSuite):
    pass


class TestAddsColumnsTooEarly(MutantSuite):
    mutant = AddsColumnsTooEarly


class TestLetsTheLastSqlFail(MutantSuite):
    mutant = LetsTheLastSqlFail


class TestRunsTheFirstSqlTooEarly(MutantSuite):
    mutant = RunsTheFirstSqlTooEarly


class TestLeavesWhatShouldMakeWay(MutantSuite):
    mutant = LeavesWhatShouldMakeWay


class TestCountsNoneThatMadeWay(MutantSuite):
    mutant = CountsNoneThatMadeWay


class TestOverlooksOtherChanges(MutantSuite):
    mutant = OverlooksOtherChanges


class TestNeverFreezes(MutantSuite):
    mutant = NeverFreezes
