"""One file as a destination: modes, formats, codecs, and two runs at once."""

from __future__ import annotations

import errno
import gzip
import random
import resource
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import towpath as tow
from tests.joins.filekit import (
    APPEND,
    CREATE,
    REPLACE,
    STEP,
    converted,
    load,
    names,
    read,
    rows,
    source,
    state,
    to_file,
)
from towpath.adapters.format.arrow import Arrow
from towpath.adapters.format.csv import CSV
from towpath.adapters.format.json import JSON
from towpath.adapters.format.jsonl import JSONLines
from towpath.adapters.format.parquet import Parquet
from towpath.adapters.store.local import Local
from towpath.adapters.store.stdio import StandardStreams
from towpath.conformance.dying import die_after
from towpath.disk import leftovers
from towpath.errors import BooksDoNotBalance, Conflict, DataError, Refused, UserError
from towpath.nouns import Guarantee, Mode, Way
from towpath.seams.format import Format
from towpath.stream import Batch, Counted

FORMATS = [CSV(), JSONLines(), JSON(), Parquet(), Arrow()]
OLD = rows(id=[1, 2], v=["one", None])
NEW = rows(id=[3], v=["drei"])


def shape(format: Format) -> str:
    return type(format).__name__


@pytest.mark.parametrize("format", FORMATS, ids=shape)
@pytest.mark.parametrize("codec", [None, "gz", "bz2", "xz", "zst", "zip"])
def test_appended_rows_follow_the_old_ones_in_every_format_and_codec(
    tmp_path: Path, format: Format, codec: str | None
) -> None:
    path = tmp_path / ("a.x" + (f".{codec}" if codec else ""))
    load(to_file(path, format, codec), OLD)
    assert load(to_file(path, format, codec), NEW, APPEND).inserted == 1
    assert load(to_file(path, format, codec), NEW.select(["v", "id"]), APPEND).accepted == 1
    assert read(source(path, format)).to_pylist() == [*OLD.to_pylist(), *NEW.to_pylist() * 2]
    assert names(tmp_path) == [path.name]


def test_the_old_bytes_of_text_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'v;id\r\n01;1\r\n"x";2')
    load(to_file(path), rows(id=[3], v=["y"]), APPEND)
    assert path.read_bytes() == b'v;id\r\n01;1\r\n"x";2\ny;3\n'
    packed = tmp_path / "a.csv.gz"
    old = gzip.compress(b"id\n1\n")
    packed.write_bytes(old)
    load(to_file(packed, codec="gz"), rows(id=[2]), APPEND)
    assert packed.read_bytes().startswith(old)
    assert gzip.decompress(packed.read_bytes()) == b"id\n1\n2\n"


def test_types_of_old_rows_that_are_written_again_do_not_change(tmp_path: Path) -> None:
    old = rows(
        a=pa.array([1], pa.int8()),
        b=pa.array(["1.50"]).cast(pa.decimal128(9, 2)),
        c=pa.array([0], pa.timestamp("us", "Europe/Berlin")),
    )
    for format in (Parquet(), Arrow()):
        path = tmp_path / shape(format)
        load(to_file(path, format), old)
        load(to_file(path, format), rows(a=[7], b=pa.array(["2"]).cast(pa.decimal128(4, 0)), c=old.column("c")), APPEND)
        got = read(source(path, format))
        assert got.schema == old.schema
        assert got.column("a").to_pylist() == [1, 7]


def test_a_narrower_old_column_is_checked_and_a_stranger_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    load(to_file(path, Parquet()), rows(a=pa.array([1], pa.int8())))
    (plan,) = to_file(path, Parquet()).offer(pa.schema({"a": pa.int64()}), APPEND, ()).columns
    assert (plan.way, plan.stored.type) == (Way.CHECKED, pa.int8())
    with pytest.raises(Refused, match="column a"):
        to_file(path, Parquet()).offer(pa.schema({"a": pa.struct({"x": pa.int8()})}), APPEND, ())


