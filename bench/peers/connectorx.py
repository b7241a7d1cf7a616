"""ConnectorX, which reads a database into an Arrow table; pyarrow writes it."""

from typing import Any

import connectorx as cx
import pyarrow.parquet as pq

Spec = dict[str, Any]


def postgresql_to_parquet(spec: Spec) -> None:
    rows = cx.read_sql(spec["uri"], f"select * from {spec['from_table']}", return_type="arrow", protocol="binary")
    pq.write_table(rows, spec["to"], compression="zstd", compression_level=3)


def mariadb_to_parquet(spec: Spec) -> None:
    rows = cx.read_sql(spec["uri"], f"select * from {spec['from_table']}", return_type="arrow")
    pq.write_table(rows, spec["to"], compression="zstd", compression_level=3)


def sqlite_to_parquet(spec: Spec) -> None:
    rows = cx.read_sql(f"sqlite://{spec['file']}", "select * from data", return_type="arrow")
    pq.write_table(rows, spec["to"], compression="zstd", compression_level=3)
