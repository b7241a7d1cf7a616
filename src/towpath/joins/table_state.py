"""The states of the steps that load the tables of a database: rows of the table `_towpath_state` beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from towpath.errors import Conflict
from towpath.nouns import State
from towpath.seams.database import Session

STATE = "_towpath_state"


def committed(session: Session, step: str) -> State | None:
    """The state of a step as a session sees it."""
    if session.table(STATE) is None:
        return None
    text = session.scalar(f"select state from {STATE} where step = ?", [step])
    return None if text is None else State.loads(text)


def steps(session: Session, table: str) -> list[str]:
    """The steps whose last load went into this table."""
    if session.table(STATE) is None:
        return []
    _, batches = session.select(f"select state from {STATE} order by step", 1_024)
    states = [State.loads(text) for batch in batches for text in batch.column(0).to_pylist()]
    return [state.step for state in states if state.unit == _unit(table)]


def move(
    session: Session,
    table: str,
    step: str,
    expected: State | None,
    new: State | None,
    conflict: Callable[[str], Conflict],
) -> None:
    """Compare-and-swap of a step's state in the session's transaction; `new` None forgets it. Raises what `conflict`
    makes of the reason when it is not the expected one any more."""
    session.execute(f"create table if not exists {STATE} (step varchar primary key, load_id varchar, state varchar)")
    found = session.scalar(f"select load_id from {STATE} where step = ?", [step])
    if found != (None if expected is None else expected.load_id):
        raise conflict(f"another run of {step} published meanwhile")
    content = None if new is None else replace(new, unit=_unit(table)).dumps()
    if new is None:
        session.execute(f"delete from {STATE} where step = ?", [step])
    elif expected is None:
        session.execute(f"insert into {STATE} values (?, ?, ?)", [step, new.load_id, content])
    else:
        session.execute(f"update {STATE} set load_id = ?, state = ? where step = ?", [new.load_id, content, step])


def _unit(table: str) -> str:
    """DuckDB and SQLite fold case and both call their own schema `main`."""
    return table.casefold().removeprefix("main.")
