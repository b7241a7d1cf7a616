"""Cells of a megabyte, one of a hundred, a thousand columns and ten thousand: they arrive, within the memory that was
given, or are refused."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.attacks.fidelity.routes import Outcome, Route, carried
from tests.attacks.fidelity.test_adapters import FILES, postgresql_route, told
from tests.postgresqlkit import Place

MEGABYTE = 1 << 20
MOST = 1 << 30
"""What a run with a cell of a hundred megabytes may hold: it is there several times over (docs/promises/memory.md)."""


def _cells(chance_byte: int) -> pa.Table:
    """A text, bytes and a list of about a megabyte each, beside small ones."""
    text = ('é"\n,\\;|' * MEGABYTE)[:MEGABYTE]
    content = bytes((at * chance_byte) % 256 for at in range(256)) * (MEGABYTE // 256)
    numbers = [*range(MEGABYTE // 8)]
    return pa.table({"text": [text, "", None], "bytes": [content, b"", None], "list": [numbers, [], None]})


def _columns(count: int) -> pa.Table:
    """Integers, texts and doubles by turns."""
    kinds = ([2**62 + 1, None], ["", None], [0.1, None])
    return pa.table({f"column {at}": kinds[at % 3] for at in range(count)})


@pytest.mark.one_of_many
@pytest.mark.parametrize("sent", [_cells(7), _columns(1000)], ids=["a-megabyte", "a-thousand-columns"])
@pytest.mark.parametrize("by", FILES, ids=lambda route: route.name)
def test_large_rows_come_back(by: Route, sent: pa.Table, tmp_path: Path) -> None:
    _all_well(carried(sent, _of_many_lines(by), tmp_path / "one"))


def _of_many_lines(by: Route) -> Route:
    """The route, on which a text in quotes may have as many lines as a megabyte has."""
    if not by.name.startswith(("csv", "tsv")):
        return by
    options = {**by.back.get("from_options", {}), "quoted_lines": str(MEGABYTE)}
    return replace(by, back={**by.back, "from_options": options})


@pytest.mark.parametrize("sent", [_cells(11), _columns(1000)], ids=["a-megabyte", "a-thousand-columns"])
def test_large_rows_come_back_from_postgresql(default_place: Place, sent: pa.Table, tmp_path: Path) -> None:
    _all_well(carried(sent, postgresql_route(default_place), tmp_path / "one"))


@pytest.mark.one_of_many
@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_ten_thousand_columns_come_back(name: str, tmp_path: Path) -> None:
    by = next(route for route in FILES if route.name == name)
    _all_well(carried(_columns(10_000), by, tmp_path / "one"))


@pytest.mark.one_of_many
@pytest.mark.parametrize(
    ("first", "second"), [("parquet", "csv"), ("csv", "jsonl"), ("jsonl", "parquet"), ("parquet", "db")]
)
def test_a_text_of_a_hundred_megabytes_passes_within_the_memory(first: str, second: str, tmp_path: Path) -> None:
    text = '0123456789é\n"' * (100 * MEGABYTE // 14)
    pq.write_table(pa.table({"n": [1, 2, 3], "text": ["", text, None]}), tmp_path / "sent.parquet")
    ends = {"db": f"duckdb:///{tmp_path}/it.db#t"}
    begin = tmp_path / "sent.parquet"
    if first != "parquet":
        begin = tmp_path / f"begin.{first}"
        _copied(tmp_path / "sent.parquet", begin)
    to = ends.get(second, f"{tmp_path}/it.{second}")
    most = _copied(begin, to)
    back = tmp_path / "back.parquet"
    _copied(to, back)
    assert pq.read_table(back).column("text").to_pylist() == ["", text, None]
    assert most <= MOST, f"{most >> 20} MiB"


def _copied(source: Path | str, to: Path | str) -> int:
    """Copies by the command; the most memory that it held, in bytes."""
    command = [Path(sys.executable).parent / "tow", "copy", str(source), str(to), "--json"]
    if str(source).endswith(".csv"):
        command += ["--from-opt", "quoted_lines=10000000"]  # such a text has more lines than one left open may have
    return int(json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["memory"])


def _all_well(outcome: Outcome) -> None:
    told(outcome.wrong)
    assert outcome.refused is None, str(outcome.refused)
