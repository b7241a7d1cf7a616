from __future__ import annotations

import os
from pathlib import Path

import pytest

from towpath.errors import UserError
from towpath.job import JobSpec
from towpath.pipeline.jobs import job
from towpath.pipeline.load import load


def made(folder: Path, step: str, connections: str = "{}") -> JobSpec:
    path = folder / "tow.yaml"
    path.write_text(f"pipeline: p\nconnections: {connections}\nsteps:\n  s: {step}\n", "utf-8")
    return job(load(path), "s")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("data/a.csv", "{}/data/a.csv"),
        ("../a.csv", "{}/../a.csv"),
        ("data/**/*.csv", "{}/data/**/*.csv"),
        ("out/", "{}/out/"),
        ("/abs/a.csv", "/abs/a.csv"),
        ("'-'", "-"),
        ("file:///abs/a%20b.csv", "file:///abs/a%20b.csv"),
        ("duckdb:///shop.db#t", "duckdb:///{}/shop.db#t"),
        ("sqlite:///a%20b/shop.db#t%201", "sqlite:///{}/a%20b/shop.db#t%201"),
        ("duckdb:////abs/shop.db#t", "duckdb:////abs/shop.db#t"),
        ("duckdb:///:memory:#t", "duckdb:///:memory:#t"),
    ],
)
def test_relative_paths_start_from_the_folder_of_the_file(tmp_path: Path, address: str, expected: str) -> None:
    spec = made(tmp_path, f"{{from: {address}, to: b.csv}}")
    assert spec.inputs["input"].address == expected.format(tmp_path)


def test_the_working_folder_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tow.yaml"
    path.write_text("pipeline: p\nsteps: {s: {from: a.csv, to: b.csv, bad_rows: bad}}", "utf-8")
    monkeypatch.chdir(tmp_path)
    here = job(load(Path("tow.yaml")), "s")
    monkeypatch.chdir("/")
    assert job(load(path), "s") == here
    assert here.bad_rows == str(tmp_path / "bad")
    assert here.folder == str(tmp_path)


def test_a_folder_with_a_blank_in_its_name_is_quoted_for_a_database(tmp_path: Path) -> None:
    from towpath import address

    folder = tmp_path / "a b%20#c"
    folder.mkdir()
    spec = made(folder, "{from: 'duckdb:///x.db#t', to: b.csv}")
    at = address.parse(spec.inputs["input"].address)
    assert (at.path, at.table) == (str(folder / "x.db"), "t")


def test_a_connection_stays_a_name_and_its_path_is_rooted(tmp_path: Path) -> None:
    spec = made(tmp_path, "{from: a.csv, to: w#t}", '{w: "duckdb:///w.db", unused: "sqlite:///u.db"}')
    assert spec.to.address == "w#t"
    assert spec.connections == {"w": f"duckdb:///{tmp_path}/w.db"}


def test_another_connection_does_not_change_the_plan(tmp_path: Path) -> None:
    before = made(tmp_path, "{from: a.csv, to: w#t}", '{w: "duckdb:///w.db"}').plan_hash()
    assert made(tmp_path, "{from: a.csv, to: w#t}", '{w: "duckdb:///w.db", x: "sqlite:///u.db"}').plan_hash() == before
    assert made(tmp_path, "{from: a.csv, to: w#t}", '{w: "duckdb:///v.db"}').plan_hash() != before


def test_a_reference_is_read_from_the_environment_when_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOW_TEST_FOLDER", "data")
    spec = made(
        tmp_path, "{from: '${env:TOW_TEST_FOLDER}/a.csv', to: w#t}", '{w: "duckdb:///${env:TOW_TEST_FOLDER}/w.db"}'
    )
    assert spec.inputs["input"].address == f"{tmp_path}/data/a.csv"
    assert spec.connections == {"w": f"duckdb:///{tmp_path}/data/w.db"}


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


def test_a_cursor_of_the_step_is_that_of_its_one_input(tmp_path: Path) -> None:
    assert made(tmp_path, "{from: w#t, cursor: id, to: b.csv}", '{w: "duckdb:///w.db"}').inputs["input"].cursor == "id"


def test_a_job_survives_its_json(tmp_path: Path) -> None:
    spec = made(
        tmp_path,
        "{from: {address: a.csv, options: {null: NA}}, to: {address: out/, partition_by: month}, mode: replace, "
        "rules: [{range: {x: [0, null]}}, {one_of: {o: [NO]}}], require: recoverable, memory: 1GB, key: [a, b]}",
    )
    assert JobSpec.from_json(spec.as_json()) == spec
