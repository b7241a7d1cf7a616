from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from towpath.errors import UserError
from towpath.job import RuleSpec
from towpath.pipeline.load import Loaded, load, rule_specs, rules


def loaded(folder: Path, text: str) -> Loaded:
    path = folder / "tow.yaml"
    path.write_text(dedent(text), "utf-8")
    return load(path)


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(UserError) as caught:
        loaded(folder, text)
    assert caught.value.exit_code == 2
    return [line.strip().removeprefix(f"{folder}/") for line in str(caught.value).splitlines()[:-1]]


GOOD = """\
    pipeline: shop
    connections: {warehouse: "duckdb:///shop.duckdb"}
    steps:
      orders:
        from: {address: orders.csv, options: {null: NO}}
        types: {amount: "decimal(12,2)"}
        rules:
          - {not_null: [id, on], range: {amount: [0, null]}}
          - unique: id
        to: warehouse#orders
        mode: merge
        key: id
        memory: 512MiB
"""


def test_a_good_file_is_read_as_it_is_meant(tmp_path: Path) -> None:
    step = loaded(tmp_path, GOOD).pipeline.steps["orders"]
    assert step.from_["input"].options == {"null": "NO"}
    assert step.key == ["id"]
    assert step.memory == 2**29
    assert rule_specs(step.rules) == [
        RuleSpec("not_null", ("id", "on")),
        RuleSpec("range", ("amount",), (0, None)),
        RuleSpec("unique", ("id",)),
    ]


def test_several_inputs_have_their_names(tmp_path: Path) -> None:
    text = "pipeline: p\nsteps: {a: {from: {x: x.csv, y: {address: y.csv, format: tsv}}, sql: s, to: z.csv}}"
    inputs = loaded(tmp_path, text).pipeline.steps["a"].from_
    assert [(name, one.address, one.format) for name, one in inputs.items()] == [
        ("x", "x.csv", None),
        ("y", "y.csv", "tsv"),
    ]


def test_a_wrong_key_names_the_nearest_and_its_line(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, GOOD.replace("types:", "tpes:"))
    assert found.startswith("tow.yaml:6:5: step orders has no key 'tpes'; did you mean 'types'?")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "pipeline: shop",
            "pipelin: shop",
            "tow.yaml:1:1: the pipeline has no key 'pipelin'; did you mean 'pipeline'?",
        ),
        ("address: orders", "adress: orders", "tow.yaml:5:12: `from` of step orders has no key 'adress'; did you mean"),
        (
            "mode: merge",
            "partition_by: [id]",
            "tow.yaml:11:5: step orders has no key 'partition_by'; it belongs into `to: {address: ...",
        ),
        ("not_null:", "not_nul:", "tow.yaml:8:10: a rule has no key 'not_nul'; did you mean 'not_null'?"),
        ("mode: merge", "mode: marge", "tow.yaml:11:11: mode takes create, append, replace or merge, not 'marge'"),
        ("key: id", "key: [1]", "tow.yaml:12:11: key takes text, not 1; put it in quotes if it is text"),
        ("key: id", "key: {a: b}", "tow.yaml:12:10: key takes a list, not a mapping"),
        ("512MiB", "much", "tow.yaml:13:13: memory: 'much' is no size (write it like 500MB, 1GB or 2GiB)"),
        ("[0, null]", "[0]", "tow.yaml:8:46: amount: takes two limits, [low, high]; null leaves one open"),
        ("duckdb:///", "dukdb:///", "tow.yaml:2:26: warehouse: there is no database, store or queue named 'dukdb'"),
        ("orders:", "my orders:", "tow.yaml:4:3: the name 'my orders' may have only letters"),
        ("- unique: id", "- unique:", "tow.yaml:9:16: unique takes a list, not nothing"),
        ("mode: merge", "mode: merge\n        monotonic: yes", "tow.yaml:12:5: step orders has no key 'monotonic'"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, before: str, after: str, expected: str) -> None:
    found = mistakes(tmp_path, GOOD.replace(before, after))
    assert any(line.startswith(expected) for line in found), found


def test_a_wrong_type_is_told_with_its_place(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, GOOD.replace("decimal(12,2)", "decimall(12,2)"))
    assert found.startswith("tow.yaml:6:21: ")


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("{from: a.csv, to: b.csv, mode: merge}", "tow.yaml:2:46: merge needs a key"),
        ("{from: {a: a.csv, b: b.csv}, to: c.csv}", "tow.yaml:2:22: several inputs need sql"),
        ("{from: a.csv, to: b.csv, depends_on: sto}", "tow.yaml:2:52: there is no step 'sto'; did you mean 'step'?"),
        ("{from: a.csv, to: b.csv, whole: yes}", "tow.yaml:2:47: whole takes true or false, not 'yes'"),
        (
            "{from: {a: a.csv, b: b.csv}, sql: s, cursor: id, to: c.csv}",
            "tow.yaml:2:60: several inputs: give the cursor",
        ),
    ],
)
def test_what_does_not_go_together_is_told_with_its_place(tmp_path: Path, step: str, expected: str) -> None:
    (found,) = mistakes(tmp_path, f"pipeline: p\nsteps: {{step: {step}}}")
    assert found.startswith(expected)


def test_a_misspelt_connection_is_not_taken_for_a_file(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, GOOD.replace("to: warehouse#", "to: warehose#"))
    assert found.startswith("tow.yaml:10:9: there is no connection 'warehose'; did you mean 'warehouse'?")


def test_all_mistakes_come_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = GOOD.replace("types:", "tpes:").replace("mode: merge", "mode: marge").replace("to:", "key: x\n        to:")
    assert [line.split(":")[1] for line in mistakes(tmp_path, text)] == ["6", "12", "13"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load(tmp_path / "none.yaml")


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "tow.yaml").write_bytes(b"pipeline: \xff\n")
    with pytest.raises(UserError, match="cannot be read"):
        load(tmp_path / "tow.yaml")


@pytest.mark.parametrize("text", ["", "[]", "just words"])
def test_a_file_that_is_no_mapping_is_told(tmp_path: Path, text: str) -> None:
    (found,) = mistakes(tmp_path, text)
    assert "takes a mapping" in found


def test_the_command_line_writes_rules_as_the_file_does() -> None:
    assert rules(
        ["not_null: a,b", "range: {x: [0, 0.5]}", "one_of: {o: [NO, JFK, 00501]}", "pattern: {c: '^[A-Z]{2}$'}"]
    ) == (
        RuleSpec("not_null", ("a", "b")),
        RuleSpec("range", ("x",), (0, 0.5)),
        RuleSpec("one_of", ("o",), ("NO", "JFK", "00501")),
        RuleSpec("pattern", ("c",), ("^[A-Z]{2}$",)),
    )


@pytest.mark.parametrize("text", ["not_nul: a", "not_null", "range: {x: [0}"])
def test_a_wrong_rule_on_the_command_line_is_told(text: str) -> None:
    with pytest.raises(UserError, match="--rule"):
        rules([text])
