"""What the three libraries make of the server's words, told once and by what the caller can do."""

from __future__ import annotations

import pytest

from towpath.errors import Conflict, DataError, Refused, Transient, UserError
from towpath.postgresql.errors import said, translated

ADBC = (
    "INTEGRITY: [libpq] Failed to execute COPY statement: PGRES_FATAL_ERROR ERROR:  duplicate key value violates "
    'unique constraint "pk_pkey"\nDETAIL:  Key (a)=(1) already exists.\nCONTEXT:  COPY pk, line 3\n. SQLSTATE: 23505'
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ADBC, 'duplicate key value violates unique constraint "pk_pkey" - Key (a)=(1) already exists'),
        ('column "x" does not exist\nLINE 1: select x\n               ^', 'column "x" does not exist'),
        (
            'server at "h", port 1 failed: Connection refused\n\tIs the server running on it?\n',
            'server at "h", port 1 failed: Connection refused',
        ),
        ('IO: [libpq] Failed to connect: FATAL:  database "d" does not exist\n', 'database "d" does not exist'),
    ],
)
def test_only_the_servers_own_sentences_are_told(text: str, words: str) -> None:
    assert said(text) == words


@pytest.mark.parametrize(
    ("state", "text", "kind", "code"),
    [
        ("23505", ADBC, DataError, "constraint-violated"),
        ("23505", 'duplicate key violates unique constraint "pg_type_typname_nsp_index"', Conflict, "conflict"),
        ("40001", "could not serialize access", Conflict, "conflict"),
        ("40P01", "deadlock detected", Conflict, "conflict"),
        ("42601", "syntax error", UserError, "sql-wrong"),
        ("42501", "permission denied", Refused, "permission-denied"),
        ("55P03", "canceling statement due to lock timeout", Refused, "database-locked"),
        ("53100", "could not extend file: No space left on device", Refused, "disk-full"),
        ("57P01", "terminating connection due to administrator command", Transient, "transient"),
        ("08006", "connection lost", Transient, "transient"),
        ("53300", "too many clients already", Transient, "transient"),
        ("XX000", "internal", Refused, "system-refused"),
        (None, "server closed the connection unexpectedly", Transient, "transient"),
        (None, 'FATAL:  no pg_hba.conf entry for host "h"', Refused, "permission-denied"),
        (None, 'invalid sslmode value: "foo"', Refused, "system-refused"),
    ],
)
def test_an_error_is_told_apart_by_its_state(state: str | None, text: str, kind: type[Exception], code: str) -> None:
    error = translated(state, text, "h/d")
    assert type(error) is kind
    assert error.code == code
    assert error.where == "h/d"
    assert error.todo
