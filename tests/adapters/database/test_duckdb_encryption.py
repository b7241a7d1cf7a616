"""Encrypted DuckDB files: readable and writable by their key alone, which nothing tells."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from towpath.adapters.database.duckdb import DuckDB
from towpath.adapters.database.duckdb_types import literal
from towpath.conformance import DatabaseSuite
from towpath.errors import Refused, TowError
from towpath.joins.table_destination import TableDestination
from towpath.nouns import Mode
from towpath.options import build
from towpath.secrets import Secret

KEY = 'it\'s a "key" -- ; $$'
ID = pa.schema({"id": pa.int64()})


def opened(path: Path, key: str | None = KEY, *, builtin: bool = True) -> DuckDB:
    secret = None if key is None else Secret(key)
    return DuckDB(str(path), busy_secs=0.2, encryption_key=secret, builtin_encryption=builtin)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "it's a shop.db"
    with opened(path).write() as session:
        session.execute("create table t (id bigint, name varchar)")
        session.execute("insert into t values (1, 'Ananas')")
        session.commit()
    return path


@pytest.mark.slow
class TestEncryptedDuckDB(DatabaseSuite):
    """An encrypted file keeps every promise of a plain one."""

    adapter = "duckdb"

    def make(self, folder: Path) -> DuckDB:
        return opened(folder / "shop.db")


def test_an_encrypted_file_holds_no_plain_text_and_is_read_by_its_key(shop: Path) -> None:
    assert b"Ananas" not in shop.read_bytes()
    with opened(shop).read() as session:
        assert session.scalar("select name from t") == "Ananas"
        assert session.scalar("select t.name from main.t") == "Ananas"
    with pytest.raises(duckdb.Error, match="without a key"):
        duckdb.connect(str(shop))


def test_reading_needs_no_extension(shop: Path) -> None:
    with opened(shop, builtin=False).read() as session:
        assert session.tables() == {"t": 1}


def test_a_load_into_an_encrypted_file_evolves_and_publishes(shop: Path) -> None:
    destination = TableDestination(opened(shop), "t")
    offer = destination.offer(pa.schema({"id": pa.int64(), "new": pa.string()}), Mode.APPEND, ())
    with destination.begin(offer, "load1") as load:
        load.publish(None, None)
    with opened(shop).read() as session:
        found = session.table("t")
        assert found is not None
        assert found.schema.names == ["id", "name", "new"]


def leaving(act: Callable[[], object]) -> str:
    """All that an error, with those that it carries, would show."""
    with pytest.raises(TowError) as stopped:
        act()
    assert stopped.value.code == "encryption-key-wrong"
    told, error = "", stopped.value
    while error is not None:
        told += "".join(traceback.format_exception(error)) + repr(error.args)
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return told


@pytest.mark.parametrize("writing", [False, True])
def test_a_wrong_key_is_refused_without_telling_any(shop: Path, writing: bool) -> None:
    def act() -> None:
        database = opened(shop, "wrong-'secret")
        with database.write() if writing else database.read():
            pass

    told = leaving(act)
    assert "the key is not that of the database" in told
    for secret in ("wrong-'secret", "wrong-''secret", KEY):
        assert secret not in told


def test_a_missing_and_a_needless_key_are_told_apart(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"is encrypted(.|\n)*encryption_key=\$\{env:NAME\}"), opened(shop, None).read():
        pass
    plain = opened(tmp_path / "plain.db", None)
    with plain.write() as session:
        session.execute("create table t (id bigint)")
        session.commit()
    with pytest.raises(Refused, match="is not encrypted"), opened(plain.path).read():
        pass


def test_writing_without_duckdbs_extension_is_refused_with_the_way_to_it(shop: Path, tmp_path: Path) -> None:
    lacking = tmp_path / "no extensions"
    for path in (shop, tmp_path / "new.db"):
        database = opened(path, builtin=False)
        database._settings["extension_directory"] = str(lacking)
        with pytest.raises(Refused, match="install httpfs") as refused, database.write():
            pass
        assert refused.value.code == "library-missing"
    assert not (tmp_path / "new.db").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.endswith("tow-tmp")]


@pytest.mark.parametrize("key", ["", "the-secret-ü"])
def test_a_key_that_duckdb_does_not_take_is_refused(tmp_path: Path, key: str) -> None:
    def act() -> None:
        with opened(tmp_path / "shop.db", key).write():
            pass

    assert "the-secret" not in leaving(act)


@pytest.mark.parametrize("name", ["memory.db", "temp.db", "System.db", "main", 'a"b.db', "a.b.c"])
def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    database = opened(tmp_path / name)
    with database.write() as session:
        session.execute("create table t (id bigint)")
        session.insert("t", ID, iter([pa.record_batch([pa.array([7])], schema=ID)]))
        session.commit()
    with database.read() as session:
        assert session.scalar("select id from t") == 7


def test_a_file_that_another_process_writes_to_is_locked(shop: Path) -> None:
    holding = (
        "import sys, duckdb; c = duckdb.connect(); c.execute('set force_mbedtls_unsafe = true');"
        " c.execute(sys.argv[1]); print('here', flush=True); sys.stdin.read()"
    )
    attach = f"attach {literal(str(shop))} as s (encryption_key {literal(KEY)})"
    process = subprocess.Popen(
        [sys.executable, "-c", holding, attach], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        with pytest.raises(Refused, match="locked by process"), opened(shop).read():
            pass
    finally:
        process.kill()
        process.communicate()


def test_the_key_comes_as_an_option(shop: Path) -> None:
    made = build(DuckDB, {"path": str(shop), "encryption_key": Secret(KEY)}, "duckdb")
    with made.read() as session:
        assert session.tables() == {"t": 1}
    assert KEY not in repr(vars(made))
