"""Damaged files of every format and codec: an error that says where, or a right read; never a crash or a wrong read
where the format carries a checksum."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.attacks.corruption import kit
from tests.attacks.corruption.damage import damages
from tests.attacks.corruption.warm import Task
from tests.attacks.share import Attack
from towpath.cli.main import main

ROWS = 300


@dataclass(frozen=True)
class Subject:
    """`checked`: the format has a checksum over all that decides about the rows. `options` write it."""

    name: str
    checked: bool = False
    options: tuple[str, ...] = ()
    table: str = ""
    reads: tuple[str, ...] = field(default=())


CODECS = ("gz", "bz2", "xz", "zst", "zip")
SUBJECTS = [
    *(Subject(f"d.csv.{codec}", checked=True) for codec in CODECS),
    Subject("d.parquet.gz", checked=True),
    *(Subject(f"d-{one}.parquet", options=("--to-opt", f"compression={one}"))
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
    found = kit.faults(task, whole, broken, lambda one: not subject.checked or one.made == whole.made)
    assert not found, f"{len(found)} faults\n" + "\n".join(found[:10])
