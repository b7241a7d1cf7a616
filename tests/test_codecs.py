"""Codecs: what was compressed comes back, and what is broken says so."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath import codecs
from towpath.errors import DataError

CODECS = ["gz", "bz2", "xz", "zst", "zip"]
STREAMED = ["gz", "bz2", "xz", "zst"]


def packed(data: bytes, codec: str, name: str = "orders.csv") -> bytes:
    file = io.BytesIO()
    writer = codecs.writer(file, codec, f"{name}.{codec}")
    writer.write(data)
    writer.close()
    assert not file.closed
    return file.getvalue()


def unpacked(data: bytes, codec: str, name: str = "orders.csv") -> bytes:
    with codecs.reader(io.BytesIO(data), codec, name) as file:
        return file.read()


class Pipe(io.RawIOBase):
    """A stream that cannot seek, as from a socket."""

    def __init__(self, data: bytes) -> None:
        self.inner = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        return self.inner.readinto(buffer)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("a.csv.gz", ("a.csv", "gz")),
        ("A.CSV.GZ", ("A.CSV", "gz")),
        ("a.csv", ("a.csv", None)),
        ("x/y.jsonl.zst", ("x/y.jsonl", "zst")),
        ("gz", ("gz", None)),
    ],
)
def test_a_codec_is_named_by_the_ending(path: str, parts: tuple[str, str | None]) -> None:
    assert codecs.split(path) == parts


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.binary(max_size=3000))
def test_what_was_compressed_comes_back(codec: str, data: bytes) -> None:
    assert unpacked(packed(data, codec), codec) == data


@pytest.mark.parametrize("codec", CODECS)
def test_large_data_comes_back_in_small_and_large_reads(codec: str) -> None:
    data = b"".join(b"%d,line\n" % (i * 7919) for i in range(100_000))
    compressed = packed(data, codec)
    with codecs.reader(io.BytesIO(compressed), codec, "f") as file:
        got = [file.read(1), file.read(1000), file.read(700_000), file.readline()]
        assert b"".join(got) + file.read() == data


def test_no_codec_gives_the_file_itself_and_a_writer_that_keeps_it_open() -> None:
    file = io.BytesIO(b"abc")
    assert codecs.reader(file, None, "f") is file
    out = io.BytesIO()
    codecs.writer(out, None, "f").close()
    assert not out.closed


@pytest.mark.parametrize(
    ("codec", "compress"),
    [
        ("gz", gzip.compress),
        ("bz2", bz2.compress),
        ("xz", lzma.compress),
        ("zst", lambda data: packed(data, "zst")),
    ],
)
def test_concatenated_members_are_read_through(codec: str, compress: Callable[[bytes], bytes]) -> None:
    assert unpacked(compress(b"a\n") + compress(b"") + compress(b"b\n"), codec) == b"a\nb\n"


def test_padding_between_xz_members_is_skipped() -> None:
    assert unpacked(lzma.compress(b"a") + b"\0" * 8 + lzma.compress(b"b") + b"\0" * 4, "xz") == b"ab"


@pytest.mark.parametrize("codec", CODECS)
def test_a_stream_cut_anywhere_is_an_error_that_names_the_file(codec: str) -> None:
    whole = packed(b"id,name\n1,Anna\n2,Bob\n", codec)
    for length in range(len(whole)):
        with pytest.raises(DataError, match=r"orders\.csv"):
            unpacked(whole[:length], codec)


@pytest.mark.parametrize("codec", STREAMED)
def test_a_second_member_cut_anywhere_is_an_error(codec: str) -> None:
    whole = packed(b"id,name\n1,Anna\n2,Bob\n", codec)
    for length in range(1, len(whole)):
        with pytest.raises(DataError, match="truncated or corrupt"):
            unpacked(whole + whole[:length], codec)


@pytest.mark.parametrize("codec", STREAMED)
def test_garbage_after_the_last_member_is_an_error(codec: str) -> None:
    with pytest.raises(DataError, match="truncated or corrupt"):
        unpacked(packed(b"abc", codec) + b"garbage", codec)


@pytest.mark.parametrize("level", [None, 9])
@pytest.mark.parametrize("codec", CODECS)
def test_a_flipped_bit_in_the_data_is_an_error(codec: str, level: int | None) -> None:
    sink = io.BytesIO()
    with codecs.writer(sink, codec, f"data.{codec}", level) as file:
        file.write(b"".join(str(number * 7919).encode() for number in range(3000)))
    for at in range(len(sink.getvalue()) // 4, len(sink.getvalue()) * 3 // 4, 97):
        broken = bytearray(sink.getvalue())
        broken[at] ^= 1
        with pytest.raises(DataError):
            unpacked(bytes(broken), codec)


@pytest.mark.parametrize("codec", CODECS)
def test_bytes_of_another_kind_are_an_error(codec: str) -> None:
    with pytest.raises(DataError, match="truncated or corrupt"):
        unpacked(b"id,name\n1,Anna\n", codec)


@pytest.mark.parametrize("codec", CODECS)
def test_the_error_comes_through_pyarrow_as_it_is(codec: str) -> None:
    whole = packed(b"".join(b"%d,x\n" % (i * 7919) for i in range(50_000)), codec)
    with (
        pytest.raises(DataError, match=r"orders\.csv"),
        codecs.reader(io.BytesIO(whole[:-30]), codec, "orders.csv") as file,
    ):
        pyarrow.csv.read_csv(pa.PythonFile(file, "r"))


@pytest.mark.parametrize("codec", CODECS)
def test_a_stream_that_cannot_seek_is_read(codec: str) -> None:
    piped: BinaryIO = io.BufferedReader(Pipe(packed(b"abc\n" * 1000, codec)))
    with codecs.reader(piped, codec, "f") as file:
        assert file.read() == b"abc\n" * 1000
    assert piped.closed


def zipped(entries: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


def test_a_zip_with_two_files_is_refused_with_their_names() -> None:
    with pytest.raises(DataError, match=r"2 files: a\.csv, b\.csv"):
        unpacked(zipped({"a.csv": b"1", "b.csv": b"2"}), "zip")


def test_a_zip_with_no_file_is_refused() -> None:
    with pytest.raises(DataError, match="0 files"):
        unpacked(zipped({}), "zip")


def test_folders_in_a_zip_do_not_count() -> None:
    assert unpacked(zipped({"data/": b"", "data/a.csv": b"1"}), "zip") == b"1"


def test_an_encrypted_zip_is_refused() -> None:
    data = bytearray(zipped({"a.csv": b"1"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DataError, match="encrypted"):
        unpacked(bytes(data), "zip")


def test_a_zip_entry_is_named_like_the_file() -> None:
    with zipfile.ZipFile(io.BytesIO(packed(b"1", "zip", "out/orders.csv"))) as archive:
        assert archive.namelist() == ["orders.csv"]


def test_an_xz_that_asks_for_gigabytes_of_memory_is_refused() -> None:
    data = bytearray(packed(b"a\n" + b"1\n" * 1000, "xz"))
    block, properties = 12, data.index(b"\x21\x01") + 2
    data[properties] = 39  # a dictionary of 3 GiB
    end = block + (data[block] + 1) * 4
    data[end - 4 : end] = zlib.crc32(data[block : end - 4]).to_bytes(4, "little")
    with pytest.raises(DataError, match="more than 256 MB of memory"):
        unpacked(bytes(data), "xz")


def test_closing_the_reader_closes_the_file_under_it() -> None:
    file = io.BytesIO(packed(b"abc", "gz"))
    codecs.reader(file, "gz", "f").close()
    assert file.closed


def test_the_same_data_compresses_to_the_same_bytes() -> None:
    assert packed(b"abc", "gz") == packed(b"abc", "gz")


@pytest.mark.parametrize("codec", STREAMED)
def test_packed_bytes_under_a_name_that_does_not_say_so_are_refused_by_name(codec: str) -> None:
    with pytest.raises(DataError, match=rf"packed by {codec}, which its name does not say"):
        codecs.refuse_packed(io.BytesIO(packed(b"id\n1\n", codec)), "orders.csv")


@pytest.mark.parametrize("begin", [b"", b"id,name\n", b"BZh9,a\n1,2\n", b"PK\x03\x04", "ü,(µ\n".encode()])
def test_other_bytes_are_read_from_their_first(begin: bytes) -> None:
    file = io.BytesIO(begin)
    codecs.refuse_packed(file, "orders.csv")
    codecs.refuse_packed(io.BufferedReader(Pipe(begin)), "a pipe")
    assert file.read() == begin
