"""dlt with its defaults: its own readers, its own file formats for each destination. Only the codec is fixed."""

import os
from pathlib import Path
from typing import Any

os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false", "DATA_WRITER__COMPRESSION": "zstd",  # its level cannot be chosen
    "DATA_WRITER__DISABLE_COMPRESSION": "true",  # of CSV and JSON Lines
}  # fmt: skip

import dlt
from dlt.sources.filesystem import filesystem, read_csv, read_jsonl, read_parquet
from dlt.sources.sql_database import sql_table

Spec = dict[str, Any]


def _run(spec: Spec, rows: Any, destination: Any, dataset: str, **how: Any) -> None:
    """Loads rows into the table `bench` of a dataset."""
    home = str(Path(spec["folder"], "dlt"))
    pipeline = dlt.pipeline("bench", destination=destination, dataset_name=dataset, pipelines_dir=home)
    pipeline.run(rows, table_name="bench", **how)


def _files(spec: Spec, reader: Any, glob: str = "") -> Any:
    source = Path(spec["source"])
    folder, pattern = (source, glob) if glob else (source.parent, source.name)
    return filesystem(bucket_url=folder.as_uri(), file_glob=pattern) | reader()


def _to_files(spec: Spec, rows: Any, form: str) -> None:
    """Into a folder of files, which takes the place of the one file."""
    lake = Path(spec["folder"], "lake")
    _run(spec, rows, dlt.destinations.filesystem(lake.as_uri()), "rows", loader_file_format=form)
    (lake / "rows" / "bench").rename(spec["to"])


def csv_to_parquet(spec: Spec) -> None:
    _to_files(spec, _files(spec, read_csv), "parquet")


def files_to_parquet(spec: Spec) -> None:
    _to_files(spec, _files(spec, read_csv, "*.csv"), "parquet")


def jsonl_to_parquet(spec: Spec) -> None:
    _to_files(spec, _files(spec, read_jsonl), "parquet")


def parquet_to_csv(spec: Spec) -> None:
    _to_files(spec, _files(spec, read_parquet), "csv")


def parquet_to_jsonl(spec: Spec) -> None:
    _to_files(spec, _files(spec, read_parquet), "jsonl")


def _duckdb(spec: Spec) -> Any:
    return dlt.destinations.duckdb(spec["database"])


def csv_to_duckdb(spec: Spec) -> None:
    _run(spec, _files(spec, read_csv), _duckdb(spec), "main")


def _postgresql(spec: Spec) -> Any:
    return dlt.destinations.postgres(spec["uri"])


def csv_to_postgresql(spec: Spec) -> None:
    _run(spec, _files(spec, read_csv), _postgresql(spec), "public")


def parquet_to_postgresql(spec: Spec) -> None:
    _run(spec, _files(spec, read_parquet), _postgresql(spec), "public")


def _uri(spec: Spec) -> str:
    """The server's address, with the drivers that are installed."""
    scheme, rest = spec["uri"].split("://")
    return {"postgresql": "postgresql+psycopg2", "mysql": "mysql+pymysql"}[scheme] + "://" + rest


def _table(spec: Spec, **how: Any) -> Any:
    schema, table = spec["from_table"].split(".")
    return sql_table(_uri(spec), table=table, schema=schema, **how)


def postgresql_to_parquet(spec: Spec) -> None:
    _to_files(spec, _table(spec), "parquet")


mariadb_to_parquet = postgresql_to_parquet


def sqlite_to_parquet(spec: Spec) -> None:
    _to_files(spec, sql_table(f"sqlite:///{spec['file']}", table="data"), "parquet")


def postgresql_to_postgresql(spec: Spec) -> None:
    _run(spec, _table(spec), _postgresql(spec), "public")


def parquet_to_mariadb(spec: Spec) -> None:
    _run(spec, _files(spec, read_parquet), dlt.destinations.sqlalchemy(_uri(spec)), "lab")


def merge_duckdb_before(spec: Spec) -> None:
    _run(spec, _files(spec | {"source": spec["base"]}, read_parquet), _duckdb(spec), "main")


def merge_duckdb(spec: Spec) -> None:
    rows = _files(spec, read_parquet)
    _run(spec, rows, _duckdb(spec), "main", write_disposition="merge", primary_key=spec["key"])


def merge_postgresql_before(spec: Spec) -> None:
    _run(spec, _files(spec | {"source": spec["base"]}, read_parquet), _postgresql(spec), "public")


def merge_postgresql(spec: Spec) -> None:
    rows = _files(spec, read_parquet)
    _run(spec, rows, _postgresql(spec), "public", write_disposition="merge", primary_key=spec["key"])


def nothing_new(spec: Spec) -> None:
    _run(spec, _table(spec, incremental=dlt.sources.incremental(spec["key"][0])), _duckdb(spec), "main")


nothing_new_before = nothing_new


def help(spec: Spec) -> None:
    """Nothing but the import, which is what any program that uses it begins with."""
