"""Framing finds the records that a scan of one character after another finds, however the stream is cut."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from towpath.errors import DataError
from towpath.text import records as framing
from towpath.text import scan
from towpath.text.records import Records
from towpath.text.scan import Grammar


@dataclass(frozen=True)
class Found:
    line: int
    raw: bytes
    good: bool = True


def frame(data: bytes, width: int, block_bytes: int = 1 << 20, quote: str | None = '"') -> list[Found]:
    records = Records(io.BytesIO(data), Grammar(",", quote), "f.csv", block_bytes)
    found = []
    for block in records.blocks(width):
        one = [Found(int(line), block.raw(at)) for at, line in enumerate(block.lines)]
        one += [Found(broken.line, broken.raw, False) for broken in block.broken]
        found += sorted(one, key=lambda record: record.line)
        kept = b"".join(block.data[start:end] for start, end in zip(block.starts, block.ends, strict=True))
        if width == 1:
            assert block.data.startswith(kept)
    return found


# ---- the oracle: one character after another, with no thought for speed ----


def end_of_line(data: bytes, at: int) -> int:
    return at + 2 if data[at : at + 2] == b"\r\n" else at + 1


def parse(data: bytes, at: int) -> tuple[int, int] | None:
    """The end and the number of fields of the record at `at`, or None for a broken one."""
    fields = 1
    while True:
        if data[at : at + 1] == b'"':
            begin = at
            at += 1
            while data[at : at + 1] != b'"' or data[at : at + 2] == b'""':
                if at >= len(data):
                    return None
                at += 2 if data[at : at + 2] == b'""' else 1
            at += 1
            inside = data[begin:at]
            breaks = max(inside.count(b"\n"), inside.count(b"\r"))
            if breaks >= scan.LONGEST_QUOTED_LINES or len(inside) > scan.LONGEST_QUOTED_BYTES:
                return None
        else:
            while at < len(data) and data[at] not in b",\r\n":
                at += 1
        if at == len(data):
            return at, fields
        if data[at] in b"\r\n":
            return end_of_line(data, at), fields
        if data[at] != ord(","):
            return None
        at, fields = at + 1, fields + 1


def oracle(data: bytes, width: int) -> list[Found]:
    starts = [0]
    at = 0
    while at < len(data):
        if data[at] in b"\r\n":
            starts.append(end_of_line(data, at))
            at = starts[-1]
        else:
            at += 1
    starts = [start for start in starts if start < len(data)]
    found, at = [], 0
    while at < len(data):
        parsed = parse(data, at)
        if parsed is not None:
            end = parsed[0]
        else:
            later = (start for start in starts if start > at)
            end = next((start for start in later if (parse(data, start) or (0, 0))[1] == width), len(data))
        raw = data[at:end].rstrip(b"\r\n")
        if raw or width == 1:
            found.append(Found(starts.index(at) + 1, raw, parsed is not None))
        at = end
    return found


TEXTS = st.lists(st.sampled_from(['"', '""', ",", "\n", "\r\n", "\r", "a", "é", "bc", '"x"', ',"', '"\n']), max_size=40)


@settings(max_examples=1500, deadline=None)
@given(TEXTS.map("".join), st.integers(1, 4), st.sampled_from([1, 2, 3, 7, 16, 1000]))
@example('a"\r', 1, 1)
@example('"a\r\r\r\n"x\n1\n', 1, 3)
def test_framing_finds_what_a_scan_by_characters_finds(text: str, width: int, block_bytes: int) -> None:
    data = text.encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "LONGEST_QUOTED_LINES", 3)
        for module in (framing, scan):
            patch.setattr(module, "LONGEST_QUOTED_BYTES", 20)
        assert frame(data, width, block_bytes) == oracle(data, width)


def test_the_limits_hold_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = b'1,"' + b"x\n" * 999 + b'"\n'
    assert frame(fits + b"2,b\n", 2) == [Found(1, fits[:-1]), Found(1001, b"2,b")]
    lines = b'1,"' + b"x\n" * 1000 + b'"\n'
    assert [record.line for record in frame(lines + b"2,b\n", 2) if record.good] == [1002]
    size = 1_000_000
    for module in (framing, scan):
        monkeypatch.setattr(module, "LONGEST_QUOTED_BYTES", size)
    assert frame(b'1,"' + b"x" * (size - 2) + b'"\n2,b\n', 2, 5000)[0].good
    assert not frame(b'1,"' + b"x" * (size - 1) + b'"\n2,b\n', 2, 5000)[0].good


@pytest.mark.parametrize("block_bytes", [1000, 100_000, 8 << 20])
def test_an_unclosed_quote_sets_one_stretch_aside_and_keeps_the_rest(block_bytes: int) -> None:
    lines = [b'%d,"name, %d",x' % (number, number) for number in range(100_000)]
    lines[40_000] = b'40000,"name, x'
    found = frame(b"\n".join(lines), 3, block_bytes)
    assert [record for record in found if not record.good] == [Found(40_001, b'40000,"name, x', False)]
    assert len(found) == 100_000
    assert found[40_001] == Found(40_002, b'40001,"name, 40001",x')


def test_an_unclosed_quote_at_the_end_is_one_broken_stretch() -> None:
    assert frame(b'1,a\n2,"b\n', 2) == [Found(1, b"1,a"), Found(2, b'2,"b', False)]


def test_text_after_a_closing_quote_breaks_its_record_only() -> None:
    assert frame(b'1,"a"b\n2,c\n', 2) == [Found(1, b'1,"a"b', False), Found(2, b"2,c")]


def test_a_quote_within_an_unquoted_field_is_text() -> None:
    data = b'1,5" pipe,x\n2,"a,b",y\n3,6" pipe and 7",z\n'
    assert [record.raw for record in frame(data, 3)] == data.splitlines()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("last", [True, False])
def test_every_line_end_is_one(end: bytes, last: bool) -> None:
    lines = [b"a,b", b"", b'"c\n1",d', b"e,f"]
    assert frame(end.join(lines) + (end if last else b""), 2, 4) == [
        Found(1, b"a,b"),
        Found(3, b'"c\n1",d'),
        Found(5, b"e,f"),
    ]


def test_a_record_longer_than_a_block_stays_whole() -> None:
    data = b"1," + b"x" * 100_000 + b"\n2,b\n"
    assert [len(record.raw) for record in frame(data, 2, 100)] == [100_002, 3]


def test_a_blank_line_is_a_record_only_of_one_column() -> None:
    assert [record.raw for record in frame(b"a\n\nb\n\n", 1)] == [b"a", b"", b"b", b""]
    assert [record.raw for record in frame(b"a,1\n\nb,2\n\n", 2)] == [b"a,1", b"b,2"]


def test_without_a_quote_character_every_line_is_a_record() -> None:
    assert [record.raw for record in frame(b'"a,1\n"b,2\n', 2, quote=None)] == [b'"a,1', b'"b,2']


def test_the_head_is_the_first_record_that_is_no_blank_line() -> None:
    records = Records(io.BytesIO(b'\r\n\n"a\n1","say ""so"""\r\n1,2\n'), Grammar(",", '"'), "f.csv", 1)
    assert records.head(consume=True) == ([b"a\n1", b'say "so"'], 3)
    block = next(records.blocks(2))
    assert (block.lines.tolist(), block.raw(0)) == ([5], b"1,2")


def test_a_broken_head_is_an_error_with_its_line() -> None:
    with pytest.raises(DataError, match=r"f\.csv:2: the first record"):
        Records(io.BytesIO(b'\n"a"b,c\n1,2\n'), Grammar(",", '"'), "f.csv", 100).head(consume=True)


@pytest.mark.parametrize("letter", [b"x", b"\n", b"\0"])
def test_an_endless_head_is_an_error_and_not_endless_memory(letter: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "LONGEST_RECORD", 10_000)

    class Endless:
        given = 0

        def read(self, size: int, /) -> bytes:
            self.given += size
            assert self.given < 100_000
            return letter * size

    records = framing.Records(Endless(), Grammar(",", '"'), "a.csv", 1000)
    with pytest.raises(DataError, match="a.csv:1: a record is longer than"):
        records.head(consume=True)


def test_an_endless_record_is_an_error_and_not_endless_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "LONGEST_RECORD", 10_000)
    with pytest.raises(DataError, match="a record is longer than"):
        frame(b"x" * 1_000_000, 2, 100)
