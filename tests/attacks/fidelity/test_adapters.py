"""The hostile schema through each adapter and its options, out and back: each column alone, some together, and all that
are not refused at once; hostile names; no rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from secrets import token_hex

import pyarrow as pa
import pytest

from tests.attacks.fidelity.routes import Route, arriving, carried
from tests.attacks.share import Attack
from tests.conformance.on_mariadb import run
from tests.kafkakit import brokers
from tests.postgresqlkit import Place
from tests.s3kit import BUCKET, S3Place
from towpath.conformance import hostile
from towpath.lab import Server


def _file(name: str, ending: str, *, pinned: bool = False, rows: bool = True, **options: str) -> Route:
    """A file on a disk, written and read with the options that both know."""
    written = {"to_options": options} if options else {}
    read = {"from_options": {key: value for key, value in options.items() if key in _BOTH}} if options else {}
    return Route(name, lambda out: f"{out}/it.{ending}", written, read, pinned, keeps_names=rows)


_BOTH = ("delimiter", "quote", "null", "encoding")

FILES = (
    _file("arrow", "arrow"),
    _file("arrow-stream", "arrow", stream="true", compression="lz4"),
    _file("parquet", "parquet"),
    _file("parquet-small", "parquet", compression="snappy", row_group_bytes="1"),
    _file("csv", "csv", pinned=True),
    _file("csv-quoted", "csv", pinned=True, delimiter="|", quote_all="true", line_ending="crlf", null="\\N"),
    _file("csv-latin-quote", "csv", pinned=True, delimiter=";", quote="'", null="NA"),
    _file("csv-utf-16", "csv", pinned=True, encoding="utf-16"),
    _file("tsv", "tsv.gz", pinned=True),
    _file("json", "json", pinned=True, rows=False),
    _file("jsonl", "jsonl.zst", pinned=True, rows=False),
    Route("duckdb", lambda out: f"duckdb:///{out}/it.db#t"),
    Route("sqlite", lambda out: f"sqlite:///{out}/it.db#t"),
    Route("where", lambda out: f"{out}/it.arrow", {"where": "1 = 1"}),
    Route("sql", lambda out: f"{out}/it.arrow", {"sql": "select * from input"}, checks=True, retypes="duration"),
)

COLUMNS = [column for column in hostile.columns() if not column.name.startswith("time_24_")]
"""Arrow's files hold no 24:00:00; see the test of it."""


@pytest.fixture(params=FILES, ids=lambda route: route.name)
def route(request: pytest.FixtureRequest) -> Route:
    made: Route = request.param
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[], Path]:
    """A new place for each load."""
    numbers = itertools.count()
    return lambda: tmp_path / str(next(numbers))


def test_a_column_comes_back_or_is_refused_by_its_name(
    route: Route, attack: Attack, folder: Callable[[], Path]
) -> None:
    _alone(route, attack, folder)


def test_some_columns_together_disturb_each_other_in_nothing(
    route: Route, attack: Attack, folder: Callable[[], Path]
) -> None:
    _together(route, attack, folder)


def test_all_columns_that_are_not_refused_come_back_at_once(route: Route, folder: Callable[[], Path]) -> None:
    _all(route, folder)


def test_a_name_comes_back_or_is_refused(route: Route, attack: Attack, folder: Callable[[], Path]) -> None:
    _names(route, attack, folder)


@pytest.mark.one_of_many
def test_no_rows_and_no_columns_come_back_too(route: Route, folder: Callable[[], Path]) -> None:
    wrong, sent = arriving(hostile.table(COLUMNS).slice(0, 0), route, folder())
    told(wrong)
    assert sent.num_columns > len(COLUMNS) * 2 // 3
    empty = carried(pa.table({}), route, folder())
    told(one for one in empty.wrong if not empty.refused or not one.startswith("names no column"))  # it has none


def told(wrong: Iterable[str]) -> None:
    found = list(wrong)
    assert not found, "\n".join(found)


def _alone(route: Route, attack: Attack, folder: Callable[[], Path]) -> None:
    chosen = attack.some(f"columns by {route.name}", COLUMNS, least=2)
    outcomes = [(one.name, carried(hostile.table([one]), route, folder())) for one in chosen]
    told(f"{name}: {told}" for name, outcome in outcomes for told in outcome.wrong)


def _together(route: Route, attack: Attack, folder: Callable[[], Path]) -> None:
    chance = attack.random(f"together by {route.name}")
    chosen = [chance.sample(COLUMNS, chance.randint(2, 5)) for _ in range(attack.times(20))]
    told(one for some in chosen for one in arriving(hostile.table(some), route, folder())[0])


def _all(route: Route, folder: Callable[[], Path]) -> None:
    wrong, sent = arriving(hostile.table(COLUMNS), route, folder())
    told(wrong)
    assert sent.num_columns > len(COLUMNS) * 2 // 3


