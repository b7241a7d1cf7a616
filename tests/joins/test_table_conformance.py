"""Both tables keep the publish protocol."""

from towpath.conformance import DestinationSuite


class TestDuckDBTable(DestinationSuite):
    address = "duckdb:///{folder}/shop.db#orders"


class TestSQLiteTable(DestinationSuite):
    address = "sqlite:///{folder}/shop.db#orders"
