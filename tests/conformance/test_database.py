"""Every database of the registry, held to the suite."""

from towpath.conformance import DatabaseSuite


class TestDuckDB(DatabaseSuite):
    adapter = "duckdb"


class TestSQLite(DatabaseSuite):
    adapter = "sqlite"
