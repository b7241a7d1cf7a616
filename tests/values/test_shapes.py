"""The shapes of a column's texts, told from its buffers, are what regular expressions tell text by text."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from towpath.values import shapes, textform, textform_scalars

PLAIN = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
DATE = re.compile(r"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT = re.compile(r"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}([ T])[0-9]{2}:[0-9]{2}:[0-9]{2}")

_numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,4})(\.[0-9]{1,4})?", fullmatch=True)
_almost = st.text("-.0123456789", max_size=6) | st.sampled_from(["1e5", "+1", "NaN", " 1", "1_0", "½", "٣", ""])
_days = st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True) | st.text("-0123456789", min_size=10, max_size=10)
_times = st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}", fullmatch=True)


def columns(*texts: st.SearchStrategy[str]) -> st.SearchStrategy[pa.Array]:
    """Arrays of texts of one kind, or with some of the others among them, cut out of larger ones."""
    lists = [st.lists(one | st.none(), max_size=8) for one in (texts[0], st.one_of(*texts))]
    return st.builds(_cut, st.one_of(*lists), st.sampled_from([pa.string(), pa.large_string()]))


def _cut(texts: Sequence[str | None], type: pa.DataType) -> pa.Array:
    return pa.array(["9.9-", None, *texts, "-"], type)[2:-1]


@given(columns(_numbers, _almost))
@example(pa.array(["-0.00", "1"]))
@example(pa.array(["-0", "-0.5"]))
@example(pa.array(["5.", "1.5"]))
@example(pa.array(["1.2.3", "4"]))
@example(pa.array(["1.2.", "34"]))
@example(pa.array(["1", "-"]))
@example(pa.array(["1-2", "3"]))
@example(pa.array(["", "1"]))
def test_plain_numbers_are_told_with_their_digits(texts: pa.Array) -> None:
    known = [text for text in texts.to_pylist() if text is not None]
    found = shapes.plain(texts)
    if not all(PLAIN.fullmatch(text) for text in known):
        assert found is None
        return
    parts = [text.lstrip("-").partition(".") for text in known]
    assert found == shapes.Plain(
        max((len(whole) for whole, _, _ in parts), default=0),
        max((len(scale) for _, _, scale in parts), default=0),
        max(map(len, known), default=0),
        any(text[0] == "-" and not text.strip("-0.") for text in known),
    )


@given(columns(_days, _times))
@example(pa.array(["0000-01-01"]))
@example(pa.array(["0001-01-01", "0010-01-01"]))
@example(pa.array(["2026-01-1", "2026-01-011"]))
@example(pa.array(["2026-01-1-", "20260-1101"]))
def test_dates_are_told(texts: pa.Array) -> None:
    assert shapes.dates(texts) == all(DATE.fullmatch(text) for text in texts.to_pylist() if text is not None)


@given(columns(_times, _days))
def test_moments_are_told_that_are_all_written_alike(texts: pa.Array) -> None:
    found = [MOMENT.fullmatch(text) for text in texts.to_pylist() if text is not None]
    assert shapes.moments(texts) == (None not in found and len({match[1] for match in found if match}) <= 1)


@pytest.mark.parametrize(
    "type", ["int8", "int64", "uint64", "double", "decimal(5,2)", "decimal(38,0)", "date"], ids=str
)
@given(texts=columns(_numbers | _days, _almost))
@example(texts=pa.array(["0.1", "123456.789012345"]))
@example(texts=pa.array(["9007199254740993", "0.30000000000000004"]))
@example(texts=pa.array(["0000-01-01"]))
def test_what_is_surely_right_is_what_careful_reading_gives(type: str, texts: pa.Array) -> None:
    texts = texts.cast(pa.string())
    meant = textform.parse_type(type)
    values, bad = textform_scalars.read(texts, meant)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(textform_scalars, "_is_sure", lambda texts, type: False)
        careful, refused = textform_scalars.read(texts, meant)
    if pa.types.is_date32(meant):  # Python has no year zero
        values, careful = values.view(pa.int32()), careful.view(pa.int32())
    assert str(values.to_pylist()) == str(careful.to_pylist())  # NaN is like NaN, and -0.0 unlike 0.0
    assert np.array_equal(bad, refused)
