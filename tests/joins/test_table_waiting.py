"""Rows on their way into an embedded database: few of them in memory, more of them in a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from tests.joins.tablekit import NAMES, back, made, rows, sql
from towpath.errors import Refused
from towpath.joins import table_waiting
from towpath.joins.table_destination import TableDestination
from towpath.joins.table_waiting import WaitingRows
from towpath.nouns import Mode

ROWS = rows(id=pa.array(range(100), pa.int64()))


@contextmanager
def waiting(name: str, folder: Path, at: Path | None = None) -> Iterator[WaitingRows]:
    database = made(name, folder)
    offer = TableDestination(database, "t").offer(ROWS.schema, Mode.APPEND, ())
    with WaitingRows(database, offer, "load1", at or folder / "deep" / "waiting", "shop.db") as found:
        yield found


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", NAMES)
def test_few_rows_wait_in_memory(name: str, tmp_path: Path) -> None:
    with waiting(name, tmp_path) as found:
        for _ in range(3):
            found.write(ROWS)
        found.seal()
        assert files(tmp_path) == []
        assert (found.rows, sum(len(batch) for batch in found.batches())) == (300, 300)


@pytest.mark.parametrize("name", NAMES)
def test_more_rows_wait_in_a_file_the_last_of_them_too(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_waiting, "CHUNK_BYTES", 2 * ROWS.nbytes)
    ending = {"duckdb": ".shop.db.load1.stage.tow-tmp", "sqlite": ".shop.db.load1.rows.tow-tmp"}[name]
    sql(made(name, tmp_path), "create table t (id bigint)")
    with waiting(name, tmp_path) as found:
        for _ in range(3):
            found.write(ROWS)
        assert files(tmp_path) == sorted([ending, "shop.db"])
        for _ in range(2):
            found.seal()
        with made(name, tmp_path).write() as session:
            assert found.insert(session, "t") == 300
            session.commit()
    assert files(tmp_path) == ["shop.db"]
    assert sorted(row["id"] for row in back(made(name, tmp_path))) == sorted(3 * list(range(100)))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot make it") as told, waiting("sqlite", tmp_path, tmp_path / "file" / "in"):
        pass
    assert told.value.where == str(tmp_path / "file" / "in")
