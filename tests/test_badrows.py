"""How many rows of a load may be bad, and what becomes of them when they are more."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import towpath as tow
from tests.movekit import job, write
from towpath import deadletters, move
from towpath.badrows import MostBad
from towpath.errors import DataError, UserError
from towpath.nouns import Mode
from towpath.planning import plan
from towpath.receipt import Receipt


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("0", MostBad(0)),
        (" 100 ", MostBad(100)),
        (7, MostBad(7)),
        ("0.5%", MostBad(percent=Decimal("0.5"))),
        ("100 %", MostBad(percent=Decimal(100))),
        ("0%", MostBad(percent=Decimal(0))),
    ],
)
def test_a_number_or_a_share_is_read(text: str | int, most: MostBad) -> None:
    assert MostBad.parse(text) == most


@pytest.mark.parametrize("text", ["", "-1", "1.5", "101%", "%", "many", "1e3", "٣", True, None])
def test_anything_else_is_the_users_error(text: Any) -> None:
    with pytest.raises(UserError, match="is no number of bad rows"):
        MostBad.parse(text)


def test_a_share_is_judged_exactly_and_only_when_all_is_read() -> None:
    third = MostBad.parse("33.3%")
    assert not third.passed(10**6)
    assert not third.passed(333, 1000)
    assert third.passed(334, 1000)
    assert MostBad.parse("0%").passed(1)
    assert not MostBad.parse("0%").passed(0, 0)
    assert MostBad.parse(3).passed(4)
    assert not MostBad.parse(3).passed(3)


def load(folder: Path, bad: int, good: int, most: str | None, **others: Any) -> Receipt:
    """A load of so many rows, the bad ones last."""
    rows = [*map(str, range(good)), *(f"x{number}" for number in range(bad))]
    source = folder / "a.csv"
    if not source.exists():
        write(source, "".join(f"{row}\n" for row in ("n", *rows)))
    to = f"duckdb:///{folder}/w.db#t"
    return move.run(job(source, to, types={"n": "int64"}, bad_rows=str(folder / "bad"), max_bad=most, **others))


@pytest.mark.parametrize("most", ["3", "30%", "100%", "30.0%"])
def test_exactly_as_many_as_allowed_pass(tmp_path: Path, most: str) -> None:
    receipt = load(tmp_path, 3, 7, most)
    assert (receipt.rows, receipt.set_aside, receipt.max_bad) == (7, 3, most)
    assert f"3 rows (at most {most}) set aside" in str(receipt)


@pytest.mark.parametrize("most", ["2", "29.9%", "0", "0%"])
def test_one_more_stops_the_load_and_all_that_were_met_are_kept_to_be_looked_at(tmp_path: Path, most: str) -> None:
    bad = tmp_path / "bad"
    with pytest.raises(DataError, match="are bad|is bad") as caught:
        load(tmp_path, 3, 7, most)
    assert (caught.value.code, caught.value.exit_code) == ("bad-rows-exceeded", 1)
    assert not (tmp_path / "w.db").exists()
    (kept,) = bad.iterdir()
    assert caught.value.where == str(kept / "rows.jsonl")
    rows = [json.loads(line) for line in (kept / "rows.jsonl").read_text().splitlines()]
    certain = {"2": 3, "29.9%": 3, "0": 1, "0%": 1}[most]
    assert [(row["line"], row["value"]) for row in rows] == [(9 + at, f"x{at}") for at in range(certain)]
    # The load is not published: they are sent on by nobody.
    assert deadletters.kept(bad) == []


def test_a_step_that_is_allowed_more_publishes_and_its_rows_are_kept_once(tmp_path: Path) -> None:
    step: dict[str, Any] = {"step": "p/s", "mode": Mode.APPEND}
    for most in ("1", "2"):
        with pytest.raises(DataError, match="bad"):
            load(tmp_path, 3, 7, most, **step)
        (kept,) = (tmp_path / "bad").iterdir()
        assert kept.suffix == ".stopped"
        assert len((kept / "rows.jsonl").read_text().splitlines()) == int(most) + 1
    receipt = load(tmp_path, 3, 7, "3", **step)
    assert [path.name for path in (tmp_path / "bad").iterdir()] == [receipt.load]


def test_a_plan_says_where_bad_rows_go_and_how_many_may(tmp_path: Path) -> None:
    source, bad = write(tmp_path / "a.csv", "n\n1\n"), str(tmp_path / "bad")
    made = plan(job(source, tmp_path / "a.parquet", bad_rows=bad, max_bad="1000"))
    assert f"  bad rows: set aside in {bad}, at most 1,000" in made.lines()
    assert (made.as_json()["bad_rows"], made.as_json()["max_bad"]) == (bad, "1000")
    made = plan(job(source, tmp_path / "a.parquet", bad_rows=bad, max_bad="0.50%"))
    assert f"  bad rows: set aside in {bad}, at most 0.5% of the rows read" in made.lines()
    assert not any("bad rows" in line for line in plan(job(source, tmp_path / "a.parquet")).lines())


def test_a_plan_says_what_keeping_bad_rows_does_not_cover(tmp_path: Path) -> None:
    source, to = write(tmp_path / "a.csv", "n\n1\n"), f"duckdb:///{tmp_path}/w.db#t"
    made = job(source, to, bad_rows=str(tmp_path / "bad"))
    told = "only the table's own constraints and triggers refuse stops the load"
    assert not any(told in note for note in plan(made).notes)
    move.run(made)
    assert any(told in note for note in plan(made.with_(mode=Mode.APPEND)).notes)


def test_a_number_without_a_place_is_refused_beforehand(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "n\n1\n")
    with pytest.raises(UserError, match="there is no place for them"):
        plan(job(source, tmp_path / "a.parquet", max_bad="1"))


def test_how_many_may_be_bad_is_no_part_of_a_steps_plan(tmp_path: Path) -> None:
    one = job(tmp_path / "a.csv", tmp_path / "b.csv", max_bad="1")
    assert one.plan_hash() == one.with_(max_bad=None).plan_hash() == one.with_(max_bad="5%").plan_hash()


def test_python_and_tow_yaml_say_it_as_the_command_does(tmp_path: Path) -> None:
    source, bad = write(tmp_path / "a.csv", "n\nx\ny\n1\n"), tmp_path / "bad"
    with pytest.raises(DataError, match="at most 1 may be"):
        tow.copy(source, tmp_path / "a.parquet", types={"n": "int64"}, bad_rows=bad, max_bad=1)
    assert tow.copy(source, tmp_path / "a.parquet", types={"n": "int64"}, bad_rows=bad, max_bad="70%").set_aside == 2
    yaml = "pipeline: p\nsteps:\n  a: {{from: a.csv, to: b.csv, types: {{n: int64}}, bad_rows: bad, max_bad: {}}}\n"
    for said, status in ((1, "stopped"), ("50%", "stopped"), (2, "done")):
        write(tmp_path / "tow.yaml", yaml.format(said))
        (receipt,) = tow.run(tmp_path / "tow.yaml")
        assert receipt.status == status, receipt.why
    write(tmp_path / "tow.yaml", yaml.format("lots"))
    with pytest.raises(UserError, match="is no number of bad rows"):
        tow.run(tmp_path / "tow.yaml")
    write(tmp_path / "tow.yaml", yaml.replace(", bad_rows: bad, max_bad: {}", "").format())
    (receipt,) = tow.run(tmp_path / "tow.yaml", full_refresh=True, bad_rows=bad, max_bad=1)
    assert "at most 1 may be" in receipt.why
