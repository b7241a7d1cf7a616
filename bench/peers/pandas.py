"""pandas: a frame read whole and written whole, databases by SQLAlchemy."""

from typing import Any

import pandas as pd

Spec = dict[str, Any]
PARQUET: dict[str, Any] = {"compression": "zstd", "compression_level": 3, "index": False}


def csv_to_parquet(spec: Spec) -> None:
    pd.read_csv(spec["source"]).to_parquet(spec["to"], **PARQUET)


def files_to_parquet(spec: Spec) -> None:
    import glob

    paths = sorted(glob.glob(spec["source"] + "/*.csv"))
    pd.concat(map(pd.read_csv, paths), ignore_index=True).to_parquet(spec["to"], **PARQUET)


def csv_sql(spec: Spec) -> None:
    rows = pd.read_csv(spec["source"]).groupby(["l_returnflag", "l_linestatus"], as_index=False)
    sums = rows.agg(lines=("l_orderkey", "size"), first_day=("l_shipdate", "min"), most=("l_quantity", "max"))
    sums.to_parquet(spec["to"], **PARQUET)


def jsonl_to_parquet(spec: Spec) -> None:
    pd.read_json(spec["source"], lines=True).to_parquet(spec["to"], **PARQUET)


def parquet_to_csv(spec: Spec) -> None:
    pd.read_parquet(spec["source"]).to_csv(spec["to"], index=False)


def parquet_to_jsonl(spec: Spec) -> None:
    pd.read_parquet(spec["source"]).to_json(spec["to"], orient="records", lines=True)


def _engine(uri: str) -> Any:
    import sqlalchemy

    scheme, rest = uri.split("://", 1)
    driver = {"postgresql": "postgresql+psycopg2", "mysql": "mysql+pymysql"}[scheme]
    return sqlalchemy.create_engine(f"{driver}://{rest}")


def postgresql_to_parquet(spec: Spec) -> None:
    pd.read_sql(f"select * from {spec['from_table']}", _engine(spec["uri"])).to_parquet(spec["to"], **PARQUET)


mariadb_to_parquet = postgresql_to_parquet


def sqlite_to_parquet(spec: Spec) -> None:
    import sqlite3

    pd.read_sql("select * from data", sqlite3.connect(spec["file"])).to_parquet(spec["to"], **PARQUET)


def csv_to_postgresql(spec: Spec) -> None:
    rows = pd.read_csv(spec["source"])
    rows.to_sql(spec["table"], _engine(spec["uri"]), index=False, method="multi", chunksize=1000)


def parquet_to_postgresql(spec: Spec) -> None:
    rows = pd.read_parquet(spec["source"])
    rows.to_sql(spec["table"], _engine(spec["uri"]), index=False, method="multi", chunksize=1000)


parquet_to_mariadb = parquet_to_postgresql


def postgresql_to_postgresql(spec: Spec) -> None:
    engine = _engine(spec["uri"])
    rows = pd.read_sql(f"select * from {spec['from_table']}", engine)
    rows.to_sql(spec["table"], engine, index=False, method="multi", chunksize=1000)


def help(spec: Spec) -> None:
    """Nothing but the import, which is what any program that uses it begins with."""
