"""Records of Avro that are none of their schema are bad, each for itself."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa

from towpath.adapters.record.avro import Avro

FIELDS = [
    {"name": "n", "type": "long"},
    {"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}},
]


def test_a_map_keeps_a_key_that_comes_twice_in_both_directions(tmp_path: Path) -> None:
    fields = [{"name": "m", "type": ["null", {"type": "map", "values": {"type": "map", "values": "long"}}]}]
    (tmp_path / "r.avsc").write_text(json.dumps({"type": "record", "name": "r", "fields": fields}))
    avro = Avro(str(tmp_path / "r.avsc"))
    # By the specification: branch 1; a block of two entries, the key twice; in each a block of one; the ends.
    message = b"\x02" + b"\x04" + b"\x02a\x02\x02x\x02\x00" + b"\x02a\x02\x02x\x04\x00" + b"\x00"
    found = avro.decode(pa.array([message], pa.binary())).rows
    assert found.to_pylist() == [{"m": [("a", [("x", 1)]), ("a", [("x", 2)])]}]
    assert avro.encode(found).values.to_pylist() == [message]


def test_a_decimal_of_more_digits_than_the_schema_allows_makes_its_own_record_bad_alone(tmp_path: Path) -> None:
    (tmp_path / "r.avsc").write_text(json.dumps({"type": "record", "name": "r", "fields": FIELDS}))
    good, wide = b"\x02\x04\x04\xd2", b"\x04\x08\x7f\xff\xff\xff"  # 12.34 and 21474836.47
    found = Avro(str(tmp_path / "r.avsc")).decode(pa.array([good, wide, good], pa.binary()))
    assert list(found.bad) == [1]
    assert [str(value) for value in found.rows["d"].to_pylist()] == ["12.34", "None", "12.34"]
    assert found.rows["n"].to_pylist() == [1, None, 1]


def test_lists_of_nulls_go_out_from_the_midst_of_others(tmp_path: Path) -> None:
    fields = [{"name": "l", "type": {"type": "array", "items": "null"}}]
    (tmp_path / "r.avsc").write_text(json.dumps({"type": "record", "name": "r", "fields": fields}))
    rows = pa.record_batch([pa.array([[None], [None, None], []], pa.list_(pa.null()))], names=["l"])
    for at, expected in enumerate([b"\x02\x00", b"\x04\x00", b"\x00"]):
        assert Avro(str(tmp_path / "r.avsc")).encode(rows.slice(at, 1)).values.to_pylist() == [expected]
