"""Errors of databases that come too seldom to be made, in the library's own kinds and words, and what we say."""

from __future__ import annotations

import duckdb
import pymysql
import pytest

from towpath.adapters.database import duckdb_errors, mariadb_errors
from towpath.errors import Refused


def test_a_read_only_disk_is_told_as_one_to_duckdb_too() -> None:
    told = duckdb_errors.translated(duckdb.IOException('Cannot open file "x.stage": Read-only file system'), "shop.db")
    assert (told.code, told.what.partition(":")[0]) == ("permission-denied", "the file system is read-only")
    assert told.todo == "choose a place that can be written to"


def test_a_full_disk_of_duckdb_is_told_as_one() -> None:
    said = duckdb.IOException('IO Error: Could not write file "shop.db": No space left on device')
    told = duckdb_errors.translated(said, "shop.db")
    assert (told.code, told.where) == ("disk-full", "shop.db")


def test_a_disk_that_fails_while_duckdb_commits_is_no_defect_of_duckdb() -> None:
    for words in ("fsync failed!", "Failed to create checkpoint because of error: IO Error: Could not write file"):
        told = duckdb_errors.translated(duckdb.FatalException(f"FATAL Error: {words}"), "shop.db")
        assert isinstance(told, Refused)
        assert (told.code, told.where, words in told.what) == ("system-refused", "shop.db", True)
    for defect in (duckdb.FatalException("FATAL Error: Invalid node"), duckdb.InternalException("INTERNAL Error: x")):
        with pytest.raises(type(defect)):
            duckdb_errors.translated(defect, "shop.db")


def test_a_table_of_mariadb_that_somebody_changes_right_now_is_told_as_locked() -> None:
    said = "Table 'shop'.'orders' was skipped since its definition is being modified by concurrent DDL statement"
    with pytest.raises(Refused) as told, mariadb_errors.translated("127.0.0.1/shop"):
        raise pymysql.err.OperationalError(1684, said)
    assert told.value.code == "database-locked"
