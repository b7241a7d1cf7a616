"""dlt as its documentation advises for speed: Arrow tables instead of rows in Python, Parquet files on the way into a
database, ConnectorX or Arrow out of one."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false", "DATA_WRITER__COMPRESSION": "zstd",  # its level cannot be chosen
    "DATA_WRITER__DISABLE_COMPRESSION": "true",  # of CSV and JSON Lines
}  # fmt: skip

import dlt
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
from dlt.sources.sql_database import sql_table

Spec = dict[str, Any]


def _run(spec: Spec, rows: Any, destination: Any, dataset: str, **how: Any) -> None:
    """Loads rows into the table `bench` of a dataset."""
    home = str(Path(spec["folder"], "dlt"))
    pipeline = dlt.pipeline("bench", destination=destination, dataset_name=dataset, pipelines_dir=home)
    pipeline.run(rows, table_name="bench", **how)


def _read(path: str) -> Iterator[pa.RecordBatch]:
    if path.endswith(".parquet"):
        yield from pq.ParquetFile(path).iter_batches()
    elif path.endswith(".csv"):
        yield from pa.csv.open_csv(path, read_options=pa.csv.ReadOptions(block_size=16 << 20))
    else:
        yield from pa.json.open_json(path)


def _rows(spec: Spec) -> Any:
    return dlt.resource(_read, name="bench")(spec["source"])


def _to_files(spec: Spec, rows: Any, form: str) -> None:
    """Into a folder of files, which takes the place of the one file."""
    lake = Path(spec["folder"], "lake")
    _run(spec, rows, dlt.destinations.filesystem(lake.as_uri()), "rows", loader_file_format=form)
    (lake / "rows" / "bench").rename(spec["to"])


def csv_to_parquet(spec: Spec) -> None:
    _to_files(spec, _rows(spec), "parquet")


def files_to_parquet(spec: Spec) -> None:
    paths = sorted(Path(spec["source"]).glob("*.csv"))
    rows = dlt.resource((pa.csv.read_csv(path) for path in paths), name="bench")
    _to_files(spec, rows, "parquet")


jsonl_to_parquet = csv_to_parquet


def parquet_to_csv(spec: Spec) -> None:
    _to_files(spec, _rows(spec), "csv")


def parquet_to_jsonl(spec: Spec) -> None:
    _to_files(spec, _rows(spec), "jsonl")


def _duckdb(spec: Spec) -> Any:
    return dlt.destinations.duckdb(spec["database"])


def csv_to_duckdb(spec: Spec) -> None:
    _run(spec, _rows(spec), _duckdb(spec), "main", loader_file_format="parquet")


def _postgresql(spec: Spec) -> Any:
    return dlt.destinations.postgres(spec["uri"])


def csv_to_postgresql(spec: Spec) -> None:
    _run(spec, _rows(spec), _postgresql(spec), "public", loader_file_format="csv")


parquet_to_postgresql = csv_to_postgresql


def _uri(spec: Spec) -> str:
    """The server's address, with the drivers that are installed."""
    scheme, rest = spec["uri"].split("://")
    return {"postgresql": "postgresql+psycopg2", "mysql": "mysql+pymysql"}[scheme] + "://" + rest


def _table(spec: Spec, **how: Any) -> Any:
    schema, table = spec["from_table"].split(".")
    return sql_table(_uri(spec), table=table, schema=schema, **how)


def _connectorx(spec: Spec) -> Any:
    return _table(spec, backend="connectorx", backend_kwargs={"return_type": "arrow_stream"}, chunk_size=100_000)


def postgresql_to_parquet(spec: Spec) -> None:
    _to_files(spec, _connectorx(spec), "parquet")


def mariadb_to_parquet(spec: Spec) -> None:
    _to_files(spec, _table(spec, backend="pyarrow", chunk_size=100_000), "parquet")


def sqlite_to_parquet(spec: Spec) -> None:
    rows = sql_table(f"sqlite:///{spec['file']}", table="data", backend="pyarrow", chunk_size=100_000)
    _to_files(spec, rows, "parquet")


def postgresql_to_postgresql(spec: Spec) -> None:
    _run(spec, _connectorx(spec), _postgresql(spec), "public", loader_file_format="csv")


def parquet_to_mariadb(spec: Spec) -> None:
    _run(spec, _rows(spec), dlt.destinations.sqlalchemy(_uri(spec)), "lab", loader_file_format="parquet")


def merge_duckdb_before(spec: Spec) -> None:
    _run(spec, _rows(spec | {"source": spec["base"]}), _duckdb(spec), "main", loader_file_format="parquet")


def merge_duckdb(spec: Spec) -> None:
    how: dict[str, Any] = {"write_disposition": {"disposition": "merge", "strategy": "upsert"}}
    _run(spec, _rows(spec), _duckdb(spec), "main", loader_file_format="parquet", primary_key=spec["key"], **how)


def merge_postgresql_before(spec: Spec) -> None:
    _run(spec, _rows(spec | {"source": spec["base"]}), _postgresql(spec), "public", loader_file_format="csv")


def merge_postgresql(spec: Spec) -> None:
    how: dict[str, Any] = {"write_disposition": {"disposition": "merge", "strategy": "upsert"}}
    _run(spec, _rows(spec), _postgresql(spec), "public", loader_file_format="csv", primary_key=spec["key"], **how)
