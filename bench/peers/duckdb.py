"""DuckDB by its Python package, as its documentation shows: `copy (from ...) to ...`."""

from typing import Any

import duckdb

Spec = dict[str, Any]
PARQUET = "(format parquet, compression zstd, compression_level 3)"


def csv_to_parquet(spec: Spec) -> None:
    duckdb.execute(f"copy (from read_csv('{spec['source']}')) to '{spec['to']}' {PARQUET}")


def files_to_parquet(spec: Spec) -> None:
    duckdb.execute(f"copy (from read_csv('{spec['source']}/*.csv')) to '{spec['to']}' {PARQUET}")


def csv_sql(spec: Spec) -> None:
    duckdb.execute(f"create view input as from read_csv('{spec['source']}')")
    duckdb.execute(f"copy ({spec['query']}) to '{spec['to']}' {PARQUET}")


def jsonl_to_parquet(spec: Spec) -> None:
    duckdb.execute(f"copy (from read_ndjson('{spec['source']}')) to '{spec['to']}' {PARQUET}")


def parquet_to_csv(spec: Spec) -> None:
    duckdb.execute(f"copy (from '{spec['source']}') to '{spec['to']}' (format csv, header)")


def parquet_to_jsonl(spec: Spec) -> None:
    duckdb.execute(f"copy (from '{spec['source']}') to '{spec['to']}' (format json)")


def csv_to_duckdb(spec: Spec) -> None:
    with duckdb.connect(spec["database"]) as db:
        db.execute(f"create table {spec['table']} as from read_csv('{spec['source']}')")


def merge_duckdb(spec: Spec) -> None:
    keys = ", ".join(spec["key"])
    with duckdb.connect(spec["database"]) as db:
        db.execute(
            f"merge into {spec['table']} using (from '{spec['source']}') using ({keys})"
            " when matched then update when not matched then insert"
        )


def help(spec: Spec) -> None:
    """Nothing but the import, which is what any program that uses it begins with."""
