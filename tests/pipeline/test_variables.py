from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from towpath.errors import UserError
from towpath.pipeline.load import Loaded, load

FILE = """\
    pipeline: shop
    vars:
      day: null
      rows: 5
      keys: [id, day]
      low: 1.50
      strict: false
      folder: in
    connections: {w: "duckdb:///${var:folder}/w.db"}
    profiles:
      prod:
        vars: {rows: 7, folder: prod}
        connections: {w: "duckdb:///prod.db"}
    steps:
      orders:
        from: {address: "${var:folder}/orders.csv", options: {null: "$${NA}"}}
        where: day = '${var:day}' and price > ${var:low} and name <> '$${var:day}'
        all_text: ${var:strict}
        key: ${var:keys}
        to: {address: out/, rows_per_file: "${var:rows}"}
"""


def loaded(here: Path, text: str = FILE, env: str | None = None, /, **given: str) -> Loaded:
    path = here / "tow.yaml"
    path.write_text(dedent(text), "utf-8")
    return load(path, env=env, given=given)


def mistakes(folder: Path, text: str, env: str | None = None, **given: str) -> list[str]:
    with pytest.raises(UserError) as caught:
        loaded(folder, text, env, **given)
    assert caught.value.exit_code == 2
    return [line.strip().removeprefix(f"{folder}/") for line in str(caught.value).splitlines()[:-1]]


def test_variables_stand_for_values_and_keep_their_types(tmp_path: Path) -> None:
    found = loaded(tmp_path, day="2026-01-31")
    step = found.pipeline.steps["orders"]
    assert step.where == "day = '2026-01-31' and price > 1.50 and name <> '${var:day}'"
    assert step.from_["input"].address == "in/orders.csv"
    assert (step.all_text, step.key, step.to.rows_per_file) == (False, ["id", "day"], 5)
    assert found.connections["w"] == "duckdb:///in/w.db"


def test_an_escape_stays_where_references_are_resolved_later(tmp_path: Path) -> None:
    assert loaded(tmp_path, day="x").pipeline.steps["orders"].from_["input"].options == {"null": "$${NA}"}


def test_the_profile_is_laid_over_the_defaults_and_the_command_line_over_both(tmp_path: Path) -> None:
    found = loaded(tmp_path, FILE, "prod", day="x", rows="9")
    step = found.pipeline.steps["orders"]
    assert (step.to.rows_per_file, step.from_["input"].address) == (9, "prod/orders.csv")
    assert found.connections["w"] == "duckdb:///prod.db"
    assert loaded(tmp_path, FILE, "prod", day="x").pipeline.steps["orders"].to.rows_per_file == 7


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("rows", "08", "--var rows takes a number, not '08'"),
        ("strict", "yes", "--var strict takes true or false, not 'yes'"),
        ("keys", "a", "--var keys takes a list, [a, b], not 'a'"),
        ("dya", "x", "there is no variable 'dya'; did you mean 'day'?"),
    ],
)
def test_a_value_of_the_command_line_is_of_the_kind_of_its_default(
    tmp_path: Path, name: str, text: str, expected: str
) -> None:
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, **{"day": "x", name: text})
    assert expected in str(caught.value)


def test_a_text_that_looks_like_a_number_stays_text_for_a_text_variable(tmp_path: Path) -> None:
    assert loaded(tmp_path, day="x", folder="2026").pipeline.steps["orders"].from_["input"].address == "2026/orders.csv"


def test_a_variable_without_a_value_is_told_where_it_is_declared(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, FILE)
    assert found.startswith("tow.yaml:3:3: the variable 'day' has no value: give it with --var day=VALUE")


def test_an_unknown_variable_names_the_nearest_and_its_line(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, FILE.replace("where: day = '${var:day}'", "where: day = '${var:dya}'"))
    assert found.startswith("tow.yaml:17:12: there is no variable 'dya'; did you mean 'day'?")


def test_a_list_cannot_stand_within_a_text(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, FILE.replace("> ${var:low}", "> ${var:keys}"), day="x")
    assert found.startswith("tow.yaml:17:12: the variable 'keys' is no plain value")


def test_the_kind_of_a_substituted_value_is_checked_at_its_place(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, FILE.replace("${var:strict}", "${var:rows}"), day="x")
    assert found.startswith("tow.yaml:18:15: all_text takes true or false, not 5")


def test_a_profile_may_set_only_declared_variables(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, FILE.replace("vars: {rows: 7", "vars: {row: 7"), day="x")
    assert found.startswith("tow.yaml:12:12: there is no variable 'row'; did you mean 'rows'?")


def test_a_profile_may_set_nothing_but_variables_and_connections(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, FILE.replace("      prod:\n", "      prod:\n        mode: append\n"), day="x")
    assert found.startswith("tow.yaml:12:5: the profile prod has no key 'mode'")


def test_an_unknown_profile_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no profile 'prd'; did you mean 'prod'"):
        loaded(tmp_path, FILE, "prd", day="x")


def test_other_profiles_need_no_values(tmp_path: Path) -> None:
    text = FILE.replace('duckdb:///prod.db"', 'duckdb:///${var:none}.db"')
    assert loaded(tmp_path, text, day="x").connections["w"] == "duckdb:///in/w.db"
    assert "there is no variable 'none'" in mistakes(tmp_path, text, "prod", day="x")[0]


def test_a_connection_of_profiles_alone_asks_for_one(tmp_path: Path) -> None:
    text = """\
    pipeline: p
    profiles: {dev: {connections: {w: "duckdb:///d.db"}}, prod: {connections: {w: "duckdb:///p.db"}}}
    steps: {a: {from: a.csv, to: w#t}}
    """
    (found,) = mistakes(tmp_path, text)
    assert found.startswith(
        "tow.yaml:3:30: the connection 'w' stands only in profiles: choose one with --env (dev, prod)"
    )
    assert loaded(tmp_path, text, "prod").connections["w"] == "duckdb:///p.db"
