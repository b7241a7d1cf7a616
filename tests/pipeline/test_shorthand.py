from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.errors import UserError
from towpath.pipeline.shorthand import names, options, pairs, size, split


def test_a_comma_inside_brackets_does_not_part() -> None:
    assert pairs(["amount=decimal(12,2),tags=list<struct<a:int32,b:text>>,id=int64"], "--types") == {
        "amount": "decimal(12,2)",
        "tags": "list<struct<a:int32,b:text>>",
        "id": "int64",
    }


def test_double_quotes_keep_commas_and_equals_signs_in_a_name() -> None:
    assert names('"a,b", c') == ["a,b", "c"]
    assert pairs(['"a=b"=text'], "--types") == {"a=b": "text"}


def test_a_blank_at_the_end_of_a_name_needs_quotes() -> None:
    assert names('"a ",b ') == ["a ", "b"]


@given(st.lists(st.text(st.characters(exclude_characters='"'), min_size=1), min_size=1))
def test_quoted_names_come_back_whatever_they_hold(wanted: list[str]) -> None:
    assert names(",".join(f'"{name}"' for name in wanted)) == wanted


@given(st.text())
def test_splitting_loses_no_letter(text: str) -> None:
    assert ",".join(split(text)) == text


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(UserError, match="empty name"):
        names("a,,b")


def test_several_lists_are_one_mapping() -> None:
    assert pairs(["a=x,b=y", "c=z"], "--rename") == {"a": "x", "b": "y", "c": "z"}


def test_a_name_twice_is_refused_and_named() -> None:
    with pytest.raises(UserError, match="--rename: 'a' is given twice"):
        pairs(["a=x", "a=y"], "--rename")


def test_a_pair_without_a_sign_is_refused() -> None:
    with pytest.raises(UserError, match="'a' is not of the form name=value"):
        pairs(["a"], "--types")
    with pytest.raises(UserError, match="'a' is not of the form name=value") as caught:
        options(["a"], "--var")
    assert "repeat the option" in caught.value.todo, "a comma belongs to the value of an option"


def test_an_option_keeps_its_value_as_it_stands() -> None:
    assert options(["null=NA,n/a", "quote=", 'sep=" "', "expr=a=b"], "--from-opt") == {
        "null": "NA,n/a",
        "quote": "",
        "sep": '" "',
        "expr": "a=b",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [("100", 100), ("1GB", 10**9), ("1 GiB", 2**30), ("1.5kb", 1500), ("512mib", 2**29), ("2TB", 2 * 10**12)],
)
def test_sizes_are_read_by_their_units(text: str, expected: int) -> None:
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1 potato", "1e9"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="no size"):
        size(text)
