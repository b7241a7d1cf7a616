"""What is under way of tables that are filled aside and then renamed: rows of the table `_towpath_intent` beside them.

Where making a table ends the transaction, a new table and the state of its step cannot be committed at once. So the
state moves first, in one transaction with the note that it did; then the table gets its name. As long as such a table
still stands aside, the state before is the committed one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from towpath.nouns import State
from towpath.seams.database import Database, ReadSession, Session
from towpath.sqlnames import beside, quoted

INTENT = "_towpath_intent"


@dataclass(frozen=True, slots=True)
class Intent:
    """A table that is filled under the name `aside`. With `after`, that state is set already, in place of `before`."""

    aside: str
    after: State | None = None
    before: State | None = None


@dataclass(frozen=True, slots=True)
class TableIntents:
    """The intents in the schema of one table."""

    database: Database
    table: str

    def kept(self) -> bool:
        """Whether there are such tables in this database at all."""
        return self.database.home is None and not self.database.dialect.ddl_in_transaction

    def prepare(self) -> None:
        """Makes the table of intents."""
        with self.database.write() as session:
            if session.table(self._name) is None:
                text = self.database.dialect
                columns = f"aside {text.key_type} primary key, state {text.long_type}, earlier {text.long_type}"
                session.execute(f"create table if not exists {self._quoted} ({columns})")
                session.commit()

    def all(self, session: ReadSession) -> list[Intent]:
        if session.table(self._name) is None:
            return []
        _, batches = session.select(f"select aside, state, earlier from {self._quoted}", 1_024)
        return [intent for batch in batches for intent in _read(batch.to_pylist())]

    def begin(self, session: Session, aside: str) -> None:
        session.execute(f"insert into {self._quoted} (aside) values (?)", [aside])

    def say(self, session: Session, intent: Intent) -> None:
        """Notes, in the session's transaction, which state was set in the place of which."""
        texts = [None if state is None else state.dumps() for state in (intent.after, intent.before)]
        session.execute(f"update {self._quoted} set state = ?, earlier = ? where aside = ?", [*texts, intent.aside])

    def end(self, session: Session, aside: str) -> None:
        session.execute(f"delete from {self._quoted} where aside = ?", [aside])

    def stands(self, session: ReadSession, intent: Intent) -> bool:
        """Whether its table still stands aside."""
        return session.table(beside(self.table, intent.aside)) is not None

    def committed(self, session: ReadSession, state: State) -> State | None:
        """The state that is committed where `state` is set: the one before, when its table did not get its name."""
        for intent in self.all(session):
            after = intent.after
            if after is not None and (after.step, after.load_id) == (state.step, state.load_id):
                return intent.before if self.stands(session, intent) else state
        return state

    @property
    def _name(self) -> str:
        return beside(self.table, INTENT)

    @property
    def _quoted(self) -> str:
        return quoted(self._name, self.database.quote)


def _read(rows: list[dict[str, str | None]]) -> Iterator[Intent]:
    for row in rows:
        states = [None if text is None else State.loads(text) for text in (row["state"], row["earlier"])]
        yield Intent(str(row["aside"]), states[0], states[1])
