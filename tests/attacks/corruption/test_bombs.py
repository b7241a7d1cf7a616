"""Small files that ask for much: what they hold or claim stays within bounds of memory and time, or is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.attacks.corruption import kit
from tests.attacks.corruption.warm import Outcome, Task
from towpath import codecs

GB = 1 << 30
MEMORY = 700 << 20
"""What one case may take: the limit that a job has by default is 1 GB, of which a process has used a part already."""


def once(folder: Path, victim: str, words: list[str], **others: object) -> Outcome:
    (outcome,) = kit.made(Task(folder, victim, words, [None], room=2 * GB, memory=MEMORY, deadline=240.0, **others))  # type: ignore[arg-type]
    assert not outcome.died, f"{outcome.died}\n{outcome.said}"
    assert "Traceback" not in outcome.said
    assert outcome.grown < MEMORY, f"took {outcome.grown >> 20} MiB"
    return outcome


def refused(outcome: Outcome, *words: str) -> None:
    assert (outcome.code, outcome.made, outcome.left) == (1, None, []), outcome
    for word in words:
        assert word in outcome.said


def zipped(piece: bytes, count: int) -> bytes:
    sink = io.BytesIO()
    with (
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("d.csv", "w") as file,
    ):
        for _ in range(count):
            file.write(piece)
    return sink.getvalue()


def zstandard(piece: bytes) -> bytes:
    sink = io.BytesIO()
    with codecs.writer(sink, "zst", "d.csv.zst") as file:  # type: ignore[arg-type]
        file.write(piece)
    return sink.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda piece: gzip.compress(piece, 9) * 100,
    "bz2": lambda piece: bz2.compress(piece) * 100,
    "xz": lambda piece: lzma.compress(piece) * 100,
    "zst": lambda piece: zstandard(piece) * 100,
    "zip": lambda piece: zipped(piece, 20),
}
"""10 GB (the zip 2 GB) of a piece of 100 MB, whose bytes are all the same."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    whole = tmp_path / "whole"
    whole.mkdir()
    return whole


@pytest.mark.one_of_many
@pytest.mark.parametrize("codec", PACKED)
def test_ten_gigabytes_of_one_line_in_a_small_file_are_refused_in_little_memory(codec: str, folder: Path) -> None:
    data = PACKED[codec](bytes(100 << 20))
    assert len(data) < 12 << 20
    (folder / f"d.csv.{codec}").write_bytes(data)
    refused(once(folder, f"d.csv.{codec}", ["copy", f"d.csv.{codec}", "out.parquet"], result="out.parquet"), "d.csv")


@pytest.mark.one_of_many
@pytest.mark.parametrize("codec", ["gz", "zst"])
def test_gigabytes_of_rows_in_a_small_file_are_read_in_little_memory(codec: str, folder: Path) -> None:
    piece = b"1,abcdefghijklmnopqrstuvwxyz,2026-01-01\n" * 100_000
    (folder / f"d.csv.{codec}").write_bytes((gzip.compress if codec == "gz" else zstandard)(b"a,b,c\n" + piece * 50))
    words = ["copy", f"d.csv.{codec}", "out.parquet", "--memory", "1GB"]
    outcome = once(folder, f"d.csv.{codec}", words, result="out.parquet")
    assert outcome.code == 0


@pytest.mark.one_of_many
@pytest.mark.parametrize("name", ["d.csv", "d.jsonl", "d.json"])
def test_a_line_of_two_gigabytes_is_refused_in_little_memory(name: str, folder: Path) -> None:
    with open(folder / name, "wb") as file:
        file.write({"d.csv": b"a,b\n1,x", "d.jsonl": b'{"a":"', "d.json": b'[{"a":"'}[name])
        file.truncate(2 * GB)
    task_words = ["copy", str(folder / name), "out.parquet"]
    empty = folder.parent / "other" / "whole"
    empty.mkdir(parents=True)
    (empty / "note.txt").write_text("")
    refused(once(empty, "note.txt", task_words, result="out.parquet"), name)


