"""The manifest of a folder: what it holds, and the states in it that are moved by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from tests.joins.filekit import CREATE, REPLACE, STEP, load, names, rows, state, to_folder
from towpath.adapters.format.csv import CSV
from towpath.adapters.store.local import Local
from towpath.errors import Conflict, DataError, Refused
from towpath.joins import manifest, sealed
from towpath.joins.folder_destination import FolderDestination
from towpath.nouns import State

NEW = rows(id=[1])
SCHEMA = pa.schema({"a b": pa.decimal128(9, 2), "t": pa.timestamp("ns", "UTC")})


def made() -> manifest.Manifest:
    parts = (manifest.Part("t=1/x.csv", 3, 10, "load1"), manifest.Part("t=2/x.csv", 4, 11, "load2"))
    return manifest.Manifest("csv", SCHEMA, ("t",), parts, {STEP: state("load1")}, 7)


def put(folder: Path, **changed: object) -> None:
    """The manifest with some members changed, or (None) left out."""
    content = {**sealed.loads(made().dumps()), **changed}
    kept = {name: value for name, value in content.items() if value is not None}
    (folder / "_manifest.json").write_text(json.dumps(kept))


def test_its_content_is_plain_json() -> None:
    assert sealed.loads(made().dumps()) == {
        "towpath": 1,
        "format": "csv",
        "schema": [{"name": "a b", "type": "decimal(9,2)"}, {"name": "t", "type": "timestamp(ns, UTC)"}],
        "partition_by": ["t"],
        "files": [
            {"path": "t=1/x.csv", "rows": 3, "size": 10, "load_id": "load1"},
            {"path": "t=2/x.csv", "rows": 4, "size": 11, "load_id": "load2"},
        ],
        "steps": {STEP: json.loads(state("load1").dumps())},
        "generation": 7,
    }
    assert manifest.Manifest.loads(made().dumps()) == made()
    assert made().rows == 7


def test_a_new_one_is_the_first_of_its_folder() -> None:
    assert manifest.Manifest("csv", SCHEMA) == manifest.Manifest("csv", SCHEMA, (), (), {}, 1)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"towpath": 2}, "version 2"),
        ({"towpath": None}, "'towpath'"),
        ({"format": None}, "'format'"),
        ({"schema": [{"name": "a", "type": "stone"}]}, "stone"),
        ({"schema": [{"name": "a"}]}, "'type'"),
        ({"schema": [{"type": "text"}]}, "'name'"),
        ({"partition_by": None}, "'partition_by'"),
        ({"files": [{"path": "x"}]}, "missing"),
        ({"steps": []}, "items"),
        ({"steps": {STEP: 1}}, ""),
        ({"generation": None}, "'generation'"),
    ],
)
def test_one_that_is_damaged_is_told_by_its_name_and_why(tmp_path: Path, changed: dict[str, object], why: str) -> None:
    put(tmp_path, **changed)
    with pytest.raises(DataError) as found:
        manifest.read(Local(), f"{tmp_path}/")
    error = found.value
    assert error.what.startswith("this is no manifest that tow can read (")
    assert why in error.what
    assert (error.where, error.todo, error.code) == (
        f"{tmp_path}/_manifest.json",
        "restore it, or read the files by a glob",
        "state-damaged",
    )


class TestStateMovedByHand:
    def test_a_state_is_set_moved_and_forgotten_and_all_else_stays(self, tmp_path: Path) -> None:
        out = to_folder(tmp_path / "out", CSV())
        load(out, NEW, step="b")
        before = names(tmp_path)
        for expected, new in ((None, state("one")), (state("one"), state("two")), (state("two"), None), (None, None)):
            out.put_state(STEP, expected, new)
            assert out.state(STEP) == new
            assert out.steps() == ["b", *([STEP] if new else [])]
        assert out.state("b") == state("load1", "b")
        assert names(tmp_path) == before
        assert load(out, NEW, REPLACE, "load2").accepted == 1

    @pytest.mark.parametrize("loaded", [True, False])
    @pytest.mark.parametrize("new", [None, state("two")])
    def test_a_state_that_is_not_the_expected_one_stays(self, tmp_path: Path, loaded: bool, new: State | None) -> None:
        out = FolderDestination(Local(), CSV(), f"{tmp_path}/out", shown="file:///out/")
        if loaded:
            load(out, NEW, step=STEP)
        for expected in (state("other"), *([None] if loaded else [])):
            with pytest.raises(Conflict) as found:
                out.put_state(STEP, expected, new)
            assert (found.value.what, found.value.where, found.value.todo) == (
                f"another run of the step {STEP} has loaded it meanwhile; nothing was changed",
                "file:///out/",
                "run again",
            )
        assert out.state(STEP) == (state("load1") if loaded else None)

    def test_where_nothing_is_there_is_no_state_to_set_and_none_to_forget(self, tmp_path: Path) -> None:
        out = FolderDestination(Local(), CSV(), f"{tmp_path}/out", shown="file:///out/")
        assert (out.describe(), out.state(STEP), out.steps(), out.recover(STEP)) == (None, None, [], None)
        out.put_state(STEP, None, None)
        with pytest.raises(Refused, match="file:///out/: there is nothing yet") as found:
            out.put_state(STEP, None, state("one"))
        assert (found.value.todo, found.value.code) == ("load it first", "state-missing")
        assert names(tmp_path) == []

    def test_a_load_that_was_published_in_between_is_a_conflict(self, tmp_path: Path) -> None:
        class Raced(Local):
            def swap_note(self, path: str, content: bytes | None, expected: str | None) -> str | None:
                load(to_folder(tmp_path / "out", CSV()), NEW, REPLACE, "load2", "b")
                return super().swap_note(path, content, expected)

        load(to_folder(tmp_path / "out", CSV()), NEW, CREATE)
        with pytest.raises(Conflict):
            to_folder(tmp_path / "out", CSV(), Raced()).put_state(STEP, None, state("one"))
        assert to_folder(tmp_path / "out", CSV()).steps() == ["b"]
