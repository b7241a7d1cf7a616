"""petl: lazy rows through Python. Its `todb` wants the table to be there; it neither reads nor writes Parquet."""

from typing import Any

import petl

Spec = dict[str, Any]


def csv_to_postgresql(spec: Spec) -> None:
    import psycopg2

    connection = psycopg2.connect(spec["uri"])
    with connection.cursor() as cursor:
        cursor.execute(spec["ddl"])
    petl.fromcsv(spec["source"]).todb(connection, spec["table"])


def postgresql_to_postgresql(spec: Spec) -> None:
    import psycopg2

    source, to = psycopg2.connect(spec["uri"]), psycopg2.connect(spec["uri"])
    with to.cursor() as cursor:
        cursor.execute(spec["ddl"])
    petl.fromdb(lambda: source.cursor(name="rows"), f"select * from {spec['from_table']}").todb(to, spec["table"])


def help(spec: Spec) -> None:
    """Nothing but the import, which is what any program that uses it begins with."""