@pytest.mark.one_of_many
@pytest.mark.parametrize("name", ["d.jsonl", "d.json"])
@pytest.mark.parametrize("kind", ["list", "object", "unclosed"])
def test_json_nested_a_hundred_thousand_deep_is_refused_by_its_line(name: str, kind: str, folder: Path) -> None:
    depth = 100_000
    deep = {"list": "[" * depth + "]" * depth, "object": '{"a":' * depth + "1" + "}" * depth, "unclosed": "[" * depth}
    record = f'{{"a":{deep[kind]}}}'
    (folder / name).write_text(f'{{"a":1}}\n{record}\n' if name == "d.jsonl" else f'[{{"a":1}},\n{record}]')
    refused(once(folder, name, ["copy", name, "out.parquet"], result="out.parquet"), f"{name}:2")


@pytest.mark.parametrize(
    ("rows", "group", "claim", "places"), [(1 << 27, 1 << 26, 2**31 - 1, 1), (10_000, 10_000, 1_000_000, 3)],
    ids=["in its footer", "everywhere"],
)  # fmt: skip
def test_a_parquet_file_that_claims_more_rows_than_it_holds_is_refused(
    rows: int, group: int, claim: int, places: int, folder: Path
) -> None:
    table = pa.table({"a": pa.nulls(rows, pa.int64())})
    pq.write_table(table, folder / "d.parquet", row_group_size=group, write_page_checksum=True)
    data = (folder / "d.parquet").read_bytes()
    told, claimed = varint(rows), varint(claim)
    assert len(told) == len(claimed)
    assert data.count(told) >= places
    (folder / "d.parquet").write_bytes(data.replace(told, claimed))
    refused(once(folder, "d.parquet", ["copy", "d.parquet", "out.csv"], result="out.csv"), "d.parquet")


def varint(value: int) -> bytes:
    """As Thrift's compact protocol writes a positive number."""
    value, out = value << 1, bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def test_an_xz_file_that_asks_for_a_dictionary_of_gigabytes_is_refused(folder: Path) -> None:
    huge = bytearray(lzma.compress(b"a\n" + b"1\n" * 1000))
    block, properties = 12, huge.index(b"\x21\x01") + 2
    huge[properties] = 39  # 3 GiB
    end = block + (huge[block] + 1) * 4
    huge[end - 4 : end] = zlib.crc32(huge[block : end - 4]).to_bytes(4, "little")
    (folder / "d.csv.xz").write_bytes(bytes(huge))
    refused(once(folder, "d.csv.xz", ["copy", "d.csv.xz", "out.csv"], result="out.csv"), "d.csv.xz")


def test_a_zip_is_read_by_its_one_member_and_writes_nowhere_else(folder: Path) -> None:
    with zipfile.ZipFile(folder / "d.csv.zip", "w") as archive:
        archive.writestr("../../../evil.csv", "a\n1\n")
    outcome = once(folder, "d.csv.zip", ["copy", "d.csv.zip", "out.jsonl"], result="out.jsonl")
    assert (outcome.code, outcome.left) == (0, [])
    assert json.loads(outcome.made or b"") == {"a": 1}
    assert not list(folder.parent.rglob("evil.csv"))


def test_a_zip_whose_directory_lies_about_its_member_is_refused_or_read_whole(folder: Path) -> None:
    with zipfile.ZipFile(folder / "d.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("d.csv", "a\n" + "1\n" * 100_000)
    data = (folder / "d.csv.zip").read_bytes()
    size = (200_002).to_bytes(4, "little")
    for said in (10, 2**31):
        (folder / "d.csv.zip").write_bytes(data.replace(size, said.to_bytes(4, "little")))
        outcome = once(folder, "d.csv.zip", ["copy", "d.csv.zip", "out.csv"], result="out.csv")
        assert outcome.made in (None, b"a\n" + b"1\n" * 100_000)
        assert said != 10 or outcome.code == 1
