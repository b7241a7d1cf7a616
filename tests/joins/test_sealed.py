"""Notes tell whether they still are what was written."""

from __future__ import annotations

import json

import pytest

from towpath.joins import sealed

CONTENT = {"steps": {"a": {"rows": 12, "at": "2026-01-02", "seen": [1.5, None, "ä"]}}, "generation": 7}


def test_what_was_written_comes_back() -> None:
    assert sealed.loads(sealed.dumps(CONTENT)) == CONTENT


def test_every_changed_letter_is_noticed_or_changes_nothing() -> None:
    data = sealed.dumps(CONTENT)
    for at in range(len(data)):
        for bit in range(8):
            changed = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            try:
                found = sealed.loads(changed)
            except ValueError:
                continue
            assert {**CONTENT, **found} == found
            assert {name: found[name] for name in CONTENT} == CONTENT


def test_a_number_changed_by_hand_is_told() -> None:
    with pytest.raises(ValueError, match="changed since it was written"):
        sealed.loads(sealed.dumps(CONTENT).replace(b"12", b"13"))


def test_what_earlier_versions_wrote_is_read() -> None:
    assert sealed.loads(json.dumps(CONTENT).encode()) == CONTENT


@pytest.mark.parametrize("data", [b"[]", b"7", b"\xff", b"{", b"[" * 100_000])
def test_anything_else_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        sealed.loads(data)
