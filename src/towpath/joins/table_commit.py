"""The commit that publishes, and what is done when its answer is lost: the server is asked what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from towpath.errors import TowError, Transient
from towpath.joins.table_state import TableStates
from towpath.nouns import State
from towpath.seams.database import Database, Outcome, Session, TellsOutcomes

PATIENCE_SECS = 30.0
"""How long a server that went away is waited for, to be asked."""
_LOOK_SECS = 0.1


def commit(database: Database, session: Session, states: TableStates, shown: str, new: State | None) -> None:
    """Commits the session's transaction, in which a state moves to `new` (None: no state does). Where the connection
    is lost meanwhile, it returns if the server tells on another one that it was committed; raises Transient that says
    that nothing was published, or that it is not known."""
    mark = session.mark() if isinstance(session, TellsOutcomes) else None
    try:
        session.commit()
    except Transient as lost:
        if mark is None:
            raise
        if not asked(database, mark, lambda outcome: _published(database, outcome, states, new), lost, shown):
            raise undone(lost, shown) from lost


def asked(database: Database, mark: str, answer: Callable[[Outcome], bool | None], lost: Transient, shown: str) -> bool:
    """What `answer` makes of the outcome, once the lost session is over. Raises Transient when it cannot tell (None),
    or the server is not back within `PATIENCE_SECS`."""
    until = time.monotonic() + PATIENCE_SECS
    while time.monotonic() < until:
        try:
            outcome = _outcome(database, mark)
            found = None if outcome is Outcome.UNDER_WAY else answer(outcome)
        except TowError:  # it is away, or starts, or takes no more connections
            outcome = Outcome.UNDER_WAY
        if outcome is not Outcome.UNDER_WAY:
            if found is None:
                break
            return found
        time.sleep(_LOOK_SECS)
    raise Transient(
        f"{lost.what}; whether the load was published is not known, for the connection was lost at its commit",
        where=shown,
        todo="run it again: a step of tow.yaml finds out; after a copy without a name look at the rows first",
    ) from lost


def undone(lost: Transient, shown: str) -> Transient:
    """The error of a connection that was lost at a commit of which nothing came."""
    return Transient(
        f"{lost.what}; nothing was published",
        where=shown,
        todo="see that the server runs and can be reached, then run again",
    )


def _outcome(database: Database, mark: str) -> Outcome:
    with database.read() as other:
        assert isinstance(other, TellsOutcomes), "sessions of one database are of one kind"
        return other.became(mark)


def _published(database: Database, outcome: Outcome, states: TableStates, new: State | None) -> bool | None:
    """Whether the transaction was committed; where the database does not know it, by the state that it moved."""
    if outcome is not Outcome.ENDED:
        return outcome is Outcome.COMMITTED
    if new is None:
        return None
    with database.read() as other:  # its snapshot is of after the end
        now = states.committed(other, new.step)
    return now is not None and now.load_id == new.load_id
