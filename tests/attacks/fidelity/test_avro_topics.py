"""The hostile schema through messages of Avro, out and back: each column alone, and all that are not refused at once.

Avro has fewer types than Arrow, and the user's schema says which: a column that is no value of its field's type is
refused by its name, or checked value by value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.attacks.fidelity.routes import Outcome, Route, carried
from tests.attacks.fidelity.test_adapters import COLUMNS, told
from tests.attacks.share import Attack
from tests.kafkakit import brokers
from towpath.conformance import hostile
from towpath.conformance.hostile import Hostile
from towpath.lab import Server

_PLAIN: dict[pa.DataType, str] = {
    pa.null(): "null",
    pa.bool_(): "boolean",
    **dict.fromkeys((pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16()), "int"),
    **dict.fromkeys((pa.int64(), pa.uint32(), pa.uint64()), "long"),
    pa.float16(): "float",
    pa.float32(): "float",
    pa.float64(): "double",
    **dict.fromkeys((pa.string(), pa.large_string(), pa.string_view()), "string"),
    **dict.fromkeys((pa.binary(), pa.large_binary(), pa.binary_view()), "bytes"),
}
_FRACTIONS = {"s": "millis", "ms": "millis", "us": "micros", "ns": "nanos"}


def avro(type: pa.DataType, name: str) -> Any:
    """The Avro type that a user would give values of an Arrow type; None where there is none. `name` is for what has to
    have one."""
    is_ = pa.types
    if type in _PLAIN:
        return _PLAIN[type]
    if is_.is_dictionary(type):
        return avro(type.value_type, name)
    if is_.is_decimal(type):
        return {"type": "bytes", "logicalType": "decimal", "precision": type.precision, "scale": max(type.scale, 0)}
    if is_.is_fixed_size_binary(type):
        return {"type": "fixed", "name": f"{name}_fixed", "size": type.byte_width}
    if is_.is_date32(type) or is_.is_date64(type):
        return {"type": "int", "logicalType": "date"}
    if is_.is_time32(type):
        return {"type": "int", "logicalType": "time-millis"}
    if is_.is_time64(type):
        return {"type": "long", "logicalType": "time-micros"}
    if is_.is_timestamp(type):
        local = "" if type.tz else "local-"
        return {"type": "long", "logicalType": f"{local}timestamp-{_FRACTIONS[type.unit]}"}
    return _nested(type, name)


def _nested(type: pa.DataType, name: str) -> Any:
    is_ = pa.types
    if is_.is_map(type):
        return _holding(type.item_type, name, lambda inner: {"type": "map", "values": inner})
    if is_.is_list(type) or is_.is_large_list(type) or is_.is_fixed_size_list(type):
        return _holding(type.value_type, name, lambda inner: {"type": "array", "items": inner})
    if is_.is_struct(type):
        fields = [(one.name, _nullable(avro(one.type, f"{name}_{at}"))) for at, one in enumerate(type)]
        if any(inner is None or not _NAME.fullmatch(one) for one, inner in fields):
            return None
        return {
            "type": "record",
            "name": f"{name}_record",
            "fields": [{"name": one, "type": inner} for one, inner in fields],
        }
    return None


_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def _holding(type: pa.DataType, name: str, made: Callable[[Any], Any]) -> Any:
    inner = avro(type, f"{name}_in")
    return None if inner is None else made(_nullable(inner))


def _nullable(inner: Any) -> Any:
    return inner if inner in (None, "null") else ["null", inner]


class Topics:
    """Topics of Avro records; each load has its own schema file."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server, self._folder, self._count = server, folder, 0

    def carried(self, chosen: list[Hostile]) -> Outcome:
        self._count += 1
        folder = self._folder / f"{self._folder.name}_{self._count}"
        fields = [{"name": one.name, "type": _nullable(avro(one.type, one.name))} for one in chosen]
        schema = self._folder / f"{self._count}.avsc"
        schema.write_text(json.dumps({"type": "record", "name": "r", "fields": fields}))
        options = {"value": "avro", "schema": str(schema)}
        route = Route(
            "kafka-avro",
            lambda out: f"kafka://{brokers(self._server)}#avro-{out.parent.name}-{self._token}",
            to={"to_options": {"partitions": "1", **options}},
            back={"from_options": options},
            left=lambda out: [],
        )
        return carried(hostile.table(chosen), route, folder)

    @property
    def _token(self) -> str:
        return re.sub(r"\W", "", str(self._folder))[-60:]


@pytest.fixture
def topics(kafka_server: Server, tmp_path: Path) -> Topics:
    return Topics(kafka_server, tmp_path)


_FIT = [one for one in COLUMNS if avro(one.type, one.name) is not None]


def test_a_column_comes_back_from_messages_of_avro(topics: Topics, attack: Attack) -> None:
    chosen = attack.some("columns by avro", _FIT, least=3)
    outcomes = {one.name: topics.carried([one]) for one in chosen}
    told(f"{name}: {wrong}" for name, outcome in outcomes.items() for wrong in outcome.wrong)
    fit = [one for one in chosen if outcomes[one.name].refused is None]
    assert len(fit) > len(chosen) // 2, {name: str(one.refused) for name, one in outcomes.items() if one.refused}
    together = topics.carried(fit)
    told(together.wrong)
    assert together.refused is None
