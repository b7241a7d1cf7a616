"""The jobs: what is moved from where to where. How each tool does one is the function of its kind in `peers/`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Job:
    """`source` and `to` are places (`places.py`). `kind` names the functions of the peers; `bars` are functions, as
    `peer.kind`, that do other work to compare with, of which nothing is checked. `query` changes what comes out (the
    set being the view `input`), and is passed on. `base`: the set that the destination holds beforehand, `holds`: the
    one that it holds afterwards (empty: `data`)."""

    name: str
    title: str
    data: str
    source: str
    to: str
    kind: str = ""
    bars: tuple[str, ...] = ()
    query: str = ""
    base: str = ""
    holds: str = ""
    checked: bool = True

    @property
    def does(self) -> str:
        return self.kind or f"{self.source}_to_{self.to}"


def _merge(to: str, name: str) -> Job:
    title = f"5 % changed rows merged into {name}"
    return Job(f"merge-{to}", title, "changes", "parquet", to, f"merge_{to}", base="lineitem", holds="merged")


_SUMS = (
    "select l_returnflag, l_linestatus, count(*) as lines, min(l_shipdate) as first_day, max(l_quantity) as most"
    " from input group by l_returnflag, l_linestatus"
)
_NOWHERE, _COPY_CSV = ("psql.postgresql_to_nowhere",), ("psql.csv_to_postgresql",)
_SELECT, _LOAD_DATA = ("mariadb.mariadb_to_nowhere",), ("mariadb.csv_to_mariadb",)

JOBS = {
    job.name: job
    for job in (
        Job("csv-parquet", "CSV → Parquet", "lineitem", "csv", "parquet"),
        Job("csv-parquet-flights", "CSV → Parquet, flights", "flights", "csv", "parquet"),
        Job("csv-parquet-wide", "CSV → Parquet, 500 columns", "wide", "csv", "parquet"),
        Job("csv-parquet-long", "CSV → Parquet, long texts", "long", "csv", "parquet"),
        Job("parquet-csv", "Parquet → CSV", "lineitem", "parquet", "csv"),
        Job("csv-duckdb", "CSV → DuckDB", "lineitem", "csv", "duckdb"),
        Job("jsonl-parquet", "JSON Lines → Parquet", "lineitem", "jsonl", "parquet"),
        Job("jsonl-parquet-nested", "JSON Lines → Parquet, nested", "nested", "jsonl", "parquet"),
        Job("parquet-jsonl", "Parquet → JSON Lines", "lineitem", "parquet", "jsonl"),
        Job("parquet-jsonl-nested", "Parquet → JSON Lines, nested", "nested", "parquet", "jsonl"),
        Job("csv-sql", "CSV aggregated by SQL → Parquet", "lineitem", "csv", "parquet", "csv_sql", query=_SUMS),
        Job("small-files", "10,000 CSV files → one Parquet", "small", "files", "parquet"),
        Job("one-row", "CSV of one row → Parquet", "one", "csv", "parquet"),
        Job("help", "--help", "one", "csv", "parquet", "help", checked=False),
        Job("sqlite-parquet", "SQLite → Parquet", "lineitem", "sqlite", "parquet"),
        Job("csv-postgresql", "CSV → PostgreSQL", "lineitem", "csv", "postgresql"),
        Job("parquet-postgresql", "Parquet → PostgreSQL", "lineitem", "parquet", "postgresql", bars=_COPY_CSV),
        Job("postgresql-parquet", "PostgreSQL → Parquet", "lineitem", "postgresql", "parquet", bars=_NOWHERE),
        Job("postgresql-postgresql", "PostgreSQL → PostgreSQL", "lineitem", "postgresql", "postgresql"),
        Job("mariadb-parquet", "MariaDB → Parquet", "lineitem", "mariadb", "parquet", bars=_SELECT),
        Job("csv-mariadb", "CSV → MariaDB", "lineitem", "csv", "mariadb"),
        Job("parquet-mariadb", "Parquet → MariaDB", "lineitem", "parquet", "mariadb", bars=_LOAD_DATA),
        Job("parquet-s3", "Parquet → S3", "lineitem", "parquet", "s3", bars=("boto3.upload",)),
        Job("s3-parquet", "S3 → Parquet", "lineitem", "s3", "parquet", bars=("boto3.download",)),
        Job("kafka-parquet", "Kafka → Parquet", "orders", "kafka", "parquet", bars=("librdkafka.kafka_to_nowhere",)),
        _merge("duckdb", "DuckDB"),
        _merge("postgresql", "PostgreSQL"),
        Job("nothing-new", "PostgreSQL → DuckDB, nothing new", "lineitem", "postgresql", "duckdb", "nothing_new"),
    )
}  # fmt: skip
