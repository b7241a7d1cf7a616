"""The same attacks across unlike systems: each place holds the table or a changed one, and every pair is compared."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.attacks.share import Attack
from tests.attacks.verify.kit import Verify, written
from tests.conformance.on_mariadb import run
from tests.kafkakit import brokers
from tests.postgresqlkit import Place
from tests.s3kit import BUCKET, S3Place
from towpath.lab import Server

COUNT = 60
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("n", pa.int32()),
        ("price", pa.decimal128(12, 2)),
        ("ratio", pa.float64()),
        ("name", pa.string()),
        ("flag", pa.bool_()),
        ("day", pa.date32()),
        ("local", pa.timestamp("us")),
        ("at", pa.timestamp("us", "UTC")),
    ]
)
BEGAN = datetime(2024, 3, 31, 0, 59, 59, 123456)
FILES = ("csv", "jsonl", "parquet", "arrow")
SERVERS = {"postgresql": "postgresql", "mariadb": "mariadb", "s3": "s3", "kafka": "kafka"}
PLACES = (*FILES, "sqlite", "duckdb", *SERVERS)
PAIRS = [
    pytest.param(a, b, id=f"{a}-{b}", marks=[pytest.mark.server(SERVERS[one]) for one in (a, b) if one in SERVERS])
    for a, b in itertools.permutations(PLACES, 2)
]


def row(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "n": None if number % 7 == 0 else number * 1001,
        "price": Decimal(number * 110).scaleb(-2),
        "ratio": number / 8,
        "name": None if number % 11 == 0 else f"Müller {number:03}",
        "flag": number % 3 == 0,
        "day": date(2024, 2, 28) + timedelta(days=number),
        "local": BEGAN + timedelta(minutes=number),
        "at": (BEGAN + timedelta(hours=number)).replace(tzinfo=UTC),
    }


def table(**changed: Any) -> pa.Table:
    """The rows; with one value of the row 42 changed."""
    rows = [row(number) for number in range(1, COUNT + 1)]
    rows[41] |= changed
    return pa.Table.from_pylist(rows, SCHEMA)


CHANGED: dict[str, tuple[str | None, Callable[[], pa.Table]]] = {
    "an integer": ("n", lambda: table(n=42)),
    "a cent": ("price", lambda: table(price=Decimal("46.21"))),
    "a double": ("ratio", lambda: table(ratio=5.250000000000001)),
    "a letter's case": ("name", lambda: table(name="müller 042")),
    "NFD": ("name", lambda: table(name="Mu\u0308ller 042")),
    "a blank": ("name", lambda: table(name="Müller 042 ")),
    "null for a text": ("name", lambda: table(name=None)),
    "empty for a text": ("name", lambda: table(name="")),
    "a flag": ("flag", lambda: table(flag=False)),
    "a day": ("day", lambda: table(day=date(2024, 4, 9))),
    "a microsecond": ("local", lambda: table(local=BEGAN + timedelta(minutes=42, microseconds=1))),
    "an hour": ("at", lambda: table(at=(BEGAN + timedelta(hours=43)).replace(tzinfo=UTC))),
    "a row lost": (None, lambda: table().slice(0, COUNT - 1)),
    "a row doubled": (None, lambda: table().take(pa.array([*range(COUNT), 41]))),
    "a row for another": (None, lambda: table().take(pa.array([*range(41), *range(42, COUNT), 7]))),
}


class Held:
    """Where tables lie, each loaded once a session."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: dict[tuple[str, str], str] = {}
        self.roots: dict[str, str] = {}
        self.session = secrets.token_hex(4)

    def address(self, request: pytest.FixtureRequest, verify: Verify, kind: str, variant: str) -> str:
        if (kind, variant) not in self.made:
            name = f"t{len(self.made)}"
            place = self.folder / f"{name}.{kind}"
            address = str(place) if kind in FILES else self.at(request, kind, name)
            source = self.folder / f"{name}.source.arrow"
            written(table() if variant == "the same" else CHANGED[variant][1](), source)
            verify.copy(source, address, *(["--to-opt", "key=id"] if kind == "kafka" else []))
            self.made[kind, variant] = address
        return self.made[kind, variant]

    def at(self, request: pytest.FixtureRequest, kind: str, name: str) -> str:
        if kind in ("sqlite", "duckdb"):
            return f"{kind}:///{self.folder}/{name}.{kind}#t"
        server: Server = request.getfixturevalue(f"{kind}_server")
        if kind == "postgresql":
            if kind not in self.roots:
                place = Place(server)
                place.leave()
                self.roots[kind] = place.schema
            return f"{server.address}?options=-csearch_path%3D{self.roots[kind]}#{name}"
        if kind == "mariadb":
            if kind not in self.roots:
                self.roots[kind] = f"v{self.session}"
                run(server, f"create database {self.roots[kind]}")
            return f"{server.address.rpartition('/')[0]}/{self.roots[kind]}#{name}"
        if kind == "s3":
            bucket: S3Place = request.getfixturevalue("s3_place")
            return bucket.address(f"{BUCKET}/verify-{self.session}/{name}.parquet")
        return f"kafka://{brokers(server)}#verify-{self.session}-{name}"


@pytest.fixture(scope="session")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    return Held(tmp_path_factory.mktemp("held"))


@pytest.fixture(autouse=True)
def _keys(request: pytest.FixtureRequest) -> None:
    """An address on S3 that another test made needs the environment of this one."""
    if "s3" in request.node.callspec.params.values():
        request.getfixturevalue("s3_place")


@pytest.mark.parametrize(("a", "b"), PAIRS)
@pytest.mark.one_of_many
def test_two_places_are_equal_and_each_change_is_found(
    attack: Attack, request: pytest.FixtureRequest, verify: Verify, held: Held, a: str, b: str
) -> None:
    whole = held.address(request, verify, a, "the same")
    told = verify(whole, held.address(request, verify, b, "the same"))
    assert (told.code, told.found.get("differences")) == (0, []), told.said
    assert told.found["rows_a"] == told.found["rows_b"] == COUNT
    for name in attack.some(f"{a} {b}", sorted(CHANGED), least=4):
        column, _ = CHANGED[name]
        told = verify(whole, held.address(request, verify, b, name), "--key", "id")
        assert told.code == 1, f"{name}: {told.said}"
        found = [(one["key"], one["column"]) for one in told.differences]
        if column is not None:
            assert found == [("id=42", column)], name
            assert told.differences[0]["a"] != told.differences[0]["b"]
        elif name == "a row lost":
            assert found == [(f"id={COUNT}", None)]
        elif name == "a row doubled":
            assert found == [("id=42", None)]
        else:
            assert sorted(found) == [("id=42", None), ("id=8", None)]
