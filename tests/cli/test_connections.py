from __future__ import annotations

import json
import os
from pathlib import Path

import duckdb
import pytest

from towpath.cli.main import main


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    (folder / "in" / "deep").mkdir(parents=True)
    (folder / "in" / "a.csv").write_text("id\n1\n")
    (folder / "in" / "deep" / "b.csv").write_text("id\n2\n3\n")
    with duckdb.connect(str(folder / "shop.db")) as database:
        database.execute("create table orders as select range as id, 'x' as name from range(1234)")
        database.execute("create view few as select id from orders limit 2")
    monkeypatch.chdir(folder)
    return folder


def user_file(text: str) -> Path:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "towpath" / "connections.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def found(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    main(["connections", *words, "--json"])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_connections_are_listed_with_their_places_and_without_secrets(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = user_file("store: duckdb:////x/a.db?encryption_key=hunter2hunter2\nother: duckdb:////x/${env:TOW_NONE}.db\n")
    (here / "tow.yaml").write_text(
        "pipeline: p\nconnections:\n  shop: duckdb:///shop.db\nsteps: {a: {from: in/a.csv, to: shop#t}}\n"
    )
    by_name = {str(one["name"]): one for one in found(capsys, "list")}
    assert by_name["store"]["address"] == "duckdb:////x/a.db?encryption_key=***"
    assert (by_name["store"]["where"], by_name["store"]["resolves"]) == (f"{file}:1:8", True)
    assert by_name["shop"]["where"] == "tow.yaml:3:9"
    assert by_name["other"]["resolves"] is False
    assert "TOW_NONE is not set" in str(by_name["other"]["why"])
    assert main(["connections", "list"]) == 0
    out = capsys.readouterr().out
    assert "hunter2" not in out
    assert "does not resolve: the environment variable TOW_NONE" in out


def test_each_connection_is_opened_for_real(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    user_file(f"shop: duckdb:///{here}/shop.db\nfiles: {here}/in/\n")
    assert main(["connections", "test"]) == 0
    out = capsys.readouterr().out
    assert "shop: ok in " in out
    assert "2 tables" in out
    assert "files: ok in " in out
    assert "2 files" in out


@pytest.mark.parametrize(
    "address", ["duckdb:////none/x.db", "/none/", "duckdb:////x/${env:TOW_NONE}", "sqlite:///{}/in/a.csv"]
)
def test_one_that_fails_says_why_and_ends_with_1(address: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    user_file(f"shop: duckdb:///{here}/shop.db\nbad: {address.replace('{}', str(here))}\n")
    assert main(["connections", "test"]) == 1
    out = capsys.readouterr().out
    assert "shop: ok" in out
    assert "bad: fails" in out
    assert main(["connections", "test", "shop"]) == 0


def test_an_unknown_connection_names_the_nearest(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    user_file("warehouse: duckdb:////x.db\n")
    for action in ("test", "discover"):
        assert main(["connections", action, "warehose"]) == 2
        assert "there is no connection 'warehose'; did you mean 'warehouse'" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("peek", "shp#orders"), ("copy", "in/a.csv", "shp#orders")])
def test_a_table_of_a_connection_that_there_is_not_is_told_as_such(
    words: tuple[str, ...], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words]) in (1, 2)
    assert "no connection is named 'shp'" in capsys.readouterr().err


def test_a_database_is_shown_with_its_tables_columns_and_rows(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (one,) = found(capsys, "discover", "duckdb:///shop.db")
    assert one["tables"] == [
        {"name": "few", "rows": 2, "columns": [{"name": "id", "type": "int64", "native": "BIGINT"}]},
        {
            "name": "orders",
            "rows": 1234,
            "columns": [
                {"name": "id", "type": "int64", "native": "BIGINT"},
                {"name": "name", "type": "text", "native": "VARCHAR"},
            ],
        },
    ]
    assert main(["connections", "discover", "duckdb:///shop.db#orders"]) == 0
    out = capsys.readouterr().out
    assert "orders  1,234 rows" in out
    assert "few" not in out
    assert main(["connections", "discover", "duckdb:///shop.db#none"]) == 1


@pytest.mark.parametrize("address", ["in/", "in", "in/**/*.csv"])
def test_a_folder_is_shown_with_its_files_and_sizes(
    address: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (one,) = found(capsys, "discover", address)
    assert one["files"] == [{"path": "in/a.csv", "size": 5}, {"path": "in/deep/b.csv", "size": 7}]


def test_a_connection_of_the_user_serves_every_command(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    user_file(f"shop: duckdb:///{here}/shop.db\nfiles: {here}/in/\n")
    assert main(["copy", "shop#few", "out.csv"]) == 0
    assert Path("out.csv").read_text() == "id\n0\n1\n"
    assert main(["copy", "files#deep/b.csv", "shop#b"]) == 0
    assert main(["verify", "files#deep/b.csv", "shop#b"]) == 0
    capfd.readouterr()
    assert main(["peek", "shop#few"]) == 0
    assert "shop#few" in capfd.readouterr().out
    assert main(["plan", "shop#few", "x.csv"]) == 0


def test_a_file_may_have_the_name_of_a_connection(here: Path) -> None:
    user_file("a.csv: duckdb:////none.db\n")
    (here / "a.csv").write_text("id\n1\n")
    assert main(["copy", "./a.csv", "out.csv"]) == 0


def test_relative_paths_of_the_users_file_start_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = user_file("near: beside/\n")
    (file.parent / "beside").mkdir()
    (file.parent / "beside" / "x.csv").write_text("id\n1\n")
    assert main(["copy", "near#x.csv", "out.csv"]) == 0
    assert main(["connections", "test", "near"]) == 0


def test_there_may_be_none(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connections", "list"]) == 0
    assert main(["connections", "test"]) == 0
    assert "there are no connections" in capsys.readouterr().err
