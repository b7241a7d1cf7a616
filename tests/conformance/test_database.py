"""Every database of the registry, held to the suite."""

from pathlib import Path

from tests.conformance.on_mariadb import OnMariaDB
from tests.conformance.on_postgresql import OnPostgreSQL
from towpath import assemble
from towpath.conformance import DatabaseSuite
from towpath.seams.database import Database


class TestDuckDB(DatabaseSuite):
    adapter = "duckdb"


class TestSQLite(DatabaseSuite):
    adapter = "sqlite"


class _PostgreSQLSuite(OnPostgreSQL, DatabaseSuite):
    def make(self, folder: Path) -> Database:
        return assemble.database(self.at(folder))


class TestPostgreSQL(_PostgreSQLSuite):
    adapter = "postgresql"
    address = "postgresql://"


class TestADBC(_PostgreSQLSuite):
    adapter = "adbc"
    address = "postgresql+adbc://"


class TestPsycopg2(_PostgreSQLSuite):
    adapter = "psycopg2"
    address = "postgresql+psycopg2://"


class TestMariaDB(OnMariaDB, DatabaseSuite):
    adapter = "mariadb"
    address = "mariadb://{server}"

    def make(self, folder: Path) -> Database:
        return assemble.database(self.at(folder))


class TestMariaDBByInserts(TestMariaDB):
    """Where the server takes no files."""

    address = "mariadb://{server}?local_infile=false"
