from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.address import parse, rooted, server
from towpath.errors import UserError


@pytest.mark.parametrize("path", ["a#b.csv", "100%.csv", "what?.csv", "x y.csv", "~a.csv", "C:data.csv", "a%20b.csv"])
def test_a_local_path_is_never_read_as_a_url(path: str) -> None:
    assert (parse(path).kind, parse(path).path) == ("file", path)


@given(st.text(min_size=1).filter(lambda text: "://" not in text and text != "-"))
def test_whatever_has_no_scheme_is_a_path_unchanged(path: str) -> None:
    assert parse(path).path == path


def test_three_slashes_are_relative_and_four_absolute() -> None:
    assert parse("duckdb:///shop.db#orders").path == "shop.db"
    assert parse("sqlite:////var/shop.db#orders").path == "/var/shop.db"
    assert parse("duckdb:///shop.db#main.orders").table == "main.orders"


def test_a_named_connection_stands_for_its_address() -> None:
    named = {"warehouse": "duckdb:///w.db", "landing": "/in"}
    at = parse("warehouse#orders", named)
    assert (at.kind, at.path, at.table, str(at)) == ("table", "w.db", "orders", "warehouse#orders")
    assert parse("landing#a/b.csv", named).path == "/in/a/b.csv"
    assert parse("other#orders", named).kind == "file"


def test_an_unknown_scheme_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'duckdb'"):
        parse("dukdb:///shop.db#orders")


def test_a_host_where_there_is_none_is_explained() -> None:
    with pytest.raises(UserError, match="no host 'shop.db'"):
        parse("sqlite://shop.db#orders")


def test_a_table_is_named_once() -> None:
    assert parse("duckdb:///w.db").with_table("a").table == "a"
    with pytest.raises(UserError, match="names the table 'b' already"):
        parse("duckdb:///w.db#b").with_table("a")
    with pytest.raises(UserError, match="is not a database"):
        parse("a.csv").with_table("a")


def test_an_empty_address_is_refused() -> None:
    with pytest.raises(UserError, match="empty"):
        parse("")


def test_what_stands_behind_a_question_mark_are_options_of_the_database() -> None:
    at = parse("duckdb:///shop.db?memory=5&busy-secs=1#a?b")
    assert (at.path, dict(at.options), at.table) == ("shop.db", {"memory": "5", "busy-secs": "1"}, "a?b")
    assert parse("duckdb:///what%3F.db#t").path == "what?.db"


def test_a_login_to_a_file_is_refused_without_its_password() -> None:
    with pytest.raises(UserError, match=r"duckdb:///shop\.db") as caught:
        parse("duckdb://ann:hunter2@shop.db#t")
    assert "hunter2" not in str(caught.value)


def test_an_address_never_shows_its_password() -> None:
    at = server("postgresql://ann:hunter2@h/db")
    assert "hunter2" not in f"{at} {at!r} {at.with_table('t')!r} {at.text}"


def test_only_embedded_databases_lie_in_a_folder() -> None:
    assert rooted("duckdb:///a.db?memory=5#t", "/x y") == "duckdb:////x%20y/a.db?memory=5#t"


def test_a_table_named_apart_is_shown_as_part_of_the_address() -> None:
    assert str(parse("duckdb:///s.db").with_table("t")) == "duckdb:///s.db#t"
    assert str(parse("duckdb:///s.db#t").with_table("t")) == "duckdb:///s.db#t"
    assert str(parse("w", {"w": "duckdb:///s.db"}).with_table("t")).endswith("#t")
