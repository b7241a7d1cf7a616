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


def test_a_decimal_of_more_digits_than_the_schema_allows_makes_its_own_record_bad_alone(tmp_path: Path) -> None:
    (tmp_path / "r.avsc").write_text(json.dumps({"type": "record", "name": "r", "fields": FIELDS}))
    good, wide = b"\x02\x04\x04\xd2", b"\x04\x08\x7f\xff\xff\xff"  # 12.34 and 21474836.47
    found = Avro(str(tmp_path / "r.avsc")).decode(pa.array([good, wide, good], pa.binary()))
    assert list(found.bad) == [1]
    assert [str(value) for value in found.rows["d"].to_pylist()] == ["12.34", "None", "12.34"]
    assert found.rows["n"].to_pylist() == [1, None, 1]
