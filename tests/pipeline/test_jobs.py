from __future__ import annotations

import os
from pathlib import Path

import pytest

from towpath import assemble
from towpath.errors import UserError
from towpath.job import JobSpec
from towpath.pipeline.jobs import Part, job
from towpath.pipeline.load import Loaded, load


def loaded(folder: Path, step: str, connections: str = "{}") -> Loaded:
    path = folder / "tow.yaml"
    path.write_text(f"pipeline: p\nconnections: {connections}\nsteps:\n  s: {step}\n", "utf-8")
    return load(path)


def made(folder: Path, step: str, connections: str = "{}") -> JobSpec:
    return job(loaded(folder, step, connections), "s")


def path_of(spec: JobSpec) -> tuple[str, str | None]:
    at = assemble.located(spec.inputs["input"].address, spec.connections, spec.folder)
    return at.path, at.table


@pytest.mark.parametrize(
    ("address", "path", "table"),
    [
        ("data/a.csv", "{}/data/a.csv", None),
        ("../a.csv", "{}/../a.csv", None),
        ("data/**/*.csv", "{}/data/**/*.csv", None),
        ("out/", "{}/out/", None),
        ("/abs/a.csv", "/abs/a.csv", None),
        ("'-'", "-", None),
        ("file:///abs/a%20b.csv", "/abs/a b.csv", None),
        ("duckdb:///shop.db#t", "{}/shop.db", "t"),
        ("sqlite:///a%20b/shop.db#t%201", "{}/a b/shop.db", "t 1"),
        ("duckdb:////abs/shop.db#t", "/abs/shop.db", "t"),
    ],
)
def test_a_job_keeps_its_address_as_written_and_finds_it_from_the_folder_of_the_file(
    tmp_path: Path, address: str, path: str, table: str | None
) -> None:
    spec = made(tmp_path, f"{{from: {address}, to: b.csv}}")
    assert spec.inputs["input"].address == address.strip("'")
    assert path_of(spec) == (path.format(tmp_path), table)


def test_the_working_folder_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tow.yaml"
    path.write_text("pipeline: p\nsteps: {s: {from: a.csv, to: b.csv, bad_rows: bad}}", "utf-8")
    monkeypatch.chdir(tmp_path)
    here = job(load(Path("tow.yaml")), "s")
    monkeypatch.chdir("/")
    assert job(load(path), "s") == here
    assert here.bad_rows == str(tmp_path / "bad")
    assert here.folder == str(tmp_path)


def test_a_folder_with_signs_of_a_url_in_its_name_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "a b%20#c?d"
    folder.mkdir()
    assert path_of(made(folder, "{from: 'duckdb:///x.db#t', to: b.csv}")) == (str(folder / "x.db"), "t")


def test_a_job_holds_the_connections_that_it_uses_as_written(tmp_path: Path) -> None:
    spec = made(tmp_path, "{from: w#t, to: b.csv}", '{w: "duckdb:///w.db", unused: "sqlite:///u.db"}')
    assert spec.inputs["input"].address == "w#t"
    assert spec.connections == {"w": "duckdb:///w.db"}
    assert path_of(spec) == (f"{tmp_path}/w.db", "t")


def test_another_connection_does_not_change_the_plan(tmp_path: Path) -> None:
    before = made(tmp_path, "{from: a.csv, to: w#t}", '{w: "duckdb:///w.db"}').plan_hash()
    assert made(tmp_path, "{from: a.csv, to: w#t}", '{w: "duckdb:///w.db", x: "sqlite:///u.db"}').plan_hash() == before
    assert made(tmp_path, "{from: a.csv, to: w#t}", '{w: "duckdb:///v.db"}').plan_hash() != before


def test_a_reference_stays_one_in_the_job_and_is_resolved_where_parts_are_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOW_TEST_FOLDER", "data")
    spec = made(
        tmp_path, "{from: w#t, to: '${env:TOW_TEST_FOLDER}/a.csv'}", '{w: "duckdb:///${env:TOW_TEST_FOLDER}/w.db"}'
    )
    assert spec.to.address == "${env:TOW_TEST_FOLDER}/a.csv"
    assert spec.connections == {"w": "duckdb:///${env:TOW_TEST_FOLDER}/w.db"}
    assert path_of(spec) == (f"{tmp_path}/data/w.db", "t")


@pytest.mark.parametrize(
    ("step", "connections", "place"),
    [
        ("{from: '${env:TOW_TEST_NONE}/a.csv', to: b.csv}", "{}", "4:13"),
        ("{from: a.csv, to: w#t}", "{w: '${env:TOW_TEST_NONE}'}", "2:18"),
    ],
)
def test_a_reference_that_is_not_set_is_told_with_its_place(
    tmp_path: Path, step: str, connections: str, place: str
) -> None:
    assert "TOW_TEST_NONE" not in os.environ
    with pytest.raises(UserError, match="TOW_TEST_NONE is not set") as caught:
        made(tmp_path, step, connections)
    assert caught.value.where == f"{tmp_path}/tow.yaml:{place}"


def test_an_unknown_kind_of_reference_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\$\{vault:x\} is no reference"):
        made(tmp_path, "{from: '${vault:x}', to: b.csv}")


def test_an_escaped_reference_is_a_file_of_that_name(tmp_path: Path) -> None:
    assert path_of(made(tmp_path, "{from: 'a$${env:X}.csv', to: b.csv}")) == (f"{tmp_path}/a${{env:X}}.csv", None)


def test_a_cursor_of_the_step_is_that_of_its_one_input(tmp_path: Path) -> None:
    assert made(tmp_path, "{from: w#t, cursor: id, to: b.csv}", '{w: "duckdb:///w.db"}').inputs["input"].cursor == "id"


def test_a_job_survives_its_json(tmp_path: Path) -> None:
    spec = made(
        tmp_path,
        "{from: {address: a.csv, options: {null: NA}}, to: {address: out/, partition_by: month}, mode: replace, "
        "rules: [{range: {x: [0, null]}}, {one_of: {o: [NO]}}], require: recoverable, memory: 1GB, key: [a, b]}",
    )
    assert JobSpec.from_json(spec.as_json()) == spec


def test_a_part_of_the_data_is_laid_over_the_job_and_leaves_its_plan(tmp_path: Path) -> None:
    spec = made(tmp_path, "{from: w#t, cursor: id, to: b.csv}", '{w: "duckdb:///w.db"}')
    part = Part("1", "9", 5, 0.5).of(spec)
    assert (part.inputs["input"].since, part.inputs["input"].until, part.limit, part.sample) == ("1", "9", 5, 0.5)
    assert part.plan_hash() == spec.plan_hash()
    assert Part().of(spec) == spec


def test_a_window_on_a_step_without_a_cursor_is_refused_before_anything_runs(tmp_path: Path) -> None:
    found = loaded(tmp_path, "{from: a.csv, to: b.csv}")
    with pytest.raises(UserError, match="these steps have none: s"):
        Part(since="1").check(found, ["s"])
    Part(limit=1).check(found, ["s"])
