"""Every kind of record of the registry, held to the suite."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from towpath.adapters.record.avro import Avro
from towpath.conformance import RecordSuite

SCHEMA = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "int"},
        {"name": "long", "type": ["null", "long"]},
        {"name": "name", "type": "string"},
        {"name": "on", "type": "boolean"},
        {"name": "half", "type": ["float", "null"]},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 40, "scale": 2}},
        {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
        {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-millis"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "times", "type": {"type": "array", "items": ["null", {"type": "int", "logicalType": "time-millis"}]}},
        {"name": "prices", "type": {"type": "map", "values": "double"}},
        {
            "name": "who",
            "type": ["null", {"type": "record", "name": "Who", "fields": [{"name": "raw", "type": ["null", "bytes"]}]}],
        },
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "pair", "type": {"type": "fixed", "name": "Pair", "size": 2}},
    ],
}
ROWS = [
    {
        "id": 1, "long": 2**40, "name": "Zoë", "on": True, "half": 0.5, "amount": Decimal("-12345678901234567890.25"),
        "at": datetime(2026, 1, 31, 12, 0, 0, 1, UTC), "local": datetime(1, 1, 1), "day": date(9999, 12, 31),
        "times": [time(1, 2, 3, 4000), None], "prices": [("a", 0.1), ("b", -0.0)], "who": {"raw": b"\x00\xff"},
        "kind": "A", "pair": b"ab",
    },
    {
        "id": -1, "long": None, "name": "", "on": False, "half": None, "amount": Decimal("0.00"),
        "at": None, "local": datetime(1969, 12, 31, 23, 59, 59, 999000), "day": date(1, 1, 1),
        "times": [], "prices": [], "who": None, "kind": "B", "pair": b"\x00\x00",
    },
]  # fmt: skip


class TestAvro(RecordSuite):
    adapter = "avro"
    options: dict[str, Any] = {}  # noqa: RUF012

    def make(self, folder: Path) -> Avro:
        (folder / "order.avsc").write_text(json.dumps(SCHEMA))
        return Avro(str(folder / "order.avsc"), **self.options)

    def sample(self, record: Avro) -> pa.RecordBatch:
        return pa.RecordBatch.from_pylist(ROWS, schema=record.schema)


class TestConfluentAvro(TestAvro):
    options = {"framing": "confluent", "schema_id": 7}  # noqa: RUF012
