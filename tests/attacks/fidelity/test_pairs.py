"""Named pairs: each system's own types, and the hostile schema, from one end to another, with zero silent changes.

A test judges one pair: its columns cross side by side, and again without each one that is refused. The ends are read by
libraries of their own (`ends.py`), cells are compared by what they mean (`meaning.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from tests.attacks.fidelity import ends, narrow, natives, written
from tests.attacks.fidelity.crossing import cross, fit
from tests.attacks.share import Attack
from tests.conformance.on_mariadb import run
from tests.postgresqlkit import LIBRARIES, Place
from tests.s3kit import S3Place
from towpath.conformance import hostile

PAIRS = """
    postgresql > parquet, arrow, csv, jsonl, json, duckdb, sqlite, postgresql+adbc, mariadb, kafka, s3
    postgresql+adbc > postgresql, mariadb, parquet
    postgresql+psycopg2 > postgresql+psycopg2, mariadb, parquet
    mariadb > parquet, arrow, csv, jsonl, duckdb, sqlite, postgresql, postgresql+psycopg2, mariadb, kafka, s3
    sqlite > parquet, csv, jsonl, duckdb, sqlite, postgresql, mariadb, kafka
    duckdb > parquet, csv, jsonl, duckdb, sqlite, postgresql, mariadb, kafka, s3
    parquet > postgresql, postgresql+adbc, postgresql+psycopg2, mariadb, kafka
    arrow > duckdb, sqlite, s3, parquet
    s3 > postgresql, mariadb
    csv > parquet, duckdb, sqlite, postgresql, mariadb, kafka
    jsonl > parquet, duckdb, sqlite, postgresql, mariadb
    json > parquet, postgresql
    kafka > parquet, duckdb, sqlite, postgresql, mariadb, kafka
"""
_SERVERS = ("postgresql", "mariadb", "kafka", "s3")
_NATIVES: dict[str, Any] = {
    "postgresql": natives.POSTGRESQL,
    "mariadb": natives.MARIADB,
    "sqlite": natives.SQLITE,
    "duckdb": natives.DUCKDB,
    **dict.fromkeys(("csv", "jsonl", "json", "kafka"), written.COLUMNS),
}


def _pairs() -> list[Any]:
    made = []
    for line in PAIRS.strip().splitlines():
        source, _, others = line.partition(">")
        for to in others.split(","):
            pair = source.strip(), to.strip()
            servers = {name for name in (end.partition("+")[0] for end in pair) if name in _SERVERS}
            marks = [pytest.mark.server(*sorted(servers))] if servers else []
            made.append(pytest.param(*pair, marks=marks, id="-".join(pair)))
    return made


class Ends:
    """Makes the ends of one test, and takes them away again."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> None:
        self._request = request
        self._folder = folder
        self._stack = stack

    def end(self, name: str, folder: str) -> Any:
        place = self._folder / folder
        place.mkdir()
        system, _, library = name.partition("+")
        if system == "postgresql":
            return self.postgresql(library)
        if system == "mariadb":
            return self.mariadb()
        if system == "kafka":
            return ends.KafkaEnd(self._request.getfixturevalue("kafka_server"), f"pairs-{token_hex(6)}")
        if system == "s3":
            s3: S3Place = self._request.getfixturevalue("s3_place")
            return ends.FileEnd(self._folder / f"{folder}-{token_hex(6)}", "parquet", s3)
        made = {"sqlite": ends.SQLiteEnd, "duckdb": ends.DuckDBEnd}
        return made[system](place) if system in made else ends.FileEnd(place, system)

    def postgresql(self, library: str = "") -> ends.PostgreSQLEnd:
        place = Place(self._request.getfixturevalue("postgresql_server"), library and f"+{library}")
        self._stack.callback(place.drop)
        return ends.PostgreSQLEnd(place)

    def mariadb(self) -> ends.MariaDBEnd:
        server, database = self._request.getfixturevalue("mariadb_server"), f"t_{token_hex(6)}"
        run(server, f"create database {database} character set utf8mb4")
        self._stack.callback(run, server, f"drop database {database}")
        made = ends.MariaDBEnd(server, database)
        self._stack.callback(made.connection.close)
        return made


@pytest.fixture
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ends]:
    with ExitStack() as stack:
        yield Ends(request, tmp_path, stack)


def columns(source: str) -> list[Any]:
    """The columns that an end can be a source of."""
    found = _NATIVES.get(source.partition("+")[0])
    if found is not None:
        return list(found)
    ending = "arrow" if source == "arrow" else "parquet"
    return [one for one in hostile.columns() if ends.takes(ending, one)]


@pytest.mark.one_of_many(least=25)
@pytest.mark.parametrize(("source", "to"), _pairs())
def test_every_cell_is_equal_or_its_column_was_announced(source: str, to: str, made: Ends, attack: Attack) -> None:
    chosen = attack.some(f"{source} to {to}", columns(source), least=6)
    one, two = made.end(source, "from"), made.end(to, "to")
    one.make("t", chosen)
    crossed = cross(one, two, "t", [column.name for column in chosen])
    assert len(crossed) == len(chosen)
    assert len(chosen) < 30 or sum(found.way == "refused" for found in crossed.values()) < len(chosen) / 2


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.server("postgresql")
def test_a_narrow_column_of_postgresql_keeps_a_value_or_refuses_it(library: str, made: Ends, attack: Attack) -> None:
    chosen = attack.some(f"narrow{library}", narrow.POSTGRESQL[:: 3 if library else 1], least=5)
    to = made.postgresql(library.removeprefix("+"))
    inside = ", ".join(f'"{one.name}" {one.declared}' for one in chosen)
    # What a view rests on is not widened.
    to.place.run(*narrow.POSTGRESQL_TYPES, f"create table t (n bigint, {inside})", "create view v as select * from t")
    fit(made.end("arrow", "from"), to, "t", chosen)


@pytest.mark.parametrize("bulk", ["", "?local_infile=false"])
@pytest.mark.server("mariadb")
def test_a_narrow_column_of_mariadb_keeps_a_value_or_refuses_it(bulk: str, made: Ends, attack: Attack) -> None:
    chosen = attack.some(f"narrow{bulk}", narrow.MARIADB[:: 3 if bulk else 1], least=5)
    to = made.mariadb()
    to.place += bulk
    # What has a comment is not widened.
    inside = ", ".join(f"`{one.name}` {one.declared} comment 'narrow'" for one in chosen)
    to.run(f"create table t (n bigint, {inside})")
    fit(made.end("arrow", "from"), to, "t", chosen)
