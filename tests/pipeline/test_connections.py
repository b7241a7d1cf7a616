from __future__ import annotations

from pathlib import Path

import pytest

from towpath import api, assemble
from towpath.errors import UserError
from towpath.pipeline.connections import user_connections, with_options
from towpath.pipeline.load import Loaded, load


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own connections.yaml, not there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "towpath").mkdir(parents=True)
    return tmp_path / "config" / "towpath" / "connections.yaml"


def loaded(folder: Path, connections: str) -> Loaded:
    path = folder / "tow.yaml"
    path.write_text(f"pipeline: p\nconnections:\n{connections}\nsteps: {{a: {{from: a.csv, to: b.csv}}}}\n", "utf-8")
    return load(path)


def mistake(folder: Path, connections: str) -> str:
    with pytest.raises(UserError) as caught:
        loaded(folder, connections)
    return str(caught.value)


def test_a_connection_takes_over_another_and_changes_its_options(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "  base: {address: 'duckdb:///w.db', options: {memory: 1000000, threads: 1}}\n"
        "  more: {like: base, options: {threads: 4}}\n"
        "  other: {like: more, address: 'duckdb:///o.db?threads=9&busy_secs=1'}\n"
        "  plain: {like: base}",
    ).connections
    assert found == {
        "base": "duckdb:///w.db?memory=1000000&threads=1",
        "more": "duckdb:///w.db?memory=1000000&threads=4",
        "other": "duckdb:///o.db?busy_secs=1&memory=1000000&threads=4",
        "plain": "duckdb:///w.db?memory=1000000&threads=1",
    }


def test_options_are_quoted_and_references_are_not() -> None:
    options = {"a": "x y&z#?", "b": "${env:PASSWORD}", "c": True, "d": "pre ${file:a b} post"}
    expected = "duckdb:///w.db?a=x%20y%26z%23%3F&b=${env:PASSWORD}&c=true&d=pre%20${file:a b}%20post#t"
    assert with_options("duckdb:///w.db#t", options) == expected


def test_options_of_a_connection_reach_the_database(tmp_path: Path) -> None:
    found = loaded(tmp_path, '  w: {address: "duckdb:///w.db", options: {busy_secs: 0.25}}')
    assert assemble.located("w#t", found.connections, str(tmp_path)).options == {"busy_secs": "0.25"}
    with pytest.raises(UserError, match="has no option 'busy'; did you mean 'busy_secs'"):
        assemble.database("duckdb:///w.db?busy=1#t")


def test_the_users_own_connections_are_known_everywhere(tmp_path: Path, own: Path) -> None:
    own.write_text("warehouse: {address: 'duckdb:///w.db'}\nfiles: data/\n")
    assert user_connections() == {
        "warehouse": f"duckdb:///{own.parent}/w.db",
        "files": f"{own.parent}/data/",
    }
    found = loaded(tmp_path, "  near: {like: warehouse, options: {threads: 1}}\n  files: here/")
    assert found.connections["near"] == f"duckdb:///{own.parent}/w.db?threads=1"
    assert found.connections["files"] == "here/"
    (tmp_path / "a.csv").write_text("id\n1\n")
    api.copy(str(tmp_path / "a.csv"), "warehouse#orders")
    assert (own.parent / "w.db").exists()


@pytest.mark.parametrize(
    ("connections", "expected"),
    [
        (
            "  a: {like: b}\n  b: {like: c}\n  c: {like: a}",
            "tow.yaml:5:13: these connections are like each other: a -> b -> c -> a [",
        ),
        ("  a: {like: a}", "tow.yaml:3:13: these connections are like each other: a -> a ["),
        ("  a: {like: bas}\n  base: x/", "tow.yaml:3:13: there is no connection 'bas'; did you mean 'base'?"),
        ("  a: {options: {x: 1}}", "tow.yaml:3:3: the connection a has neither an address nor `like`"),
        ("  a: {address: x/, options: {x: 1}}", "tow.yaml:3:3: x/ is a path and takes no options"),
        ("  a: {adress: x/}", "tow.yaml:3:7: the connection a has no key 'adress'; did you mean 'address'?"),
        ("  a: {address: 'duckdb:///x', options: {x: [1]}}", "tow.yaml:3:44: x: an option of a connection is text"),
        ("  a: {address: 'dukdb:///x'}", "tow.yaml:3:16: address: there is no database, store or queue named 'dukdb'"),
        ("  a: 5", "tow.yaml:3:6: a takes a mapping, not 5"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, connections: str, expected: str) -> None:
    assert expected in mistake(tmp_path, connections)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("w: {adress: x/}", "connections.yaml:1:5: the connection w has no key 'adress'"),
        ("a: x/\nw: {like: w}", "connections.yaml:2:11: these connections are like each other: w -> w"),
        ("- a", "connections.yaml:1:1: the file takes a mapping, not a list"),
        ("my w: x/", "connections.yaml:1:1: the name 'my w' may have only letters"),
    ],
)
def test_mistakes_of_the_users_own_file_are_told_with_its_lines(
    tmp_path: Path, own: Path, text: str, expected: str
) -> None:
    own.write_text(text)
    assert expected in mistake(tmp_path, "  near: x/")
    with pytest.raises(UserError, match="connections.yaml"):
        user_connections()


def test_an_empty_file_of_the_user_is_none(own: Path) -> None:
    own.write_text("# nothing yet\n")
    assert user_connections() == {}
