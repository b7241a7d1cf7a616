"""Connections of the tow.yaml in the current folder, used by commands that name no pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from towpath.cli.main import main
from towpath.errors import UserError
from towpath.pipeline import here

PIPELINE = """
pipeline: shop
connections: {warehouse: "duckdb:///w.db", other: "duckdb:///o.db"}
profiles: {prod: {connections: {warehouse: "duckdb:///p.db"}}}
steps:
  orders: {from: orders.csv, to: warehouse#orders, mode: replace}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOW_ENV", raising=False)
    (tmp_path / "tow.yaml").write_text(PIPELINE)
    (tmp_path / "orders.csv").write_text("id\n1\n2\n")
    return tmp_path


def test_only_the_connections_that_are_named_are_given(folder: Path) -> None:
    assert here.connections("orders.csv", "warehouse#orders") == {"warehouse": "duckdb:///w.db"}
    assert here.connections("orders.csv", "duckdb:///x.db#orders") == {}
    assert here.connections("nobody#orders") == {}


def test_a_file_of_that_name_is_a_file(folder: Path) -> None:
    (folder / "warehouse#orders").write_text("id\n")
    assert here.connections("warehouse#orders") == {}


def test_a_profile_changes_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOW_ENV", "prod")
    assert here.connections("warehouse#orders") == {"warehouse": "duckdb:///p.db"}


def test_a_pipeline_that_is_wrong_is_told_only_when_it_is_needed(folder: Path) -> None:
    (folder / "tow.yaml").write_text("pipeline: [")
    assert here.connections("orders.csv", "out.parquet") == {}
    with pytest.raises(UserError, match=r"tow\.yaml:1"):
        here.connections("warehouse#orders")


def test_copy_peek_and_verify_know_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["copy", "orders.csv", "warehouse#orders", "-q"]) == 0
    assert main(["verify", "orders.csv", "warehouse#orders"]) == 0
    assert main(["peek", "warehouse#orders", "--schema"]) == 0
    assert "int64" in capsys.readouterr().out
    assert (folder / "w.db").exists()
