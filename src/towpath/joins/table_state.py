"""The states of the steps that load the tables of a database: rows of the table `_towpath_state` beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from towpath.errors import Conflict, DataError, UserError
from towpath.joins.table_intent import TableIntents
from towpath.nouns import State
from towpath.seams.database import Database, ReadSession, Session
from towpath.sqlnames import beside, parts, quoted

STATE = "_towpath_state"


def own(table: str) -> bool:
    """Whether a table is one that loads leave beside those that they load."""
    return table.startswith("_towpath_")


@dataclass(frozen=True, slots=True)
class TableStates:
    """The states beside one table, in the schema of that table."""

    database: Database
    table: str

    def committed(self, session: ReadSession, step: str) -> State | None:
        """The state of a step as a session sees it."""
        if session.table(self._name) is None:
            return None
        text = session.scalar(f"select state from {self._quoted} where step = ?", [step])
        if text is None:
            return None
        intents = TableIntents(self.database, self.table)
        return intents.committed(session, State.loads(text)) if intents.kept() else State.loads(text)

    def steps(self, session: ReadSession) -> list[str]:
        """The steps whose last load went into this table."""
        if session.table(self._name) is None:
            return []
        _, batches = session.select(f"select state from {self._quoted} order by step", 1_024)
        states = [State.loads(text) for batch in batches for text in batch.column(0).to_pylist()]
        return [state.step for state in states if state.unit == self._unit]

    def prepare(self) -> None:
        """Makes the table of states where that would end the transaction that moves one."""
        if self.database.dialect.ddl_in_transaction:
            return
        with self.database.write() as session:
            if session.table(self._name) is None:
                session.execute(self._ddl)
                session.commit()

    def move(
        self,
        session: Session,
        step: str,
        expected: State | None,
        new: State | None,
        conflict: Callable[[str], Conflict],
    ) -> None:
        """Compare-and-swap of a step's state in the session's transaction (after `prepare`); `new` None forgets it.
        Raises what `conflict` makes of the reason when it is not the expected one any more."""
        lost = conflict(f"another run of {step} published meanwhile")
        # Not `if not exists` alone: who may write to the table may still not be allowed to make one.
        if self.database.dialect.ddl_in_transaction and session.table(self._name) is None:
            try:
                session.execute(self._ddl)
            except UserError as error:
                if self._made_meanwhile():  # committed since this transaction looked
                    raise lost from error
                raise UserError(
                    f"{self._ddl}: {error.what}",
                    where=lost.where,
                    todo="nothing was published; make what the table of states stands on first, such as its schema",
                    code="ddl-failed",
                ) from error
        found = session.scalar(f"select load_id from {self._quoted} where step = ?", [step])
        if found != (None if expected is None else expected.load_id):
            raise lost
        content = None if new is None else replace(new, unit=self._unit).dumps()
        if expected is None:
            if new is not None:
                try:
                    session.execute(f"insert into {self._quoted} values (?, ?, ?)", [step, new.load_id, content])
                except DataError as error:  # another one's row, committed since this transaction looked
                    raise lost from error
            return
        # The row may have been moved since this transaction looked: the database counts what it changed. One that could
        # not say how many (-1) would let two runs publish.
        if new is None:
            sql = f"delete from {self._quoted} where step = ? and load_id = ?"
            changed = session.execute(sql, [step, expected.load_id])
        else:
            sql = f"update {self._quoted} set load_id = ?, state = ? where step = ? and load_id = ?"
            changed = session.execute(sql, [new.load_id, content, step, expected.load_id])
        if changed != 1:
            raise lost

    def _made_meanwhile(self) -> bool:
        """Whether another session, of a server, sees the table of states by now."""
        if self.database.home is not None:
            return False
        with self.database.read() as other:
            return other.table(self._name) is not None

    @property
    def _name(self) -> str:
        return beside(self.table, STATE)

    @property
    def _quoted(self) -> str:
        return quoted(self._name, self.database.quote)

    @property
    def _ddl(self) -> str:
        text = self.database.dialect
        columns = f"step {text.key_type} primary key, load_id {text.key_type}, state {text.long_type}"
        return f"create table if not exists {self._quoted} ({columns})"

    @property
    def _unit(self) -> str:
        schema, name = parts(self.table)
        if self.database.dialect.folds_case:
            schema, name = schema and schema.casefold(), name.casefold()
        return name if schema in (None, self.database.dialect.home_schema) else f"{schema}.{name}"
