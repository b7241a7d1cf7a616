"""What is said of a folder before rows are written to it, and what stops a load when that has changed since."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.joins.filekit import (
    APPEND,
    CREATE,
    REPLACE,
    converted,
    load,
    names,
    rows,
    to_folder,
)
from towpath.adapters.format.csv import CSV
from towpath.adapters.format.jsonl import JSONLines
from towpath.adapters.format.parquet import Parquet
from towpath.adapters.store.local import Local
from towpath.errors import Conflict, Refused, UserError
from towpath.joins.folder_destination import FolderDestination
from towpath.nouns import Existing, Guarantee, Mode, Way
from towpath.seams.format import Format
from towpath.stream import Batch, Counted

SHOWN = "file:///out/"
OLD = rows(id=[1, 2], k=["a", "b"])
NEW = rows(id=[3], k=["a"])


def shown(path: Path, format: Format | None = None, codec: str | None = None, **given: Any) -> FolderDestination:
    return FolderDestination(Local(), format or CSV(), f"{path}/", codec, shown=SHOWN, **given)


class TestThePlan:
    def test_an_offer_tells_the_columns_and_what_is_done(self, tmp_path: Path) -> None:
        schema = pa.schema({"id": pa.int64(), "k": pa.dictionary(pa.int8(), pa.string())})
        offer = shown(tmp_path / "out", CSV(), "gz", partition_by=("k",)).offer(schema, REPLACE, ("id",))
        assert (offer.source, offer.mode, offer.key) == (schema, REPLACE, ("id",))
        assert offer.schema == pa.schema({"id": pa.int64(), "k": pa.string()})
        assert [(plan.name, plan.to, plan.stored.native, plan.way) for plan in offer.columns] == [
            ("id", "id", CSV().stored(pa.int64()).native, Way.EXACT),
            ("k", "k", "part of the path", Way.EXACT),
        ]
        assert offer.guarantee is Guarantee.ATOMIC
        assert offer.why == (
            "rows and state become visible with one manifest; who lists the folder instead sees files as they come"
        )
        assert offer.ddl == (f"write {tmp_path}/out/part-*.csv.gz, then _manifest.json",)

    def test_the_effect_on_what_stands_there(self, tmp_path: Path) -> None:
        made = to_folder(tmp_path / "out", CSV(), rows_per_file=1000)
        for mode in (CREATE, APPEND, REPLACE):
            assert made.offer(OLD.schema, mode, ()).effect == f"creates {tmp_path}/out/"
        load(made, rows(id=[1] * 1200, k=["a"] * 1200))
        there = f"the 1,200 rows in 2 files of {tmp_path}/out/"
        assert made.offer(OLD.schema, REPLACE, ()).effect == f"replaces {there}"
        assert made.offer(OLD.schema, APPEND, ()).effect == f"keeps {there}; new files come beside them"

    @pytest.mark.parametrize("end", ["", "/", "//"])
    def test_a_folder_may_be_named_with_and_without_its_slash(self, tmp_path: Path, end: str) -> None:
        made = FolderDestination(Local(), CSV(), f"{tmp_path}/X{end}")
        assert (made.shown, made.folder) == (f"{tmp_path}/X{end}", f"{tmp_path}/X/")
        assert load(made, NEW).parts == (f"{tmp_path}/X/part-load1-00000.csv",)

    def test_what_stands_there_is_told_by_the_manifest(self, tmp_path: Path) -> None:
        batch = rows(id=pa.array([1, 2], pa.int16()), k=["a", "b"], v=[0.5, None])
        load(to_folder(tmp_path / "out", CSV(), partition_by=("k",)), batch)
        found = to_folder(tmp_path / "out", CSV()).describe()
        assert found is not None
        assert found == Existing(batch.schema, found.stored, 2)
        assert {name: (stored.type, stored.native) for name, stored in found.stored.items()} == {
            "id": (pa.int16(), CSV().stored(pa.int16()).native),
            "k": (pa.string(), "part of the path"),
            "v": (pa.float64(), CSV().stored(pa.float64()).native),
        }

    def test_new_rows_take_the_types_and_partitions_that_are_there(self, tmp_path: Path) -> None:
        load(to_folder(tmp_path / "out", partition_by=("k",)), rows(id=pa.array([1], pa.int8()), k=["a"]))
        offer = to_folder(tmp_path / "out").offer(rows(k=["b"], id=[2]).schema, APPEND, ())
        assert offer.schema == pa.schema({"id": pa.int8(), "k": pa.string()})
        assert [plan.way for plan in offer.columns] == [Way.CHECKED, Way.EXACT]
        assert to_folder(tmp_path / "out").offer(OLD.schema, REPLACE, ()).schema == OLD.schema

    def test_the_manifest_keeps_a_type_that_the_format_holds_exactly_and_else_the_formats_own(
        self, tmp_path: Path
    ) -> None:
        schema = pa.schema({"d": pa.duration("ns"), "f": pa.float16()})
        offer = to_folder(tmp_path / "out", JSONLines()).offer(schema, CREATE, ())
        assert offer.schema == pa.schema({"d": pa.duration("ns"), "f": pa.float32()})
        assert [plan.way for plan in offer.columns] == [Way.EXACT, Way.CHECKED]

    def test_what_is_refused_names_the_address_that_the_user_gave(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        load(to_folder(out, CSV()), OLD)
        for made, schema, words in (
            (shown(out), pa.schema({"id": pa.int64()}), "its columns are others"),
            (shown(out), pa.schema({"id": pa.struct({"a": pa.int8()}), "k": pa.string()}), "column id"),
            (shown(out, partition_by=("x",)), OLD.schema, "it is partitioned by nothing"),
            (shown(out, JSONLines()), OLD.schema, "its files are csv, not jsonl"),
        ):
            with pytest.raises(Refused, match=f"{SHOWN}: {words}"):
                made.offer(schema, APPEND, ())
        new = tmp_path / "new"
        with pytest.raises(Refused, match=f"{SHOWN}: '' cannot be the name"):
            shown(new, partition_by=("k",)).offer(pa.schema({"": pa.int8(), "k": pa.int8()}), CREATE, ())
        for partition_by, words in (("x",), "there is no column 'x'"), (("",), "a column without a name"):
            with pytest.raises(UserError, match=f"{SHOWN}: {words}"):
                made = shown(new, Parquet(), partition_by=partition_by)
                made.offer(pa.schema({"": pa.int8(), "k": pa.int8()}), CREATE, ())

    def test_a_name_that_no_file_can_hold_may_stand_in_the_path(self, tmp_path: Path) -> None:
        class Picky(CSV):
            def check_names(self, names: Sequence[str]) -> None:
                if "k" in names:
                    raise Refused("k is no name")

        made = to_folder(tmp_path / "out", Picky(), partition_by=("k",))
        load(made, OLD)
        assert load(to_folder(tmp_path / "out", Picky()), NEW, APPEND).accepted == 1
        with pytest.raises(Refused, match="k is no name"):
            to_folder(tmp_path / "new", Picky()).offer(OLD.schema, CREATE, ())

    def test_only_files_of_loads_that_died_here_are_no_strangers(self, tmp_path: Path) -> None:
        (tmp_path / "out[1]").mkdir()
        (tmp_path / "out[1]" / ".tow-loads").write_text('{"dead": []}')
        (tmp_path / "out[1]" / "part-dead-00000.csv").touch()
        made = to_folder(tmp_path / "out[1]", CSV())
        assert made.offer(OLD.schema, CREATE, ()).effect.startswith("creates")
        (tmp_path / "out[1]" / "deep").mkdir()
        (tmp_path / "out[1]" / "deep" / "mine.csv").touch()
        with pytest.raises(Refused, match=r"names \(deep/mine\.csv\)"):
            made.offer(OLD.schema, CREATE, ())


class TestWhatChangedSinceThePlan:
    @pytest.mark.parametrize(
        ("mode", "now", "error", "words"),
        [
            (CREATE, {}, Conflict, "it was created meanwhile; nothing was published"),
            (APPEND, {"batch": rows(id=[1])}, Conflict, "it got other columns meanwhile; nothing was published"),
            (APPEND, {"format": JSONLines()}, Refused, "its files are jsonl, not csv"),
            (APPEND, {"partition_by": ("id",)}, Refused, "it is partitioned by id"),
        ],
    )
    def test_stops_the_load_before_anything_is_written(
        self, tmp_path: Path, mode: Mode, now: dict[str, Any], error: type[Exception], words: str
    ) -> None:
        out = tmp_path / "out"
        made = shown(out, partition_by=("k",))
        if mode is APPEND:
            load(made, OLD)
        offer = made.offer(OLD.schema, mode, ())
        given = {"format": CSV(), "partition_by": ("k",), "batch": OLD, **now}
        batch = given.pop("batch")
        if "batch" in now:
            given["partition_by"] = ()
            made = shown(out)
        load(to_folder(out, **given), batch, REPLACE, "load2")
        before = names(out)
        with pytest.raises(error, match=f"{SHOWN}: {words}"), made.begin(offer, "load3"):
            pass
        assert names(out) == before

    def test_a_folder_that_was_loaded_since_is_replaced_whole(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        load(to_folder(out, CSV()), OLD)
        made = to_folder(out, JSONLines())
        offer = made.offer(NEW.schema, REPLACE, ())
        load(to_folder(out, CSV(), partition_by=("k",)), OLD, REPLACE, "load2")
        with made.begin(offer, "load3") as writing:
            writing.write(Batch(converted(NEW, offer.schema), Counted("rows")))
            writing.publish(None, None)
        assert names(out) == ["_manifest.json", "part-load3-00000.jsonl"]