@pytest.mark.parametrize("format", [CSV(), Parquet()], ids=shape)
def test_other_columns_than_the_old_ones_are_refused_by_name(tmp_path: Path, format: Format) -> None:
    path = tmp_path / "a.x"
    load(to_file(path, format), OLD)
    with pytest.raises(Refused, match="v there, but not in the new rows; w in the new rows, but not there"):
        to_file(path, format).offer(pa.schema({"id": pa.int64(), "w": pa.string()}), APPEND, ())


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("a", pa.int64()), pa.field("a", pa.int64())])
    with pytest.raises(UserError, match="two columns are named 'a'"):
        to_file(tmp_path / "a.csv").offer(schema, CREATE, ())


def test_create_names_the_choices_and_merge_says_why_not(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id\n1\n")
    with pytest.raises(UserError, match=r"a\.csv: it exists already \[destination-exists\]\n.*append.*replace"):
        to_file(path).offer(OLD.schema, CREATE, ())
    with pytest.raises(UserError, match="keys"):
        to_file(path).offer(OLD.schema, Mode.MERGE, ("id",))


def test_the_effect_on_existing_rows_is_said_with_their_number(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    made = to_file(path, Parquet())
    assert made.offer(OLD.schema, CREATE, ()).effect == f"creates {path}"
    load(made, OLD)
    assert made.offer(OLD.schema, APPEND, ()).effect == f"keeps the 2 rows of {path}; new rows follow them"
    assert f"replaces {path}" in made.offer(OLD.schema, REPLACE, ()).effect
    assert made.offer(OLD.schema, REPLACE, ()).guarantee is Guarantee.RECOVERABLE


def test_what_cannot_be_read_can_be_replaced_but_not_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"garbage")
    existing = to_file(path, Parquet()).describe()
    assert existing is not None
    assert existing.schema.names == []
    with pytest.raises(DataError, match=r"a\.parquet"):
        load(to_file(path, Parquet()), OLD, APPEND)
    load(to_file(path, Parquet()), OLD, REPLACE)
    assert len(read(source(path, Parquet()))) == 2


@pytest.mark.parametrize("format", FORMATS, ids=shape)
def test_appending_to_nothing_or_to_an_empty_file_begins_one(tmp_path: Path, format: Format) -> None:
    for name in ("new", "empty"):
        path = tmp_path / name
        if name == "empty":
            path.touch()
        load(to_file(path, format), OLD, APPEND)
        assert read(source(path, format)).to_pylist() == OLD.to_pylist()


def test_text_columns_bind_new_rows_and_guessed_numbers_do_not(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("zip,n\n00501,1\n")
    existing = to_file(path).describe()
    assert existing is not None
    assert existing.schema == pa.schema({"zip": pa.string(), "n": pa.int64()})
    assert list(existing.stored) == ["zip"]


def test_utf16_is_not_continued_with_other_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id\n1\n".encode("utf-16"))
    before = path.read_bytes()
    with pytest.raises(Refused, match="utf-16"):
        load(to_file(path), rows(id=[2]), APPEND)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["a.csv"]


def test_a_damaged_old_file_is_found_before_anything_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    whole = gzip.compress(b"id\n" + b"1\n" * 3_000_000)
    path.write_bytes(whole[:-4])
    with pytest.raises(DataError, match=r"a\.csv\.gz"):
        load(to_file(path, codec="gz"), rows(id=[2]), APPEND)
    assert names(tmp_path) == ["a.csv.gz"]


def test_a_file_that_counts_other_rows_than_were_written_is_not_published(tmp_path: Path) -> None:
    class Forgetful(Parquet):
        def writer(self, sink, schema):  # type: ignore[no-untyped-def]
            made = super().writer(sink, schema)
            write = made.write
            made.write = lambda rows: write(rows.slice(1))  # type: ignore[method-assign]
            return made

    with pytest.raises(BooksDoNotBalance, match="holds 1 rows, but 2 were written"):
        load(to_file(tmp_path / "a.parquet", Forgetful()), OLD)
    assert names(tmp_path) == []


@pytest.mark.parametrize("format", FORMATS, ids=shape)
def test_a_failed_load_leaves_nothing(tmp_path: Path, format: Format) -> None:
    made = to_file(tmp_path / "new" / "a.x", format)
    offer = made.offer(OLD.schema, CREATE, ())
    with pytest.raises(KeyError), made.begin(offer, "load1") as writing:
        writing.write(Batch(converted(OLD, offer.schema), Counted("rows")))
        raise KeyError
    assert names(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_changed_after_it_was_copied_is_a_conflict_and_keeps_the_change(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for step in (None, STEP):
        path.write_text("id\n1\n")
        made = to_file(path)
        before = made.recover(step)
        with made.begin(made.offer(rows(id=[2]).schema, APPEND, ()), "load1") as writing:
            path.write_text("id\n1\n99\n")
            with pytest.raises(Conflict, match="changed by somebody else"):
                writing.publish(before, None if step is None else state("load1"))
        assert path.read_text() == "id\n1\n99\n"
        assert names(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("mode", [CREATE, APPEND, REPLACE])
@pytest.mark.parametrize("step", [None, STEP])
def test_of_two_interleaved_runs_one_is_a_conflict(tmp_path: Path, mode: Mode, step: str | None) -> None:
    path = tmp_path / "a.csv"
    if mode is not CREATE:
        path.write_text("id\n0\n")
    one, two = to_file(path), to_file(path)
    before = one.recover(step)
    assert two.recover(step) == before
    schema = rows(id=[1]).schema
    with (
        one.begin(one.offer(schema, mode, ()), "one") as first,
        two.begin(two.offer(schema, mode, ()), "two") as second,
    ):
        for writing, id in ((first, 1), (second, 2)):
            writing.write(Batch(converted(rows(id=[id]), one.offer(schema, REPLACE, ()).schema), Counted("rows")))
        second.publish(before, None if step is None else state("two"))
        with pytest.raises(Conflict):
            first.publish(before, None if step is None else state("one"))
    assert path.read_text() == {CREATE: "id\n2\n", APPEND: "id\n0\n2\n", REPLACE: "id\n2\n"}[mode]
    assert to_file(path).state(STEP) == (None if step is None else state("two"))
    assert names(tmp_path) == ([".a.csv.tow-state"] if step else []) + ["a.csv"]


def test_what_a_dead_run_left_is_cleared_by_the_next_whatever_it_loads(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"

    def half() -> object:
        made = to_file(path)
        opening = made.begin(made.offer(OLD.schema, CREATE, ()), "dead")
        opening.__enter__().write(Batch(OLD, Counted("rows")))
        return opening

    die_after(half)
    assert names(tmp_path) == [".a.csv.dead.tow-tmp"]
    to_file(path).recover(None)
    assert names(tmp_path) == []


class Stopping(Local):
    """Publishes for a while: a run that stands still between its intent and the end."""

    def __init__(self, within: object) -> None:
        super().__init__()
        self.within = within

    def swap_note(self, path: str, content: bytes | None, expected: str | None) -> str | None:
        version = super().swap_note(path, content, expected)
        if self.within is not None:
            within, self.within = self.within, None
            within()  # type: ignore[operator]
        return version


def test_the_intent_of_a_living_run_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_PATIENCE", 0.02)
    path = tmp_path / "a.csv"
    path.write_text("id\n0\n")
    seen = []

    def meanwhile() -> None:
        other = to_file(path)
        assert other.state(STEP) is None
        for call in (lambda: other.recover(STEP), lambda: other.recover(None)):
            with pytest.raises(Conflict, match="another run"):
                call()
        with (
            other.begin(other.offer(rows(id=[1]).schema, REPLACE, ()), "other") as writing,
            pytest.raises(Conflict, match="the load load1 is being published"),
        ):
            writing.publish(None, None)
        seen.append(path.read_text())

    made = to_file(path, store=Stopping(meanwhile))
    load(made, rows(id=[1]), APPEND, step=STEP)
    assert seen == ["id\n0\n"]
    assert path.read_text() == "id\n0\n1\n"
    assert to_file(path).recover(STEP) == state("load1")


def test_a_state_that_another_run_commits_for_us_is_ours(tmp_path: Path) -> None:
    """Between our publishing and our state the next run may come, and find our bytes out."""
    path = tmp_path / "a.csv"

    class Slow(Local):
        def stage(self, path: str, load_id: str):  # type: ignore[no-untyped-def]
            return Published(super().stage(path, load_id))

    class Published:
        def __init__(self, staging) -> None:  # type: ignore[no-untyped-def]
            self.staging = staging

        def __enter__(self):  # type: ignore[no-untyped-def]
            staged = self.staging.__enter__()
            publish = staged.publish

            def then_another(*, create: bool) -> None:
                publish(create=create)
                assert to_file(path).state(STEP) == state("load1")
                assert to_file(path).recover(STEP) == state("load1")

            staged.publish = then_another
            return staged

        def __exit__(self, *error: object) -> None:
            self.staging.__exit__(*error)

    assert load(to_file(path, store=Slow()), rows(id=[1]), step=STEP).accepted == 1
    assert to_file(path).state(STEP) == state("load1")
    assert path.read_text() == "id\n1\n"


def test_a_state_file_that_is_not_ours_stops_before_anything(tmp_path: Path) -> None:
    (tmp_path / ".a.csv.tow-state").write_text("[]")
    with pytest.raises(DataError, match=r"\.a\.csv\.tow-state: this is no state file"):
        load(to_file(tmp_path / "a.csv"), OLD)
    assert names(tmp_path) == [".a.csv.tow-state"]


def test_a_state_without_its_load_is_refused_with_the_file_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    load(to_file(path), OLD, step=STEP)
    with pytest.raises(Conflict, match=f"{path}: another run of the step {STEP}"):
        made = to_file(path)
        with made.begin(made.offer(OLD.schema, REPLACE, ()), "load2") as writing:
            writing.publish(None, state("load2"))


class TestStandardOutput:
    def test_rows_come_out_and_nothing_is_remembered(self, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        made = to_file("-", store=StandardStreams())
        offer = made.offer(OLD.schema, CREATE, ())
        assert made.describe() is None
        assert offer.guarantee is Guarantee.AT_LEAST_ONCE
        assert "cannot be taken back" in offer.why
        assert load(made, OLD).accepted == 2
        assert capfdbinary.readouterr().out == b"id,v\n1,one\n2,\n"

    def test_a_step_cannot_keep_its_place(self, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        made = to_file("-", store=StandardStreams())
        for call in (made.state, made.recover):
            with pytest.raises(UserError, match=f"{STEP} cannot keep its place on standard output"):
                call(STEP)
        with pytest.raises(UserError, match=f"{STEP} cannot keep its place"):
            made.put_state(STEP, None, state("load1"))
        with (
            made.begin(made.offer(OLD.schema, CREATE, ()), "load1") as writing,
            pytest.raises(UserError, match=f"{STEP} cannot keep its place"),
        ):
            writing.publish(None, state("load1"))

    def test_a_failed_load_is_not_made_to_look_whole(self, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        made = to_file("-", JSON(), store=StandardStreams())
        with pytest.raises(KeyError), made.begin(made.offer(OLD.schema, CREATE, ()), "load1") as writing:
            writing.write(Batch(OLD, Counted("rows")))
            raise KeyError
        out = capfdbinary.readouterr().out
        assert out.startswith(b"[")
        assert b"]" not in out


@pytest.mark.parametrize("format", FORMATS, ids=shape)
@pytest.mark.parametrize("codec", [None, "zst"])
def test_a_disk_that_refuses_a_write_is_named_through_every_library_and_nothing_is_left(
    tmp_path: Path, format: Format, codec: str | None
) -> None:
    chance = random.Random(1)
    batch = rows(v=[chance.random() for _ in range(40_000)])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(Refused, match="a.x: cannot write it: the file would be larger"):
            load(to_file(tmp_path / "a.x", format, codec), batch)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["out.arrow", "out.parquet"])
def test_a_disk_that_fails_when_a_file_is_opened_again_to_be_counted_is_told(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: Path, mode: str = "r", *rest: Any, by: Any = Path.open, **more: Any) -> Any:
        if self.name.endswith(".tow-tmp"):
            raise OSError(errno.EDQUOT, "Disk quota exceeded", str(self))
        return by(self, mode, *rest, **more)

    (tmp_path / "in.csv").write_text("id\n1\n")
    monkeypatch.setattr(Path, "open", failing)
    if name == "out.parquet":
        monkeypatch.setattr(pa, "OSFile", lambda path: failing(Path(path)))
    with pytest.raises(Refused) as told:
        tow.copy(str(tmp_path / "in.csv"), str(tmp_path / name))
    assert (told.value.code, Path(str(told.value.where)).name) == ("disk-full", name)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
