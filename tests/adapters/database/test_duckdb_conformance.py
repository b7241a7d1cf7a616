from towpath.conformance import DatabaseSuite


class TestDuckDB(DatabaseSuite):
    adapter = "duckdb"
