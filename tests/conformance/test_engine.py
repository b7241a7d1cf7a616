"""Every engine of the registry, held to the suite."""

from towpath.conformance import EngineSuite


class TestDuckDB(EngineSuite):
    adapter = "duckdb"
