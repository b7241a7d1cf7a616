"""What docs/reference/types.md says: each type through copies, and what the destinations kept.

`python -m tests.attacks.fidelity.types_page` makes the copies, with the lab's servers, and writes the results to
docs/reference/types.json; `make reference` renders them. Tests hold both to what copies do today.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

import towpath as tow
from tests.attacks.fidelity import crossing, ends, natives
from tests.attacks.fidelity.natives import Native
from tests.conformance.on_mariadb import run
from tests.postgresqlkit import Place
from towpath.conformance.hostile import Hostile
from towpath.lab.lab import Lab
from towpath.values.textform import type_name

RESULTS = Path(__file__).parents[3] / "docs" / "reference" / "types.json"
FILES = ("csv", "jsonl", "json", "parquet", "arrow")

TYPES: tuple[pa.DataType, ...] = (
    pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(),
    pa.decimal128(12, 2), pa.decimal128(38, 18), pa.decimal256(76, 38), pa.float16(), pa.float32(), pa.float64(),
    pa.string(), pa.binary(), pa.binary(4), pa.date32(), pa.time32("s"), pa.time64("us"), pa.time64("ns"),
    pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("ns"), pa.timestamp("us", "UTC"),
    pa.timestamp("ns", "Europe/Paris"), pa.duration("us"), pa.month_day_nano_interval(), pa.list_(pa.int32()),
    pa.list_(pa.string()), pa.list_(pa.list_(pa.string())),
    pa.struct([("a", pa.int32()), ("b", pa.string())]), pa.map_(pa.string(), pa.int64()), pa.null(),
)  # fmt: skip


def kept(to: str) -> dict[str, list[str]]:
    """For each type what a new table, file or topic at an address that begins so keeps: its words for it, the way, and
    why that is no exact one."""
    columns = [Hostile(f"c{at}", pa.nulls(1, type), "") for at, type in enumerate(TYPES)]
    with TemporaryDirectory() as folder:
        source = ends.FileEnd(Path(folder), "arrow")
        source.make("types", columns)
        out: dict[str, crossing.Crossed] = {}
        left = [one.name for one in columns]
        ways = crossing.planned(source.address("types"), to, left, out)
        receipt = tow.copy(source.address("types"), to, select=["n", *left])
    done = {one["name"]: [one["stored"], one["way"], one["why"]] for one in receipt.columns}
    assert all(done[name][:2] == [ways[name]["stored"], ways[name]["way"]] for name in left)
    words = [type_name(type) for type in TYPES]
    return {
        word: done.get(one.name) or ["", "refused", out[one.name].note]
        for word, one in zip(words, columns, strict=True)
    }


def read(source: Any, columns: Sequence[Native]) -> dict[str, str]:
    """For each column, told by its declaration and its values, the type that it is read as."""
    source.make("types", columns)
    with tow.read(source.address("types")) as reader:
        types = {field.name: type_name(field.type) for field in reader.schema}
    return {f"{one.declared}: {', '.join(one.values)}": types[one.name] for one in columns}


def without_servers(folder: Path) -> dict[str, Any]:
    """The results that any machine can have."""
    addresses = {ending: str(folder / f"made.{ending}") for ending in FILES}
    addresses |= {"duckdb": f"duckdb:///{folder}/made.duckdb#made", "sqlite": f"sqlite:///{folder}/made.sqlite#made"}
    return {
        "kept": {name: kept(address) for name, address in addresses.items()},
        "read": {
            "duckdb": read(ends.DuckDBEnd(folder), natives.DUCKDB),
            "sqlite": read(ends.SQLiteEnd(folder), natives.SQLITE),
        },
    }


def merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    return {kind: {name: one for part in parts for name, one in part[kind].items()} for kind in ("kept", "read")}


def with_servers(postgresql: Any, mariadb: Any, kafka: Any) -> dict[str, Any]:
    """The results of the systems that the lab has."""
    made = {"postgresql": postgresql, "mariadb": mariadb, "kafka": kafka}
    return {
        "kept": {name: kept(end.address("made")) for name, end in made.items()},
        "read": {"postgresql": read(postgresql, natives.POSTGRESQL), "mariadb": read(mariadb, natives.MARIADB)},
    }


def main() -> int:
    lab = Lab()
    try:
        mariadb, name = lab.up("mariadb"), f"t_{token_hex(6)}"
        run(mariadb, f"create database {name} character set utf8mb4")
        servers = with_servers(
            ends.PostgreSQLEnd(Place(lab.up("postgresql"))),
            ends.MariaDBEnd(mariadb, name),
            ends.KafkaEnd(lab.up("kafka"), f"types-{token_hex(6)}"),
        )
        with TemporaryDirectory() as folder:
            found = merged(without_servers(Path(folder)), servers)
    finally:
        lab.close()
    RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
