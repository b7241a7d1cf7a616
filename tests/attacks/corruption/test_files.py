"""Damaged files of every format and codec: an error that says where, or a right read; never a crash or a wrong read
where the format carries a checksum."""

from __future__ import annotations

import shutil
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.attacks.corruption import kit
from tests.attacks.corruption.damage import damages
from tests.attacks.corruption.warm import Outcome, Task
from tests.attacks.share import Attack
from towpath.cli.main import main

ROWS = 300
PAGE_HEAD = 90
"""More bytes than a page's head takes, with its statistics."""


@dataclass(frozen=True)
class Subject:
    """`checked`: the format has a checksum over all that decides about the rows (Parquet: over its pages, but for their
    heads). `options` write it."""

    name: str
    checked: bool = False
    options: tuple[str, ...] = ()
    table: str = ""
    reads: tuple[str, ...] = field(default=())


CODECS = ("gz", "bz2", "xz", "zst", "zip")
SUBJECTS = [
    *(Subject(f"d.csv.{codec}", checked=True) for codec in CODECS),
    Subject("d.parquet.gz", checked=True),
    *(Subject(f"d-{one}.parquet", checked=True, options=("--to-opt", f"compression={one}"))
      for one in ("zstd", "snappy", "gzip", "brotli", "lz4", "none")),
    *(Subject(f"d-{one}.arrow", options=("--to-opt", f"compression={one}")) for one in ("none", "lz4", "zstd")),
    Subject("d-stream.arrow", options=("--to-opt", "stream=true")),
    Subject("d.csv"),
    Subject("d.jsonl"),
    Subject("d.json"),
    Subject("d.sqlite", table="#t"),
    Subject("d.duckdb", table="#t"),
]  # fmt: skip


def rows(path: Path) -> Path:
    lines = ["id,name,price,day,ok"]
    for n in range(ROWS):
        day, ok = f"2026-0{n % 9 + 1}-1{n % 10}", str(n % 3 == 0).lower()
        lines.append(f'{n},"näme {n % 37}, ""quoted""",{n * 7 % 1000}.{n % 100:02},{day},{ok}')
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda one: one.name)
def test_a_damaged_file_is_refused_by_name_or_read_rightly(
    subject: Subject,
    tmp_path: Path,
    attack: Attack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "whole"
    folder.mkdir()
    monkeypatch.chdir(folder)
    scheme = {"d.sqlite": "sqlite:///", "d.duckdb": "duckdb:///"}.get(subject.name, "")
    address = f"{scheme}{subject.name}{subject.table}"
    assert main(["copy", str(rows(tmp_path / "rows.csv")), address, *subject.options]) == 0
    shutil.rmtree(folder / "state", ignore_errors=True)
    data = (folder / subject.name).read_bytes()
    task = Task(folder, subject.name, ["copy", address, "out.jsonl"], damages(data, subject.name, attack), "out.jsonl")
    whole, broken = kit.attacked(task)
    with capsys.disabled():
        print("\n" + kit.told(f"{subject.name} ({len(data)} bytes)", broken, whole))
    open_to_change = _unchecked(folder / subject.name) if subject.name.endswith(".parquet") else range(0)

    def right(one: Outcome) -> bool:
        told = one.damage
        lost = told is None or (told.kind != "flip" if open_to_change else False) or told.at in open_to_change
        return not subject.checked or one.made == whole.made or lost

    found = kit.faults(task, whole, broken, right)
    assert not found, f"{len(found)} faults\n" + "\n".join(found[:10])


def _unchecked(path: Path) -> Container[int]:
    """The bytes of a Parquet file that no checksum covers: the heads of its pages and its footer."""
    metadata, size = pq.read_metadata(path), path.stat().st_size
    found = set(range(size - metadata.serialized_size - 8, size))
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            column = metadata.row_group(group).column(number)
            for at in (column.dictionary_page_offset, column.data_page_offset):
                found |= set(range(at, at + PAGE_HEAD)) if at is not None else set()
    return found