def _names(route: Route, attack: Attack, folder: Callable[[], Path]) -> None:
    chance = attack.random(f"names by {route.name}")
    values = hostile.column("text_quotes").values
    chosen = [chance.sample([*hostile.NAMES], chance.randint(1, 4)) for _ in range(attack.times(40))]
    outcomes = [(names, carried(hostile.named(values, names), route, folder())) for names in chosen]
    told(f"{names}: {told}" for names, outcome in outcomes for told in outcome.wrong)


def _name(out: Path) -> str:
    """A name for what one load makes, which no other load of the test has."""
    return f"{out.parent.parent.name}_{out.parent.name}"


def postgresql_route(place: Place) -> Route:
    return Route(
        f"postgresql{place.library}",
        lambda out: place.address(f"t_{_name(out)}"),
        left=lambda out: [name for name in place.tables() if name == f"t_{_name(out)}"],
    )


@pytest.fixture
def tables(tmp_path: Path) -> Callable[[], Path]:
    """A new place for each load, whose name no other has."""
    return lambda: tmp_path / token_hex(6)


@pytest.fixture
def mariadb(mariadb_server: Server) -> Route:
    name = f"t_{token_hex(6)}"
    run(mariadb_server, f"create database {name}")
    place = mariadb_server.address.rpartition("/")[0]
    asked = f"select table_name from information_schema.tables where table_schema = '{name}' and table_name = "
    return Route(
        "mariadb",
        lambda out: f"{place}/{name}#t_{_name(out)}",
        left=lambda out: [str(row[0]) for row in run(mariadb_server, f"{asked} 't_{_name(out)}'")],
    )


@pytest.fixture(params=["csv", "parquet", "jsonl"])
def objects(request: pytest.FixtureRequest, s3_place: S3Place) -> Route:
    ending = request.param
    return Route(
        f"s3-{ending}",
        lambda out: s3_place.address(f"{BUCKET}/fidelity/{_name(out)}.{ending}"),
        pinned=ending != "parquet",
        left=lambda out: s3_place.keys(f"{BUCKET}/fidelity/{_name(out)}."),
        keeps_names=ending != "jsonl",
    )


@pytest.fixture
def kafka(kafka_server: Server) -> Route:
    return Route(
        "kafka",
        lambda out: f"kafka://{brokers(kafka_server)}#t-{_name(out)}",
        to={"to_options": {"partitions": "1"}},
        pinned=True,
        left=lambda out: [],
        keeps_names=False,
    )


def test_a_column_comes_back_from_postgresql(postgresql: Place, attack: Attack, tables: Callable[[], Path]) -> None:
    _alone(postgresql_route(postgresql), attack, tables)


def test_columns_together_come_back_from_postgresql(
    postgresql: Place, attack: Attack, tables: Callable[[], Path]
) -> None:
    _together(postgresql_route(postgresql), attack, tables)


@pytest.mark.one_of_many
def test_all_columns_come_back_from_postgresql(postgresql: Place, tables: Callable[[], Path]) -> None:
    _all(postgresql_route(postgresql), tables)


def test_a_name_comes_back_from_postgresql(postgresql: Place, attack: Attack, tables: Callable[[], Path]) -> None:
    _names(postgresql_route(postgresql), attack, tables)


def test_a_column_comes_back_from_mariadb(mariadb: Route, attack: Attack, tables: Callable[[], Path]) -> None:
    _alone(mariadb, attack, tables)


def test_columns_together_come_back_from_mariadb(mariadb: Route, attack: Attack, tables: Callable[[], Path]) -> None:
    _together(mariadb, attack, tables)


@pytest.mark.one_of_many
def test_all_columns_come_back_from_mariadb(mariadb: Route, tables: Callable[[], Path]) -> None:
    _all(mariadb, tables)


def test_a_name_comes_back_from_mariadb(mariadb: Route, attack: Attack, tables: Callable[[], Path]) -> None:
    _names(mariadb, attack, tables)


def test_columns_come_back_from_s3(objects: Route, attack: Attack, tables: Callable[[], Path]) -> None:
    _together(objects, attack, tables)


def test_a_column_comes_back_from_kafka(kafka: Route, attack: Attack, tables: Callable[[], Path]) -> None:
    _alone(kafka, attack, tables)


def test_columns_together_come_back_from_kafka(kafka: Route, attack: Attack, tables: Callable[[], Path]) -> None:
    _together(kafka, attack, tables)


@pytest.mark.one_of_many
def test_all_columns_come_back_from_kafka(kafka: Route, tables: Callable[[], Path]) -> None:
    _all(kafka, tables)


def test_a_name_comes_back_from_kafka(kafka: Route, attack: Attack, tables: Callable[[], Path]) -> None:
    _names(kafka, attack, tables)
