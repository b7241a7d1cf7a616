"""PostgreSQL by psycopg (version 3): rows are read and written by COPY."""

from __future__ import annotations

from towpath.postgresql.psycopg_session import PsycopgServer


class PostgreSQL(PsycopgServer):
    __doc__ = PsycopgServer.__doc__
