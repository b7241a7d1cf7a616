"""pyarrow: readers of batches into writers of batches, and ADBC for PostgreSQL."""

import glob
from collections.abc import Iterable
from typing import Any

import adbc_driver_postgresql.dbapi as postgresql
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.fs as fs
import pyarrow.json
import pyarrow.parquet as pq

Spec = dict[str, Any]
PARQUET: dict[str, Any] = {"compression": "zstd", "compression_level": 3}


def _written(batches: Iterable[pa.RecordBatch], schema: pa.Schema, to: str, filesystem: fs.FileSystem = None) -> None:
    with pq.ParquetWriter(to, schema, filesystem=filesystem, **PARQUET) as writer:
        for batch in batches:
            writer.write_batch(batch)


def csv_to_parquet(spec: Spec) -> None:
    with csv.open_csv(spec["source"], read_options=csv.ReadOptions(block_size=16 << 20)) as reader:
        _written(reader, reader.schema, spec["to"])


def files_to_parquet(spec: Spec) -> None:
    tables = (csv.read_csv(path) for path in sorted(glob.glob(spec["source"] + "/*.csv")))
    whole = pa.concat_tables(tables)
    pq.write_table(whole, spec["to"], **PARQUET)


def jsonl_to_parquet(spec: Spec) -> None:
    with pyarrow.json.open_json(spec["source"]) as reader:
        _written(reader, reader.schema, spec["to"])


def parquet_to_csv(spec: Spec) -> None:
    file = pq.ParquetFile(spec["source"])
    with csv.CSVWriter(spec["to"], file.schema_arrow) as writer:
        for batch in file.iter_batches():
            writer.write_batch(batch)


def postgresql_to_parquet(spec: Spec) -> None:
    with postgresql.connect(spec["uri"]) as connection, connection.cursor() as cursor:
        cursor.execute(f"select * from {spec['from_table']}")
        reader = cursor.fetch_record_batch()
        _written(reader, reader.schema, spec["to"])


def parquet_to_postgresql(spec: Spec) -> None:
    file = pq.ParquetFile(spec["source"])
    reader = pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches())
    with postgresql.connect(spec["uri"]) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest(spec["table"], reader, mode="create")
        connection.commit()


def _store(spec: Spec) -> fs.S3FileSystem:
    return fs.S3FileSystem(
        access_key=spec["access_key"], secret_key=spec["secret_key"], endpoint_override=spec["endpoint"],
        region="us-east-1",
    )  # fmt: skip


def parquet_to_s3(spec: Spec) -> None:
    file = pq.ParquetFile(spec["source"])
    _written(file.iter_batches(), file.schema_arrow, f"{spec['bucket']}/{spec['object']}", _store(spec))


def s3_to_parquet(spec: Spec) -> None:
    file = pq.ParquetFile(f"{spec['bucket']}/{spec['object']}", filesystem=_store(spec), pre_buffer=True)
    _written(file.iter_batches(), file.schema_arrow, spec["to"])


def help(spec: Spec) -> None:
    """Nothing but the import, which is what any program that uses it begins with."""
