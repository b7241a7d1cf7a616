"""Polars in its streaming way (`scan_*`, `sink_*`) where it has one, and by ADBC where a database is at one end."""

from typing import Any

import polars as pl

Spec = dict[str, Any]
PARQUET: dict[str, Any] = {"compression": "zstd", "compression_level": 3}


def csv_to_parquet(spec: Spec) -> None:
    pl.scan_csv(spec["source"], try_parse_dates=True).sink_parquet(spec["to"], **PARQUET)


def files_to_parquet(spec: Spec) -> None:
    pl.scan_csv(spec["source"] + "/*.csv", try_parse_dates=True).sink_parquet(spec["to"], **PARQUET)


def csv_sql(spec: Spec) -> None:
    rows = pl.scan_csv(spec["source"], try_parse_dates=True)
    pl.SQLContext(input=rows).execute(spec["query"]).sink_parquet(spec["to"], **PARQUET)


def jsonl_to_parquet(spec: Spec) -> None:
    pl.scan_ndjson(spec["source"]).sink_parquet(spec["to"], **PARQUET)


def parquet_to_csv(spec: Spec) -> None:
    pl.scan_parquet(spec["source"]).sink_csv(spec["to"])


def parquet_to_jsonl(spec: Spec) -> None:
    pl.scan_parquet(spec["source"]).sink_ndjson(spec["to"])


def postgresql_to_parquet(spec: Spec) -> None:
    rows = pl.read_database_uri(f"select * from {spec['from_table']}", spec["uri"], engine="adbc")
    rows.write_parquet(spec["to"], **PARQUET)


def parquet_to_postgresql(spec: Spec) -> None:
    pl.read_parquet(spec["source"]).write_database(spec["table"], spec["uri"], engine="adbc")


def csv_to_postgresql(spec: Spec) -> None:
    pl.read_csv(spec["source"], try_parse_dates=True).write_database(spec["table"], spec["uri"], engine="adbc")


def _store(spec: Spec) -> dict[str, Any]:
    return {
        "endpoint_url": spec["endpoint"], "access_key_id": spec["access_key"], "secret_access_key": spec["secret_key"],
        "region": "us-east-1", "allow_http": "true",
    }  # fmt: skip


def parquet_to_s3(spec: Spec) -> None:
    to = f"s3://{spec['bucket']}/{spec['object']}"
    pl.scan_parquet(spec["source"]).sink_parquet(to, storage_options=_store(spec), **PARQUET)


def s3_to_parquet(spec: Spec) -> None:
    source = f"s3://{spec['bucket']}/{spec['object']}"
    pl.scan_parquet(source, storage_options=_store(spec)).sink_parquet(spec["to"], **PARQUET)


def help(spec: Spec) -> None:
    """Nothing but the import, which is what any program that uses it begins with."""
