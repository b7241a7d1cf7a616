"""Columns are taken by name in the order asked for; one that is not there is told beside those that are."""

from __future__ import annotations

import pyarrow as pa
import pytest

from towpath.errors import UserError
from towpath.joins.wanted import known, wanted

SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string())])


def test_columns_come_in_the_order_asked_for() -> None:
    assert wanted(SCHEMA, None, "shop.db").names == ["id", "name"]
    assert wanted(SCHEMA, ("name", "id"), "shop.db").names == ["name", "id"]
    assert wanted(SCHEMA, (), "shop.db").names == []
    assert known(SCHEMA, "id", "shop.db") == pa.field("id", pa.int64())


def test_a_column_that_is_not_there_is_told_with_the_nearest_and_all() -> None:
    with pytest.raises(UserError, match=r"no column 'nam'; did you mean 'name'(.|\n)*columns: id, name") as raised:
        wanted(SCHEMA, ["id", "nam"], "shop.db")
    assert raised.value.where == "shop.db"
