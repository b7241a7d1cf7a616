"""The content digest again, value by value in plain Python: slow, and readable beside docs/reference/digest.md."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

MASK = 2**64 - 1
G = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
L = 0xD6E8FEB86659FD93
P = 0xA0761D6478BD642F
NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def digest(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> str:
    """`tow1:` and 32 hexadecimal digits: lane 0, then lane 1, each the sum of its row hashes."""
    lanes = [0, 0]
    for batch in batches:
        for number in range(batch.num_rows):
            row = {name: batch.column(name)[number] for name in schema.names}
            lanes = [(lanes[k] + row_hash(k, row)) & MASK for k in (0, 1)]
    return f"tow1:{lanes[0]:016x}{lanes[1]:016x}"


def row_hash(k: int, row: Mapping[str, Any]) -> int:
    """The hash of one row in lane k."""
    return mix(sum(part(k, name, value) for name, value in row.items()))


def part(k: int, name: str, value: Any) -> int:
    """What a value under a name contributes to its row (or struct, or list, with an empty name)."""
    kind, state = state_of(k, value)
    return mix(state ^ key(k, name, kind))


def mix(x: int) -> int:
    """The finaliser of SplitMix64."""
    x &= MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def key(k: int, name: str, kind: str) -> int:
    """The key of a kind under a name."""
    return mix(words_state(k, kind.encode() + b"\0" + name.encode()) + k + 1)


def words_state(k: int, content: bytes) -> int:
    """The state of a run of bytes, taken as little-endian words of 8 bytes, the last padded with zeros."""
    words = [int.from_bytes(content[at : at + 8], "little") for at in range(0, len(content), 8)]
    return (sum(mix(word + (i + 1) * G[k]) for i, word in enumerate(words)) + len(content) * L) & MASK


def number_state(k: int, kind: str, value: int) -> tuple[str, int]:
    """An integer within int64 is its own state; a wider one has a kind of its own and 16 bytes."""
    if -(2**63) <= value < 2**63:
        return kind, value & MASK
    return kind + "+", words_state(k, value.to_bytes(16, "little", signed=True))


def state_of(k: int, value: Any) -> tuple[str, int]:
    """The name of a value's kind, and its state in lane k."""
    type = value.type
    if not value.is_valid:
        return "null", 0
    if isinstance(type, pa.BaseExtensionType) or pa.types.is_run_end_encoded(type) or pa.types.is_dictionary(type):
        return state_of(k, value.value)
    if pa.types.is_boolean(type):
        return "bool", int(value.as_py())
    if pa.types.is_integer(type):
        return number_state(k, "integer", value.as_py())
    if pa.types.is_decimal(type):
        return "decimal", words_state(k, decimal_bytes(value.as_py()))
    if pa.types.is_floating(type):
        return float_state(type, float(value.as_py()))
    if pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type):
        return "text", words_state(k, value.as_py().encode())
    if pa.types.is_date32(type):
        return "date", value.value & MASK
    if pa.types.is_date64(type):
        return "date", (value.value // 86_400_000) & MASK
    if pa.types.is_time(type):
        return "time", value.value * NANOSECONDS[type.unit]
    if pa.types.is_timestamp(type):
        kind = "local" if type.tz is None else "instant"
        return number_state(k, kind, value.value * NANOSECONDS[type.unit])
    if pa.types.is_duration(type):
        return number_state(k, "duration", value.value * NANOSECONDS[type.unit])
    if type == pa.month_day_nano_interval():
        return "interval", words_state(k, struct.pack("<qqq", *value.as_py()))
    if pa.types.is_struct(type):
        names = [type.field(number).name for number in range(type.num_fields)]
        return "struct", sum(part(k, name, value[name]) for name in names) & MASK
    if pa.types.is_map(type):
        return "map", map_state(k, value.values)
    if pa.types.is_nested(type):
        return "list", list_state(k, value.values)
    return "bytes", words_state(k, value.as_py())


def decimal_bytes(value: Decimal) -> bytes:
    """The scale, then the unscaled integer in the fewest words that hold its two's complement. The scale is the
    smallest one, not below 0, that loses no digit."""
    sign, digits, exponent = value.as_tuple()
    scale = -int(exponent)
    unscaled = int("".join(map(str, digits))) * (-1 if sign else 1)
    while scale > 0 and unscaled % 10 == 0:
        unscaled, scale = unscaled // 10, scale - 1
    words = 1
    while not -(2 ** (64 * words - 1)) <= unscaled < 2 ** (64 * words - 1):
        words += 1
    return scale.to_bytes(8, "little") + unscaled.to_bytes(8 * words, "little", signed=True)


def float_state(type: pa.DataType, value: float) -> tuple[str, int]:
    """The bits of IEEE 754; every NaN is the quiet one without a payload. Half floats are float32."""
    if type.bit_width == 64:
        return "float64", 0x7FF8 << 48 if value != value else struct.unpack("<Q", struct.pack("<d", value))[0]
    return "float32", 0x7FC0 << 16 if value != value else struct.unpack("<I", struct.pack("<f", value))[0]


def list_state(k: int, elements: pa.Array) -> int:
    """The elements by their place, and their number."""
    placed = (mix(part(k, "", element) + (i + 1) * P) for i, element in enumerate(elements))
    return (sum(placed) + len(elements) * L) & MASK


def map_state(k: int, entries: pa.Array) -> int:
    """The entries in any order, and their number."""
    hashed = (row_hash(k, {"key": entry[0], "value": entry[1]}) for entry in entries)
    return (sum(hashed) + len(entries) * L) & MASK
