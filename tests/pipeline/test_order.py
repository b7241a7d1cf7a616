from __future__ import annotations

from pathlib import Path

import pytest

from towpath.errors import UserError
from towpath.pipeline.load import Loaded, load
from towpath.pipeline.order import needs, order


def loaded(folder: Path, *steps: str) -> Loaded:
    lines = [
        "pipeline: p",
        'connections: {w: "duckdb:///w.db", out: files/}',
        "steps:",
        *(f"  {step}" for step in steps),
    ]
    path = folder / "tow.yaml"
    path.write_text("\n".join(lines), "utf-8")
    return load(path)


def test_a_step_waits_for_the_one_that_writes_what_it_reads(tmp_path: Path) -> None:
    found = loaded(tmp_path, "c: {from: w#b, to: c.csv}", "b: {from: a.csv, to: w#b}", "a: {from: x.csv, to: a.csv}")
    assert order(found) == ["a", "b", "c"]


def test_steps_that_do_not_touch_keep_the_order_of_the_file(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, "z: {from: 1.csv, to: a.csv}", "a: {from: 2.csv, to: b.csv}", "m: {from: 3.csv, to: c.csv}"
    )
    assert order(found) == ["z", "a", "m"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("w#t", "w#t"),
        ("w#t", "duckdb:///w.db#t"),
        ("w#t", "{address: w, table: t}"),
        ("w#t", "{address: w, query: select * from T join u using (id)}"),
        ("w#Main.T", "w#t"),
        ("data/x.csv", "./data/../data/x.csv"),
        ("data/x.csv", "data/*.csv"),
        ("data/x.csv", "data/**/*.csv"),
        ("out/", "out/"),
        ("{address: out/, partition_by: month}", "out/month=1/a.parquet"),
        ("out/", "out/**/*.parquet"),
        ("s3://b/out/", "s3://b/out/**/*.parquet"),
        ("s3://b/out/", "s3://b/out/x.parquet"),
        ("out#x.csv", "files/x.csv"),
    ],
)
def test_the_same_place_is_known_however_it_is_written(tmp_path: Path, written: str, read: str) -> None:
    found = loaded(tmp_path, f"second: {{from: {read}, to: end.csv}}", f"first: {{from: a.csv, to: {written}}}")
    assert needs(found)["second"] == {"first"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("w#t", "w#u"),
        ("w#t", "{address: w, query: select * from ttt}"),
        ("w#t", "duckdb:///other.db#t"),
        ("x.csv", "other/x.csv"),
        ("out/", "outer/x.csv"),
        ("'-'", "'-'"),
    ],
)
def test_different_places_are_told_apart(tmp_path: Path, written: str, read: str) -> None:
    found = loaded(tmp_path, f"second: {{from: {read}, to: end.csv}}", f"first: {{from: a.csv, to: {written}}}")
    assert needs(found)["second"] == set()


def test_depends_on_orders_what_no_address_shows(tmp_path: Path) -> None:
    found = loaded(tmp_path, "a: {from: 1.csv, to: a.csv, depends_on: b}", "b: {from: 2.csv, to: b.csv}")
    assert order(found) == ["b", "a"]


def test_a_ring_of_steps_is_refused_by_name_and_line(tmp_path: Path) -> None:
    steps = ("a: {from: c.csv, to: a.csv}", "b: {from: a.csv, to: b.csv}", "c: {from: b.csv, to: c.csv}")
    with pytest.raises(UserError, match="wait for each other: ") as caught:
        order(loaded(tmp_path, *steps))
    ring = caught.value.what.partition(": ")[2].split(" -> ")
    assert ring[0] == ring[-1]
    assert "abc".find(ring[1]) == ("abc".find(ring[0]) + 1) % 3
    assert caught.value.where.startswith(f"{tmp_path}/tow.yaml:{4 + 'abc'.find(ring[0])}:")


def test_a_step_may_read_what_it_replaces(tmp_path: Path) -> None:
    assert order(loaded(tmp_path, "a: {from: w#t, to: w#t, mode: replace}")) == ["a"]


def test_chosen_steps_run_in_order_without_those_before_them(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, "c: {from: b.csv, to: c.csv}", "b: {from: a.csv, to: b.csv}", "a: {from: x.csv, to: a.csv}"
    )
    assert order(found, ["c", "b"]) == ["b", "c"]


def test_an_unknown_step_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no step 'ordrs'; did you mean 'orders'"):
        order(loaded(tmp_path, "orders: {from: 1.csv, to: a.csv}"), ["ordrs"])


def test_a_bucket_is_no_folder_of_this_machine(tmp_path: Path) -> None:
    found = loaded(tmp_path, "b: {from: out/x.csv, to: y.csv}", "a: {from: x.csv, to: s3://out/x.csv}")
    assert needs(found)["b"] == set()
