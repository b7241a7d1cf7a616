"""What a job's parts are built with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from towpath import assemble
from towpath.job import InputSpec, OutputSpec

GIB, MIB = 1 << 30, 1 << 20


def limit(built: Any) -> Any:
    """What an engine within our process may take, in DuckDB's words."""
    with built.part.database.write() as session:
        return session.scalar("select current_setting('memory_limit')")


@pytest.mark.parametrize(
    ("memory", "reading", "writing"),
    [(GIB, 256, 256), (256 * MIB, 64, 128), (128 * MIB, 48, 64), (None, 256, 256)],
)
def test_a_database_in_our_process_takes_a_share_of_the_job_s_memory(
    tmp_path: Path, memory: int | None, reading: int, writing: int
) -> None:
    address = f"duckdb:///{tmp_path}/w.duckdb"
    to = assemble.build_destination(OutputSpec(address, table="t"), memory=memory)
    source = assemble.build_source(InputSpec(address, table="t"), memory=memory)
    assert float(limit(to).split()[0]) == pytest.approx(writing, rel=0.05)
    assert float(limit(source).split()[0]) == pytest.approx(reading, rel=0.05)


def test_what_the_user_gives_a_database_is_not_changed(tmp_path: Path) -> None:
    address = f"duckdb:///{tmp_path}/w.duckdb?memory={100 * MIB}"
    source = assemble.build_source(InputSpec(address, table="t"), memory=GIB)
    assert float(limit(source).split()[0]) == pytest.approx(100, rel=0.05)
