"""The publish protocol over every kind of destination: one file of each format, a folder, a table of each database."""

from pathlib import Path
from typing import ClassVar

import pytest

from tests.conformance.on_mariadb import OnMariaDB
from tests.conformance.on_postgresql import OnPostgreSQL
from tests.kafkakit import OnKafka
from tests.s3kit import S3Place, place
from towpath.conformance import DestinationSuite, TableSuite
from towpath.joins import manifest, table_waiting
from towpath.nouns import Mode

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


class _Put:
    """Rows that are put down beside the database as they come."""

    @pytest.fixture(autouse=True)
    def _large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(table_waiting, "CHUNK_BYTES", 1)


class TestLargeDuckDBTable(_Put, TestDuckDBTable):
    pass


class TestLargeSQLiteTable(_Put, TestSQLiteTable):
    pass


class _S3(DestinationSuite):
    """On the lab's server, in a part of the bucket for each test."""

    path: ClassVar[str]
    GAPS = FILE

    @pytest.fixture(autouse=True)
    def _place(self, s3_place: S3Place) -> None:
        self.s3 = s3_place
        self.address = s3_place.address(self.path)  # type: ignore[misc]

    def place(self, folder: Path) -> str:
        return place(folder)

    def tree(self, folder: Path) -> dict[str, bytes]:
        return self.s3.tree(place(folder) + "/")


class TestS3ParquetFile(_S3):
    path = "{folder}/orders.parquet"


class TestS3CompressedFile(_S3):
    path = "{folder}/orders.csv.gz"


class TestS3Folder(_S3):
    path = "{folder}/orders/"
    format = "parquet"

    def lasting(self, tree: dict[str, bytes]) -> dict[str, bytes]:
        """The manifest without the blanks behind it that keep a late request of the dead run from replacing it."""
        return {name: data.rstrip(b" \t\n") if name.endswith(manifest.NAME) else data for name, data in tree.items()}


class TestPostgreSQLTable(OnPostgreSQL, TableSuite):
    address = "postgresql://#orders"
    deaths = 6  # each opens some twenty connections


class TestADBCTable(OnPostgreSQL, TableSuite):
    address = "postgresql+adbc://#orders"


class TestPsycopg2Table(OnPostgreSQL, TableSuite):
    address = "postgresql+psycopg2://#orders"
    deaths = 6


class TestMariaDBTable(OnMariaDB, TableSuite):
    address = "mariadb://{server}#orders"


class TestKafkaTopic(OnKafka, DestinationSuite):
    """A topic keeps what it was given: second loads append."""

    address = "kafka://{folder}"
    mode = Mode.APPEND
    GAPS: ClassVar[dict[str, str]] = {
        "mode/replace": "never: a topic keeps its messages",
        "mode/merge": "never: a topic has messages, no rows that could be merged with",
        "publish/changed": "never: it is about replacing",
    }
