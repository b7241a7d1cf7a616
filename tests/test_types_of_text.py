"""The table of docs/reference/types-of-text.md is run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from towpath.text.optimistic import Convention
from towpath.values.textform import parse_type

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "types-of-text.md"
ROWS = re.findall(r"^\| (`.+?) \| (.+?) \|", PAGE.read_text("utf-8"), re.MULTILINE)


def test_the_table_is_found() -> None:
    assert len(ROWS) > 20


@pytest.mark.parametrize(("values", "type"), ROWS)
def test_a_column_of_these_values_gets_this_type(values: str, type: str) -> None:
    texts = re.findall(r"`([^`]*)`", values)
    for order in (texts, texts[::-1]):
        assert Convention().evidence(pa.array(order)).type() == parse_type(type)
        merged = Convention().evidence(pa.array(order[:1]))
        for text in order[1:]:
            merged = merged.merge(Convention().evidence(pa.array([text])))
        assert merged.type() == parse_type(type)
