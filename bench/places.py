"""Where rows come from and go to: what a source is made of, how a destination is made fresh, how it is read again.

A spec is what the functions of the peers get: `source` and `to` as Towpath writes them, and what libraries want to have
apart (`uri`, `table`, `database` ...). Passwords go by the environment and by the file of the spec.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from bench.content import Reference
from bench.datasets import Datasets
from bench.servers import Servers

TABLE = "bench"
Spec = dict[str, Any]
_FRESH = itertools.count(1)


class Place:
    """A file on the disk; what is otherwise elsewhere, the subclasses say."""

    server = ""

    def __init__(self, kind: str, sets: Datasets, servers: Servers) -> None:
        self.kind, self.sets, self.servers = kind, sets, servers

    def source(self, name: str) -> Spec:
        """What a spec needs to read a set here; puts it here if it is not."""
        path = str(self.sets.file(name, self.kind))
        return {"source": path, "file": path}

    def fresh(self, name: str, base: str, folder: Path) -> Spec:
        """What a spec needs to write the columns of a set here, where there is nothing, or the rows of `base`."""
        return {"to": str(folder / f"out.{self.kind}")}

    def output(self, spec: Spec, reference: Reference, folder: Path) -> tuple[str, str]:
        """What came, as a query of DuckDB, and a statement to make it possible."""
        path = f"{spec['to']}/**/*.{self.kind}" if Path(spec["to"]).is_dir() else spec["to"]
        if self.kind == "parquet":
            return f"from read_parquet('{path}')", ""
        if self.kind == "jsonl":
            return f"from read_json('{path}', format = 'newline_delimited', columns = {reference.columns})", ""
        first = next(Path(spec["to"]).rglob(f"*.{self.kind}"), Path(spec["to"]))
        with first.open(encoding="utf-8", newline="") as file:  # a tool may have put columns of its own there
            found = {name: reference.columns.get(name, "VARCHAR") for name in next(csv.reader(file))}
        return _text(path, found, "header = true, allow_quoted_nulls = false"), ""

    def size(self, spec: Spec) -> int:
        to = Path(spec["to"])
        return sum(path.stat().st_size for path in ([to] if to.is_file() else to.rglob("*.*")))


class DuckDB(Place):
    def fresh(self, name: str, base: str, folder: Path) -> Spec:
        path = folder / "out.duckdb"
        if base:
            with duckdb.connect(path) as db:
                db.execute(f"create table {TABLE} as from '{self.sets.file(base, 'parquet')}'")
        return {"to": f"duckdb:///out.duckdb#{TABLE}", "database": str(path), "table": TABLE}

    def output(self, spec: Spec, reference: Reference, folder: Path) -> tuple[str, str]:
        return f"from out.{TABLE}", f"attach '{spec['database']}' as out (read_only)"

    def size(self, spec: Spec) -> int:
        return Path(spec["database"]).stat().st_size


class SQLite(Place):
    def source(self, name: str) -> Spec:
        path = str(self.sets.file(name, "sqlite"))
        return {"source": f"sqlite:///{path}#data", "file": path}


class PostgreSQL(Place):
    """Sources are in the schema `src`, so that `public` can be thrown away before each run."""

    server = "postgresql"

    def source(self, name: str) -> Spec:
        server = self.servers.up(self.server)
        if self.servers.first(self.server, name):
            ddl = self._ddl(name, f"src.{name}")
            self._sql("create schema if not exists src", ddl, f"\\copy src.{name} from '{self._csv(name)}' csv header")
            self._sql(f"vacuum analyze src.{name}")
        return {"source": f"postgresql:///lab#src.{name}", "from_table": f"src.{name}", "uri": server.address}

    def fresh(self, name: str, base: str, folder: Path) -> Spec:
        server = self.servers.up(self.server)
        self._sql("set client_min_messages = warning", "drop schema if exists public, public_staging cascade")
        self._sql("create schema public")
        if base:
            self.source(base)
            self._sql(f"create table {TABLE} as table src.{base}")
            self._sql(f"alter table {TABLE} add primary key ({', '.join(KEY)})", f"vacuum analyze {TABLE}")
        self._sql("checkpoint")
        spec = {"to": f"postgresql:///lab#{TABLE}", "table": TABLE, "uri": server.address}
        return spec | {"ddl": self._ddl(name, TABLE), "csv": str(self._csv(name))}

    def output(self, spec: Spec, reference: Reference, folder: Path) -> tuple[str, str]:
        path, shown = folder / "check.csv", ", ".join(f'"{column}"' for column in reference.columns)
        self._sql(f"\\copy (select {shown} from {TABLE}) to '{path}' with (format csv, header, null '\\N')")
        return _text(str(path), reference.columns, r"header = true, nullstr = '\N'"), ""

    def size(self, spec: Spec) -> int:
        return int(self._sql(f"select pg_total_relation_size('{TABLE}')"))

    def _csv(self, name: str) -> Path:
        return self.sets.file(name, "csv")

    def _ddl(self, name: str, table: str) -> str:
        return _ddl(self.sets, name, table, {"VARCHAR": "text", "DOUBLE": "double precision"})

    def _sql(self, *statements: str) -> str:
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        command += [part for one in statements for part in ("-c", one)]
        return self.servers.run(self.server, command)


class MariaDB(Place):
    """Sources are in the database `src`, so that `lab` can be thrown away before each run."""

    server = "mariadb"

    def _address(self, database: str, table: str) -> str:
        server = self.servers.up(self.server)
        return f"mariadb://{server.user}:${{env:MYSQL_PWD}}@{server.host}:{server.port}/{database}#{table}"

    def source(self, name: str) -> Spec:
        if self.servers.first(self.server, name):
            self._sql("create database if not exists src")
            self._sql(_ddl(self.sets, name, f"src.{name}", {"VARCHAR": "text"}))
            self._sql(
                f"load data local infile '{self.sets.file(name, 'csv')}' into table src.{name} character set utf8mb4"
                r" fields terminated by ',' optionally enclosed by '\"' lines terminated by '\n' ignore 1 lines"
            )
        return {**self._login(), "source": self._address("src", name), "from_table": f"src.{name}"}

    def fresh(self, name: str, base: str, folder: Path) -> Spec:
        self._sql("drop database if exists lab; create database lab")
        return {
            **self._login(), "to": self._address("lab", TABLE), "table": TABLE,
            "ddl": _ddl(self.sets, name, TABLE, {"VARCHAR": "text"}), "csv": str(self.sets.file(name, "csv")),
        }  # fmt: skip

    def output(self, spec: Spec, reference: Reference, folder: Path) -> tuple[str, str]:
        path, shown = folder / "check.tsv", ", ".join(f"`{column}`" for column in reference.columns)
        self._sql(f"select {shown} from {TABLE}", path)
        return _text(str(path), reference.columns, "header = true, delim = '\t', quote = '', nullstr = 'NULL'"), ""

    def size(self, spec: Spec) -> int:
        found = f"select data_length + index_length from information_schema.tables where table_name = '{TABLE}'"
        return int(self._sql(found).split()[-1])

    def _login(self) -> Spec:
        """How libraries log in, and an option file for the client."""
        server, password = self.servers.up(self.server), self.servers.password(self.server)
        lines = [
            "[client]",
            f"host={server.host}",
            f"port={server.port}",
            f"user={server.user}",
            f"password={password}",
        ]
        uri = f"mysql://{server.user}:{password}@{server.host}:{server.port}/lab"
        return {"uri": uri, "client": "\n".join([*lines, ""])}

    def _sql(self, statement: str, to: Path | None = None) -> str:
        server = self.servers.up(self.server)
        login = [f"-h{server.host}", f"-P{server.port}", f"-u{server.user}", "--local-infile=1", "--quick", "--batch"]
        database = [] if "database" in statement or "src." in statement else ["lab"]
        return self.servers.run(self.server, ["mariadb", *login, *database, "-e", statement], to)


class S3(Place):
    server = "s3"

    def source(self, name: str) -> Spec:
        spec = self._spec(f"src/{name}.parquet")
        if self.servers.first(self.server, name):
            self.servers.bucket().upload_file(str(self.sets.file(name, "parquet")), spec["bucket"], spec["object"])
        return spec | {"source": spec["address"]}

    def fresh(self, name: str, base: str, folder: Path) -> Spec:
        spec = self._spec(f"out/{next(_FRESH)}.parquet")
        return spec | {"to": spec["address"]}

    def output(self, spec: Spec, reference: Reference, folder: Path) -> tuple[str, str]:
        self.servers.bucket().download_file(spec["bucket"], spec["object"], str(folder / "check.parquet"))
        return f"from read_parquet('{folder / 'check.parquet'}')", ""

    def size(self, spec: Spec) -> int:
        return int(self.servers.bucket().head_object(Bucket=spec["bucket"], Key=spec["object"])["ContentLength"])

    def _spec(self, name: str) -> Spec:
        server = self.servers.up(self.server)
        endpoint = f"http://{server.host}:{server.port}"
        return {
            "address": f"s3://lab/{name}?endpoint={endpoint}", "bucket": "lab", "object": name, "endpoint": endpoint,
            "access_key": server.user, "secret_key": self.servers.password("s3"),
        }  # fmt: skip


class Kafka(Place):
    server = "kafka"

    def source(self, name: str) -> Spec:
        server = self.servers.up(self.server)
        broker = f"{server.host}:{server.port}"
        if self.servers.first(self.server, name):
            self.servers.produce(name, self.sets.file(name, "jsonl"))
        return {"source": f"kafka://{broker}#{name}", "broker": broker, "topic": name}


KEY = ("l_orderkey", "l_linenumber")
_PLACES: Mapping[str, type[Place]] = {
    "duckdb": DuckDB, "sqlite": SQLite, "postgresql": PostgreSQL, "mariadb": MariaDB, "s3": S3, "kafka": Kafka,
}  # fmt: skip


def place(kind: str, sets: Datasets, servers: Servers) -> Place:
    return _PLACES.get(kind, Place)(kind, sets, servers)


def _text(path: str, columns: Mapping[str, str], options: str) -> str:
    return f"from read_csv('{path}', columns = {dict(columns)}, auto_detect = false, {options})"


def _ddl(sets: Datasets, name: str, table: str, types: Mapping[str, str]) -> str:
    """A statement that makes a table for a set; `types` are those that the server names otherwise than DuckDB."""
    described = duckdb.execute(f"describe from '{sets.file(name, 'parquet')}'").fetchall()
    return f"create table {table} ({', '.join(f'{column} {types.get(kind, kind)}' for column, kind, *_ in described)})"
