"""The publish protocol over every kind of destination: one file of each format, a folder, a table of each database."""

from towpath.conformance import DestinationSuite, TableSuite

FILE = {"mode/merge": "never: a file has no keys"}


class TestArrowFile(DestinationSuite):
    address = "{folder}/orders.arrow"
    GAPS = FILE


class TestCSVFile(DestinationSuite):
    address = "{folder}/orders.csv"
    GAPS = FILE


class TestCompressedFile(DestinationSuite):
    address = "{folder}/orders.csv.gz"
    GAPS = FILE


class TestJSONFile(DestinationSuite):
    address = "{folder}/orders.json"
    GAPS = FILE


class TestJSONLinesFile(DestinationSuite):
    address = "{folder}/orders.jsonl"
    GAPS = FILE


class TestParquetFile(DestinationSuite):
    address = "{folder}/orders.parquet"
    GAPS = FILE


class TestTSVFile(DestinationSuite):
    address = "{folder}/orders.tsv"
    GAPS = FILE


class TestFolder(DestinationSuite):
    address = "{folder}/orders/"
    format = "parquet"
    GAPS = FILE


class TestDuckDBTable(TableSuite):
    address = "duckdb:///{folder}/shop.db#orders"
    deaths = 8  # each opens the database some ten times


class TestSQLiteTable(TableSuite):
    address = "sqlite:///{folder}/shop.db#orders"
