"""Keyword arguments become the same job as the command's options."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

import towpath as tow
from towpath.cli import job_options
from towpath.cli.main import parser
from towpath.errors import UserError
from towpath.job import InputSpec, OutputSpec, RuleSpec
from towpath.python.keywords import inputs, job, names, output

COMMAND = [
    "copy", "a.csv", "b/", "--mode", "merge", "--key", "id,day", "--schema", "freeze", "--dedupe", "latest day",
    "--require", "atomic", "--sample", "1%", "--where", "id > 1", "--select", "id", "--rename", "a=b", "--cast",
    "a=int32", "--rule", "not_null: id", "--limit", "5", "--load-columns", "loaded_at", "--bad-rows", "bad",
    "--max-bad", "7",
    "--allow-lossy", "x", "--memory", "2GiB", "--types", "zip=text", "--from-format", "csv", "--from-opt",
    "delimiter=;", "--null", "NA", "--decimal", ",", "--date-format", "%d/%m/%Y", "--true", "ja",
    "--false", "nein", "--timezone", "Europe/Berlin", "--to-format", "parquet", "--to-opt", "row_group_rows=5",
    "--partition-by", "id",
    "--rows-per-file", "7", "--file-size", "1MB", "--codec", "zst", "--level", "3",
]  # fmt: skip


def test_keywords_mean_what_options_mean() -> None:
    options = {
        "mode": "merge", "key": ["id", "day"], "schema": "freeze", "dedupe": "latest day", "require": "atomic",
        "sample": "1%", "where": "id > 1", "select": "id", "rename": {"a": "b"}, "cast": {"a": pa.int32()},
        "rules": {"not_null": ["id"]}, "limit": 5, "load_columns": "loaded_at", "bad_rows": "bad", "max_bad": 7,
        "allow_lossy": ["x"],
        "memory": "2GiB", "types": {"zip": "text"}, "from_format": "csv", "from_options": {"delimiter": ";"},
        "null": "NA", "decimal": ",", "date_format": "%d/%m/%Y", "true": ["ja"], "false": "nein",
        "timezone": "Europe/Berlin", "to_format": "parquet", "to_options": {"row_group_rows": "5"},
        "partition_by": "id", "rows_per_file": 7, "file_size": "1MB", "codec": "zst", "level": 3,
    }  # fmt: skip
    made = job(inputs("a.csv", options), output("b/", options), options)
    assert made.as_json() == job_options.spec(parser().parse_args(COMMAND), "a.csv", "b/").as_json()


def test_what_is_none_is_as_if_left_out() -> None:
    none = dict.fromkeys(["mode", "key", "types", "where", "memory", "rules", "null", "file_size", "sample", "require"])
    assert job(inputs("a", none), output("b", none), none) == job(inputs("a", {}), output("b", {}), {})


def test_specs_pass_as_they_are_and_one_name_is_a_list_of_one() -> None:
    one, to = InputSpec("a.csv", table="t"), OutputSpec("b", codec="gz")
    assert inputs({"x": one, "y": "b.csv"}, {})["x"] is one
    assert output(to, {}) is to
    assert names("a, b") == ("a, b",)


def test_rules_are_texts_mappings_or_specs() -> None:
    given = ["not_null: a,b", {"range": {"n": [0, None]}, "one_of": {"c": ["x: y", True]}}, RuleSpec("unique", ("a",))]
    assert job({}, OutputSpec("b"), {"rules": given}).rules == (
        RuleSpec("not_null", ("a", "b")),
        RuleSpec("range", ("n",), (0, None)),
        RuleSpec("one_of", ("c",), ("x: y", True)),
        RuleSpec("unique", ("a",)),
    )
    with pytest.raises(UserError, match="not_nul"):
        job({}, OutputSpec("b"), {"rules": {"not_nul": ["a"]}})


def test_bounds_have_their_text_form() -> None:
    found = inputs("a", {"since": 5, "until": datetime(2026, 1, 2, 3, 4, 5)})["input"]
    assert (found.since, found.until) == ("5", "2026-01-02 03:04:05.000000")


@pytest.mark.parametrize("given", [None, 3, ["a.csv"], {"a": "a.csv"}, pa.table({"a": [1]})])
def test_what_is_no_address_is_refused_by_its_class(given: Any) -> None:
    with pytest.raises(UserError, match=f"{type(given).__name__} is no address"):
        tow.read(given)
    with pytest.raises(UserError, match="is no address"):
        tow.write([{"a": 1}], given)


def test_columns_may_be_given_as_the_command_takes_them() -> None:
    found = job({}, output("b", {}), {"types": "a=decimal(12,2),b=text", "rename": "a=x", "cast": {"x": pa.int32()}})
    assert (found.types, found.rename, found.cast) == ({"a": "decimal(12,2)", "b": "text"}, {"a": "x"}, {"x": "int32"})
    assert inputs("a", {"date_format": {"d": "%d.%m.%Y"}})["input"].options == {"date_format": {"d": "%d.%m.%Y"}}


@pytest.mark.parametrize("given", [{"types": ["a"]}, {"types": {"a": 3}}, {"cast": {"a": str}}, {"rename": 3}])
def test_what_is_no_mapping_and_no_type_is_refused_by_name(given: Any) -> None:
    with pytest.raises(UserError, match=next(iter(given))):
        job({}, output("b", {}), given)
