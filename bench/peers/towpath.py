"""Towpath by its command, with its defaults: books, checks, digest, atomic publish. Only the codec is fixed."""

from pathlib import Path
from typing import Any

Spec = dict[str, Any]
PARQUET = ("--level", "3")  # of zstd, which is the default
_STEP = """\
pipeline: bench
steps:
  rows:
    from: {{address: "{source}", cursor: {cursor}, monotonic: true}}
    to: "{to}"
    mode: append
"""


def _copy(spec: Spec, *options: str) -> list[str]:
    to_parquet = PARQUET if spec["to"].partition("?")[0].endswith(".parquet") else ()
    return [spec["tow"], "copy", spec["source"], spec["to"], *to_parquet, *options]


def csv_to_parquet(spec: Spec) -> list[str]:
    return _copy(spec)


parquet_to_csv = csv_to_duckdb = jsonl_to_parquet = parquet_to_jsonl = csv_to_parquet
sqlite_to_parquet = csv_to_postgresql = parquet_to_postgresql = postgresql_to_parquet = csv_to_parquet
postgresql_to_postgresql = mariadb_to_parquet = parquet_to_mariadb = csv_to_mariadb = csv_to_parquet
parquet_to_s3 = s3_to_parquet = kafka_to_parquet = csv_to_parquet


def files_to_parquet(spec: Spec) -> list[str]:
    return _copy(spec | {"source": spec["source"] + "/*.csv"})


def csv_sql(spec: Spec) -> list[str]:
    return _copy(spec, "--sql", spec["query"])


def merge_duckdb(spec: Spec) -> list[str]:
    return _copy(spec, "--mode", "merge", "--key", ",".join(spec["key"]))


merge_postgresql = merge_duckdb


def nothing_new_before(spec: Spec) -> list[str]:
    Path(spec["folder"], "tow.yaml").write_text(_STEP.format(**spec | {"cursor": spec["key"][0]}))
    return [spec["tow"], "run"]


def nothing_new(spec: Spec) -> list[str]:
    return [spec["tow"], "run"]


def help(spec: Spec) -> list[str]:
    return [spec["tow"], "--help"]
