"""Scenes of destinations on this machine's disk: one file in each format, a folder, DuckDB, SQLite."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Hashable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from tests.attacks.kills.kit import LOCKED, Scene
from tests.attacks.kills.warm import Warm
from towpath.adapters.store.local import Local
from towpath.joins import manifest

OLD = "id,k,v\n1,a,1.5\n2,b,2.5\n3,c,3.5\n"
NEW = "id,k,v\n3,c,33.5\n4,d,4.5\n5,e,5.5\n"


@dataclass(frozen=True)
class Case:
    """One destination in one mode; `to` is its address, `options` further lines of the step. `large`: its rows are put
    down beside the database as they come, not at the end, or wait on disk for their partitions' files."""

    name: str
    to: str
    mode: str
    options: str = ""
    large: bool = False

    def __str__(self) -> str:
        return f"{self.name}-{self.mode}" + ("-large" if self.large else "")

    def yaml(self) -> str:
        key = ", key: [id]" if self.mode == "merge" else ""
        step = f"{{from: in/*.csv, to: {{address: '{self.to}'{self.options}}}, mode: {self.mode}{key}}}"
        return f"pipeline: shop\nsteps:\n  orders: {step}\n"


_FILES = ("out.csv", "out.csv.gz", "out.csv.zip", "out.jsonl", "out.jsonl.zst", "out.json", "out.parquet", "out.arrow")
_THREE = ("create", "append", "replace")
CASES = [
    *(Case(name, name, mode) for name in _FILES for mode in _THREE),
    *(Case("folder", "parts/", mode, ", format: parquet") for mode in _THREE),
    *(
        Case("partitioned", "parts/", mode, ", format: parquet, partition_by: [k]", large)
        for mode in _THREE
        for large in (False, True)
    ),
    *(Case("many", "parts/", mode, ", format: parquet, rows_per_file: 1") for mode in _THREE),
    *(
        Case(name, f"{name}:///shop.db#orders", mode, large=large)
        for name in ("duckdb", "sqlite")
        for mode in (*_THREE, "merge")
        for large in (False, True)
    ),
]


KINDS = ("out.csv", "out.jsonl.zst", "out.parquet", "partitioned", "duckdb", "sqlite")
PLACES = [case for case in CASES if case.name in KINDS]
"""What stands for all of its kind where not each format is attacked by itself."""


@dataclass
class Scenes:
    """Makes scenes below a folder, those of one case from one template."""

    folder: Path
    made: int = 0

    def __call__(self, case: Case) -> LocalScene:
        self.made += 1
        return LocalScene(case, self.folder / str(self.made), self.folder / f"template-{case}")


class LocalScene(Scene):
    """A step that has loaded `in/1.csv`, and is to load `in/2.csv` too; for create, one that has loaded nothing.

    `template` is the scene made once, of which each is a copy."""

    def __init__(self, case: Case, folder: Path, template: Path) -> None:
        super().__init__(folder)
        if case.large:
            self.env["TOW_ATTACK_CHUNK_BYTES"] = "1"
        self.case = case
        self.template = template
        self._see = _SEE.get(case.name, see_file)
        self.unit = folder / ("shop.db" if "#" in case.to else case.to)

    def begin(self, tow: Warm) -> None:
        if not self.template.exists():
            made = self.template.with_suffix(".new")
            _prepare(self.case, made, Scene(made), tow)
            made.rename(self.template)
        shutil.copytree(self.template, self.folder, copy_function=_copied, dirs_exist_ok=True)

    def see(self) -> Hashable:
        return self._see(self.unit)

    def leftovers(self) -> list[str]:
        kept = {"tow.yaml", "home/state/runs.sqlite", self.unit.name, f".{self.unit.name}.tow-state"}
        if self.case.name == "duckdb":  # its own log, part of the database until there is room to take it in
            kept.add("shop.db.wal")
        if self.unit.is_dir():
            listed = manifest.read(Local(), f"{self.unit}/")
            named = [part.path for part in listed[0].files] if listed is not None else []
            kept |= {f"{self.unit.name}/{name}" for name in (manifest.NAME, *named)}
        there = [str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if not path.is_dir()]
        empty = [f"{path}/" for path in self.unit.rglob("*") if path.is_dir() and not any(path.iterdir())]
        return sorted(path for path in there if path not in kept and not path.startswith("in/")) + empty

    def end(self) -> None:
        shutil.rmtree(self.folder)


def _prepare(case: Case, folder: Path, scene: Scene, tow: Warm) -> None:
    (folder / "in").mkdir(parents=True)
    Path(scene.env["TMPDIR"]).mkdir(parents=True)
    (folder / "tow.yaml").write_text(case.yaml())
    if case.mode != "create":
        (folder / "in" / "1.csv").write_text(OLD)
        made = tow.run(scene.words, folder, scene.env)
        assert made.code == 0, made.err
    (folder / "in" / "2.csv").write_text(NEW)


def _copied(source: str, target: str) -> str:
    """Copies a file; one that is read stays the very file, which the state knows by its inode."""
    if "/in/" in source:
        os.link(source, target)
        return target
    return shutil.copy2(source, target)


def see_file(path: Path) -> Hashable:
    """The file's bytes: equal rows are equal bytes there."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except FileNotFoundError:
        return None


def see_folder(folder: Path) -> Hashable:
    """The rows of the files that the manifest names, as who reads by it sees them."""
    store = Local()
    while True:
        listed = manifest.read(store, f"{folder}/")
        if listed is None:
            return None
        try:
            files = [(part.path, pq.read_table(folder / part.path, partitioning=None)) for part in listed[0].files]
        except FileNotFoundError:
            now = manifest.read(store, f"{folder}/")
            assert now is not None
            assert now[1] != listed[1], "the manifest names files that are not there"
            continue
        # A partition's value stands in the path alone: `k=a/part-...`.
        folders = [(dict(part.split("=") for part in path.split("/")[:-1]), table) for path, table in files]
        whole = [{**row, **values} for values, table in folders for row in table.to_pylist()]
        rows = [tuple(row[name] for name in ("id", "k", "v")) for row in whole]
        assert len(rows) == listed[0].rows
        return tuple(sorted(rows))


def see_duckdb(path: Path) -> Hashable:
    if not path.exists():
        return None
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            return tuple(connection.execute("select id, k, v from orders order by all").fetchall())
    except duckdb.CatalogException:
        return None
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise
        return LOCKED


def see_sqlite(path: Path) -> Hashable:
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=0)) as connection:
            return tuple(connection.execute("select id, k, v from orders order by 1, 2, 3").fetchall())
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        if "locked" not in str(error):
            raise
        return LOCKED


_SEE: dict[str, Callable[[Path], Hashable]] = {
    "folder": see_folder,
    "partitioned": see_folder,
    "many": see_folder,
    "duckdb": see_duckdb,
    "sqlite": see_sqlite,
}
