"""Where rows go: each destination with its address, a table made beforehand where that is the point, and what a reader
finds there who knows nothing of Towpath."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from secrets import token_hex
from typing import Any

import duckdb
import psycopg
import pytest

from tests.attacks.badrows.made import COLUMNS, LONG, NUL, Kind, Row
from tests.conformance.on_mariadb import run
from tests.kafkakit import seen
from tests.s3kit import BUCKET, SECRET
from towpath.lab import Server


@dataclass
class End:
    """One destination in a folder of its own."""

    folder: Path
    kinds: tuple[Kind, ...] = ()
    """What is bad here besides."""

    @property
    def address(self) -> str:
        raise NotImplementedError

    def rows(self) -> list[Row]:
        """What is there, in order of the key; [] where there is nothing yet."""
        raise NotImplementedError

    def env(self) -> dict[str, str]:
        return {}

    def close(self) -> None:
        """Removes what lies outside of the folder."""


class Parquet(End):
    address = "o.parquet"  # type: ignore[assignment]

    def rows(self) -> list[Row]:
        path = self.folder / "o.parquet"
        return _sorted(duckdb.sql(f"from '{path}'").fetchall()) if path.exists() else []


class DuckDB(End):
    address = "duckdb:///o.duckdb#t"  # type: ignore[assignment]

    def rows(self) -> list[Row]:
        path = self.folder / "o.duckdb"
        if not path.exists():
            return []
        with duckdb.connect(str(path), read_only=True) as there:
            known = there.execute("select 1 from information_schema.tables where table_name = 't'").fetchall()
            return _sorted(there.execute(f"select {', '.join(COLUMNS)} from t").fetchall()) if known else []


class SQLite(End):
    address = "sqlite:///o.sqlite#t"  # type: ignore[assignment]

    def rows(self) -> list[Row]:
        import sqlite3

        with closing(sqlite3.connect(self.folder / "o.sqlite")) as there:
            if not there.execute("select 1 from sqlite_master where name = 't'").fetchall():
                return []
            return _sorted(there.execute(f"select {', '.join(COLUMNS)} from t").fetchall())


_KEY = "TOW_TEST_BADROWS_KEY"
_PASSWORD = "TOW_TEST_BADROWS_PASSWORD"
_TABLE = (
    "create table t (id bigint not null, name {text} not null, amount decimal(12,2), day date, score bigint,"
    " code {text}, paid {bool}, note varchar(10))"
)


class PostgreSQL(End):
    """A table that is there, whose notes have at most ten characters."""

    def __init__(self, folder: Path, server: Server) -> None:
        super().__init__(folder, (LONG, NUL))
        self.server, self.schema = server, f"b_{token_hex(6)}"
        self.options = f"-csearch_path={self.schema}"
        with psycopg.connect(server.address, autocommit=True) as there:
            there.execute(f"create schema {self.schema}".encode())
        with self._there() as there:
            there.execute(_TABLE.format(text="text", bool="boolean").encode())

    @property
    def address(self) -> str:
        user, place = self.server.address.partition("://")[2].split("@")
        name = user.partition(":")[0]
        return f"postgresql://{name}:${{env:{_PASSWORD}}}@{place}?options=-csearch_path%3D{self.schema}#t"

    def env(self) -> dict[str, str]:
        return {_PASSWORD: self.server.password.reveal() if self.server.password else ""}

    def rows(self) -> list[Row]:
        with self._there() as there:
            return _sorted(there.execute(f"select {', '.join(COLUMNS)} from t".encode()).fetchall())

    def _there(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.server.address, autocommit=True, options=self.options)

    def close(self) -> None:
        with psycopg.connect(self.server.address, autocommit=True) as there:
            there.execute(f"drop schema {self.schema} cascade".encode())


class MariaDB(End):
    def __init__(self, folder: Path, server: Server) -> None:
        super().__init__(folder, (LONG,))
        self.server, self.name = server, f"b_{token_hex(6)}"
        run(server, f"create database {self.name} character set utf8mb4")
        run(server, _TABLE.format(text="text", bool="boolean"), database=self.name)

    @property
    def address(self) -> str:
        return f"mariadb://{self.server.user}:${{env:{_PASSWORD}}}@{self.server.host}:{self.server.port}/{self.name}#t"

    def env(self) -> dict[str, str]:
        return {_PASSWORD: self.server.password.reveal() if self.server.password else ""}

    def rows(self) -> list[Row]:
        return _sorted(run(self.server, f"select {', '.join(COLUMNS)} from t", database=self.name))

    def close(self) -> None:
        run(self.server, f"drop database {self.name}")


class S3(End):
    def __init__(self, folder: Path, server: Server, client: Any) -> None:
        super().__init__(folder)
        self.server, self.client, self.key = server, client, f"badrows/{token_hex(6)}.parquet"

    @property
    def address(self) -> str:
        host = f"http://{self.server.host}:{self.server.port}"
        keys = f"access_key=${{env:{_KEY}}}&secret_key=${{env:{SECRET}}}&region=us-east-1"
        return f"s3://{BUCKET}/{self.key}?endpoint={host}&{keys}"

    def env(self) -> dict[str, str]:
        return {
            _KEY: self.server.user,
            SECRET: self.server.password.reveal(),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }

    def rows(self) -> list[Row]:
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix=self.key).get("Contents", ())
        if self.key not in [one["Key"] for one in found]:
            return []
        path = self.folder / "seen.parquet"
        path.write_bytes(self.client.get_object(Bucket=BUCKET, Key=self.key)["Body"].read())
        return _sorted(duckdb.sql(f"from '{path}'").fetchall())


class Kafka(End):
    def __init__(self, folder: Path, server: Server) -> None:
        super().__init__(folder)
        self.server, self.topic = server, f"b-{token_hex(6)}"

    @property
    def address(self) -> str:
        return f"{self.server.address}#{self.topic}"

    def rows(self) -> list[Row]:
        found = [json.loads(value, parse_float=Decimal) for value in seen(self.server, self.topic).values()]
        return _sorted([tuple(one[name] for name in COLUMNS) for one in found])


NAMES = ("parquet", "duckdb", "sqlite", "postgresql", "mariadb", "s3", "kafka")


def made(name: str, folder: Path, request: pytest.FixtureRequest) -> End:
    """The destination of that name; the test is skipped where its server cannot be had."""
    if name == "s3":
        place = request.getfixturevalue("s3_place")
        return S3(folder, place.server, place.client())
    kinds: dict[str, Any] = {"parquet": Parquet, "duckdb": DuckDB, "sqlite": SQLite}
    if name in kinds:
        end: End = kinds[name](folder)
        return end
    servers: dict[str, Any] = {"postgresql": PostgreSQL, "mariadb": MariaDB, "kafka": Kafka}
    served: End = servers[name](folder, request.getfixturevalue(f"{name}_server"))
    return served


def _sorted(rows: Any) -> list[Row]:
    """The rows as those that were made: systems without decimals, dates or truths hold them in other forms."""
    return sorted(
        (
            number, name, Decimal(str(amount)).quantize(Decimal("0.01")),
            day if isinstance(day, date) else date.fromisoformat(day), score, code, bool(paid), note,
        )
        for number, name, amount, day, score, code, paid, note in rows
    )  # fmt: skip
