from towpath.conformance import DatabaseSuite


class TestSQLite(DatabaseSuite):
    adapter = "sqlite"
