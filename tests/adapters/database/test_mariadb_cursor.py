"""Reading a table of MariaDB onwards by a cursor of each kind."""

from __future__ import annotations

from typing import Any

import pytest

from tests.adapters.database.mariadbkit import Shop, shop
from towpath import assemble
from towpath.job import InputSpec
from towpath.nouns import Checkpoint, Want

__all__ = ["shop"]


def onwards(shop: Shop, reached: Checkpoint | None, **options: Any) -> tuple[list[Any], Checkpoint | None]:
    source = assemble.source(InputSpec(shop.address("t"), cursor="c", monotonic=True, **options))
    assert source.describe(Want()).bound is not None
    with source.open(reached, Want()) as reading:
        ids = sorted(row["id"] for batch in reading for row in batch.rows.to_pylist())
        assert reading.given == len(ids)
        return ids, reading.checkpoint()


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ("bigint unsigned", ["1", "18446744073709551614", "18446744073709551615"]),
        ("date", ["'2024-01-01'", "'2024-01-02'", "'2024-02-01'"]),
        ("datetime", ["'2024-01-01 00:00:00'", "'2024-01-01 00:00:01'", "'2024-02-01'"]),
        ("datetime(6)", ["'2024-01-01 00:00:00'", "'2024-01-01 00:00:00.000001'", "'2024-02-01'"]),
        ("timestamp(6)", ["'2024-01-01 00:00:00'", "'2024-01-01 00:00:00.000001'", "'2024-02-01'"]),
        (
            "datetime(6) comment 'towpath timestamp(us, UTC)'",
            ["'2024-01-01 00:00:00'", "'2024-01-01 00:00:00.000001'", "'2024-02-01'"],
        ),
        ("varchar(20) collate utf8mb4_general_ci", ["'B'", "'a'", "'a '"]),
        ("varchar(20) collate utf8mb4_general_ci", [r"'it''s'", r"'it\\'", r"'ä'"]),
        ("varchar(20) character set latin1", ["'A'", "'a'", "'é'"]),
    ],
)
def test_each_run_reads_what_is_newer(shop: Shop, declared: str, values: list[str]) -> None:
    shop.run(f"create table t (id int, c {declared} not null)")
    since: Checkpoint | None = None
    for number, value in enumerate(values):
        shop.run("set time_zone = '+00:00'", f"insert into t values ({number}, {value})")
        ids, since = onwards(shop, since)
        assert ids == [number]
        assert onwards(shop, since) == ([], since)


def test_a_look_back_and_a_window_bound_instants(shop: Shop) -> None:
    shop.run("create table t (id int, c datetime(6) comment 'towpath timestamp(us, UTC)')")
    days = ", ".join(f"({day}, '2024-01-{day:02} 12:00:00')" for day in range(1, 10))
    shop.run(f"insert into t values {days}")
    _, since = onwards(shop, None)
    assert onwards(shop, since, lookback="2d")[0] == [7, 8, 9]
    assert onwards(shop, None, since="2024-01-03", until="2024-01-05 12:00:00Z")[0] == [3, 4]
