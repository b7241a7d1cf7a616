"""What became of the transaction of a lost connection, as the server itself keeps it (its manual, 9.27.8)."""

from __future__ import annotations

from towpath.postgresql.catalog import Rows
from towpath.postgresql.types import literal
from towpath.seams.database import Outcome

# A server that crashed may give a number again of whose transaction nothing reached its log; it counts its own work
# anew then, which is seen here.
_TIMES = "pg_postmaster_start_time() || ' ' || (select stats_reset from pg_stat_bgwriter)"
_OWN = "(select backend_start from pg_stat_activity where pid = pg_backend_pid())"
_MARK = f"select concat_ws('/', txid_current(), pg_backend_pid(), {_OWN}, {_TIMES})"
_END = (
    "select pg_terminate_backend(pid) from pg_stat_activity where pid = {pid} and backend_start::text = {start}"
    " and backend_xid = {xid}::text::xid"
)
_BECAME = {"committed": Outcome.COMMITTED, "aborted": Outcome.UNDONE, "in progress": Outcome.UNDER_WAY}


def mark(rows: Rows) -> str:
    """Number and session of the transaction, and since when the server has counted."""
    return str(rows(_MARK)[0][0])


def became(rows: Rows, mark: str) -> Outcome:
    """What became of a transaction; a session that still has it open, though nobody is behind it, is ended."""
    number, pid, start, times = mark.split("/")
    if rows(_END.format(pid=int(pid), start=literal(start), xid=int(number) % (1 << 32))):
        return Outcome.UNDER_WAY
    if str(rows(f"select {_TIMES}")[0][0]) != times:
        return Outcome.ENDED
    return _BECAME.get(rows(f"select txid_status({int(number)})")[0][0], Outcome.ENDED)
