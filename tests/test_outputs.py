"""Codec and level: what is written is packed as asked and read back, and what contradicts itself is refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from towpath import assemble, codecs
from towpath.errors import Refused, UserError
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.move import run

SOURCE = "n,word\n" + "".join(f"{n},word {n % 7}\n" for n in range(3000))


def copy(folder: Path, to: str, **output: Any) -> str:
    """Copies a small file and back to CSV; returns what came back."""
    (folder / "in.csv").write_text(SOURCE)
    run(JobSpec({"input": InputSpec("in.csv")}, OutputSpec(to, **output), folder=str(folder)))
    back = JobSpec({"input": InputSpec(to)}, OutputSpec("back.csv"), folder=str(folder))
    run(back)
    return (folder / "back.csv").read_text()


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl", "json"])
@pytest.mark.parametrize("codec", [*codecs.LEVELS, "gzip", "zstd", "bzip2"])
def test_a_folder_is_packed_by_the_codec_that_its_files_end_in(tmp_path: Path, format: str, codec: str) -> None:
    assert copy(tmp_path, "out/", format=format, codec=codec) == SOURCE
    (part,) = (tmp_path / "out").glob("part-*")
    assert part.name.endswith(f".{format}.{codecs.named(codec)}")


@pytest.mark.parametrize("codec", codecs.LEVELS)
def test_every_level_of_every_codec_is_written_and_read(tmp_path: Path, codec: str) -> None:
    least, most = codecs.LEVELS[codec]
    for level in (least, most):
        folder = tmp_path / str(level)
        folder.mkdir()
        assert copy(folder, f"out.csv.{codec}", level=level) == SOURCE
    low, high = ((tmp_path / str(level) / f"out.csv.{codec}").stat().st_size for level in (least, most))
    assert codec in ("bz2", "xz") or low > high  # a small file shows no difference there


@pytest.mark.parametrize("codec", codecs.LEVELS)
def test_a_level_beyond_a_codecs_own_names_the_range(codec: str) -> None:
    least, most = codecs.LEVELS[codec]
    for level in (least - 1, most + 1):
        with pytest.raises(UserError, match=f"level of {codec} goes from {least} to {most}, not {level}"):
            assemble.destination(OutputSpec(f"out.csv.{codec}", level=level))


def test_the_files_of_a_folder_are_packed_at_the_level(tmp_path: Path) -> None:
    sizes = []
    for level in (0, 9):
        folder = tmp_path / str(level)
        folder.mkdir()
        assert copy(folder, "out/", format="csv", codec="gz", level=level) == SOURCE
        (part,) = (folder / "out").glob("part-*.csv.gz")
        sizes.append(part.stat().st_size)
    assert sizes[0] > len(SOURCE) > 2 * sizes[1]


def test_appending_to_a_packed_file_keeps_the_level(tmp_path: Path) -> None:
    copy(tmp_path, "out.csv.gz", level=0)
    from towpath.nouns import Mode

    to = OutputSpec("out.csv.gz", level=0)
    run(JobSpec({"input": InputSpec("in.csv")}, to, mode=Mode.APPEND, folder=str(tmp_path)))
    content = (tmp_path / "out.csv.gz").read_bytes()
    assert len(content) > len(SOURCE) * 1.9
    assert gzip.decompress(content).decode() == SOURCE + SOURCE.partition("\n")[2]


def test_an_empty_packed_file_is_whole(tmp_path: Path) -> None:
    for codec in codecs.LEVELS:
        with (tmp_path / codec).open("wb") as file, codecs.writer(file, codec, "x", codecs.LEVELS[codec][1]):
            pass
        assert codecs.reader((tmp_path / codec).open("rb"), codec, "x").read() == b""


@pytest.mark.parametrize(
    ("to", "output", "said"),
    [
        ("out.csv.gz", {"codec": "zst"}, "its name says .gz, the codec is zst"),
        ("out.csv", {"codec": "gz"}, "name it out.csv.gz"),
        ("out.csv", {"level": 5}, "name the file out.csv.gz"),
        ("out/", {"format": "csv", "level": 5}, "give a codec too"),
        ("out/", {"format": "csv", "codec": "gzp"}, "did you mean 'gzip'"),
        ("out/", {"format": "csv", "codec": "snappy"}, "known: gz, bz2, xz, zst, zip"),
        ("out.parquet", {"codec": "bz2"}, "parquet has no compression 'bz2'"),
        ("out.parquet", {"codec": "zstd", "level": 23}, "from -131072 to 22, not 23"),
        ("out.parquet", {"codec": "snappy", "level": 3}, "snappy has no levels"),
        ("out.parquet.gz", {"codec": "zstd"}, "its name says .gz"),
        ("out.arrow", {"level": 3}, "none has no levels"),
        (
            "out.parquet",
            {"codec": "zstd", "options": {"compression": "snappy"}},
            "compression is snappy, but the codec",
        ),
        (
            "out.parquet",
            {"level": 3, "options": {"compression-level": "4"}},
            "compression_level is 4, but the level is 3",
        ),
        ("duckdb:///x.duckdb#t", {"codec": "gz"}, "no codec and no level"),
        ("duckdb:///x.duckdb#t", {"level": 1}, "no codec and no level"),
    ],
)
def test_a_contradiction_is_refused_with_what_to_do(to: str, output: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        assemble.destination(OutputSpec(to, **output))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("codec", "own"),
    [("gz", "GZIP"), ("zst", "ZSTD"), ("zstd", "ZSTD"), ("snappy", "SNAPPY"), ("none", "UNCOMPRESSED")],
)
def test_parquet_is_compressed_by_its_own_codec(tmp_path: Path, codec: str, own: str) -> None:
    assert copy(tmp_path, "out.parquet", codec=codec) == SOURCE
    assert pq.ParquetFile(tmp_path / "out.parquet").metadata.row_group(0).column(0).compression == own


def test_parquet_in_a_folder_takes_codec_and_level(tmp_path: Path) -> None:
    assert copy(tmp_path, "out/", codec="zstd", level=19, options={"compression": "zstd"}) == SOURCE
    (part,) = (tmp_path / "out").glob("part-*.parquet")
    assert pq.ParquetFile(part).metadata.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.parametrize(("codec", "level"), [("zstd", 9), ("zst", None), ("lz4", 9), ("lz4", None)])
def test_arrow_is_compressed_by_its_own_codec(tmp_path: Path, codec: str, level: int | None) -> None:
    assert copy(tmp_path, "out.arrow", codec=codec, level=level) == SOURCE
    assert (tmp_path / "out.arrow").stat().st_size < pa.ipc.open_file(tmp_path / "out.arrow").read_all().nbytes


def test_a_codec_that_the_name_says_already_may_be_said_again(tmp_path: Path) -> None:
    assert copy(tmp_path, "out.csv.gz", codec="gzip") == SOURCE
    (tmp_path / "back.csv").unlink()
    assert copy(tmp_path, "out.parquet.gz", codec="gz", level=1) == SOURCE


def test_a_path_that_is_not_there_is_told_before_its_format_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "header.csv").write_text("id\n1\n")
    with pytest.raises(Refused, match=r"there is no such file or folder; did you mean 'header.csv'"):
        run(JobSpec({"input": InputSpec(str(tmp_path / "header.cvs"))}, OutputSpec(str(tmp_path / "out.parquet"))))
