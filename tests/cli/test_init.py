from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from towpath.cli.main import main
from towpath.pipeline import yamltext
from towpath.pipeline.scaffold import _quoted

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tow(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    folder = tmp_path / "my shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    Path("orders.csv").write_text("id,zip,amount,note\n1,00501,1.5,\n2,10001,2.25,x\n3,00501,,y\n")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def holds(tow: Run, *arguments: str) -> str:
    """What init writes; it passes lint, a run moves its rows, and a second run finds nothing new."""
    code, out, err = tow("init", *arguments)
    assert (code, err) == (0, ""), err
    assert "tow run" in out
    name = arguments[arguments.index("-o") + 1] if "-o" in arguments else "tow.yaml"
    assert tow("lint", name) == (0, f"{name}: no mistakes, no warnings\n", "")
    for status in ("done", "unchanged"):
        code, out, err = tow("run", name, "--json")
        assert (code, {json.loads(line)["status"] for line in out.splitlines()}) == (0, {status}), out
    return Path(name).read_text()


def test_a_file_becomes_a_step_with_its_columns_and_a_guess_at_its_key(tow: Run) -> None:
    text = holds(tow, "orders.csv")
    assert "pipeline: my_shop\n" in text
    assert "    # Columns, from all 3 rows:\n    #   id      int64\n    #   zip     text\n" in text
    assert "    #   amount  float64  1 null\n" in text
    assert "    # key: id  # a guess: unique, never null in all 3 rows\n" in text
    assert yaml.safe_load(text)["steps"]["orders"] == {
        "from": "orders.csv",
        "to": "warehouse#orders",
        "mode": "replace",
    }
    with duckdb.connect("warehouse.duckdb", read_only=True) as database:
        assert database.execute("select count(*) from orders").fetchone() == (3,)


def test_a_column_with_doubled_or_missing_values_is_no_key(tow: Run) -> None:
    Path("orders.csv").write_text("id,code,sku\n1,,a\n1,x,b\n2,y,c\n")
    assert "    # key: sku  # a guess" in holds(tow, "orders.csv")


def test_what_it_advises_in_comments_works_too(tow: Run) -> None:
    text = holds(tow, "orders.csv")
    Path("tow.yaml").write_text(
        text.replace("    mode: replace\n", "").replace("# mode: merge", "mode: merge").replace("# key: id", "key: id")
    )
    assert tow("lint", "--strict")[0] == 0
    code, out, _ = tow("run", "--full-refresh", "--json")
    assert (code, json.loads(out)["status"]) == (0, "done")


def test_a_database_becomes_one_step_for_each_table(tow: Run) -> None:
    with closing(sqlite3.connect("shop.db")) as database:
        database.execute('create table "my orders#1" (id integer primary key, updated_at timestamp, at date not null)')
        database.execute('create table "my orders-1" (a text, "b\nmode: x" int)')
        database.execute("insert into \"my orders#1\" values (1, '2026-01-01 00:00:00', '2026-01-01')")
        database.execute("insert into \"my orders-1\" values ('x', 1)")
        database.commit()
    text = holds(tow, "sqlite:///shop.db")
    steps = yaml.safe_load(text)["steps"]
    assert {name: step["from"] for name, step in steps.items()} == {
        "my_orders_1": "sqlite:///shop.db#my%20orders%231",
        "my_orders_1_2": "sqlite:///shop.db#my%20orders-1",
    }
    assert "    # key: id  # the primary key\n" in text
    assert "    # cursor: " in text
    assert "changed rows only where each change raises it" in text


def test_one_table_of_a_database_is_one_step(tow: Run) -> None:
    with duckdb.connect("warehouse.duckdb") as database:
        database.execute("create table t as select range as n, 'x' as x from range(5)")
    text = holds(tow, "duckdb:///warehouse.duckdb#t")
    assert yaml.safe_load(text)["connections"] == {"warehouse": "duckdb:///copy_of_warehouse.duckdb"}


@pytest.mark.parametrize(
    ("source", "step"), [("in/**/*.csv", "in"), ("in/2026-*.csv", "2026"), ("in/", "in"), ("./in/1.part.csv", "1")]
)
def test_globs_and_folders_have_a_step_named_by_what_is_no_wildcard(tow: Run, source: str, step: str) -> None:
    Path("in").mkdir()
    for name in ("1.part.csv", "2026-01.csv"):
        Path("in", name).write_text("id\n1\n")
    assert [str(name) for name in yaml.safe_load(holds(tow, source))["steps"]] == [step]


@pytest.mark.parametrize(
    ("destination", "to"),
    [
        ("out/", "out/"),
        ("out.parquet", "out.parquet"),
        ("sqlite:///o.db", "warehouse#orders"),
        ("sqlite:///o.db#o", "sqlite:///o.db#o"),
        ("o{x}.csv", "o{x}.csv"),
    ],
)
def test_the_destination_may_be_given(tow: Run, destination: str, to: str) -> None:
    assert yaml.safe_load(holds(tow, "orders.csv", destination))["steps"]["orders"]["to"] == to


def test_tables_may_become_files_of_a_folder(tow: Run) -> None:
    with duckdb.connect("shop.db") as database:
        database.execute("create table a as select 1 as x")
        database.execute("create table b as select 2 as x")
    holds(tow, "duckdb:///shop.db", "out/")
    assert sorted(path.name for path in Path("out").glob("*.parquet")) == ["a.parquet", "b.parquet"]
    assert "merge" not in Path("tow.yaml").read_text(), "files have no keys"
    code, _, err = tow("init", "duckdb:///shop.db", "one.csv", "-o", "x.yaml")
    assert (code, "the source has 2 tables" in err) == (2, True)


def test_a_file_elsewhere_finds_the_same_source(tow: Run) -> None:
    Path("sub").mkdir()
    text = holds(tow, "orders.csv", "-o", "sub/shop.yaml")
    assert f"from: {json.dumps(str(Path('orders.csv').absolute()))}" in text
    assert Path("sub/warehouse.duckdb").exists()


def test_options_of_the_format_are_written_down(tow: Run) -> None:
    Path("data.txt").write_text("id;x\n1;NA\n")
    text = holds(tow, "data.txt", "--from-format", "csv", "--from-opt", "delimiter=;", "--from-opt", "null=NA")
    assert yaml.safe_load(text)["steps"]["data"]["from"] == {
        "address": "data.txt", "format": "csv", "options": {"delimiter": ";", "null": "NA"},
    }  # fmt: skip


def test_a_file_that_exists_is_never_overwritten_unasked(tow: Run) -> None:
    Path("tow.yaml").write_text("mine")
    code, _, err = tow("init", "orders.csv")
    assert code == 2
    assert err.startswith("tow: tow.yaml: exists already")
    assert Path("tow.yaml").read_text() == "mine"
    assert tow("init", "orders.csv", "--force")[0] == 0
    assert "orders" in Path("tow.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none.csv"], 1, "none.csv"),
        (["-"], 2, "cannot be looked at twice"),
        (["duckdb:///none.db"], 1, "none.db"),
        (["duckdb:///empty.db"], 1, "has no tables"),
        (["orders.csv", "shop"], 2, "name a file such as shop.parquet, a folder (shop/), or a database"),
        (["orders.csv", "-o", "no/such/folder/tow.yaml"], 1, "cannot be written"),
    ],
)
def test_what_cannot_be_looked_at_writes_nothing(tow: Run, arguments: list[str], code: int, words: str) -> None:
    duckdb.connect("empty.db").close()
    found, out, err = tow("init", *arguments)
    assert (found, out) == (code, "")
    assert words in err
    assert not Path("tow.yaml").exists()


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_comes_back_from_the_yaml_as_it_was(name: str) -> None:
    document = yamltext.parse(f"x: {_quoted(name)}\n", "x.yaml")
    document.check()
    assert document.value["x"].replace("$${", "${") == name.replace("$${", "${")
