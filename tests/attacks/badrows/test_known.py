"""137 rows that are known to be bad, in a file of many: the rest lands exactly, they are kept, and land once mended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.attacks.badrows import ends, made
from tests.attacks.badrows.ends import End
from tests.attacks.badrows.kit import Load
from tests.attacks.kills.warm import Warm
from tests.attacks.share import Attack


@contextmanager
def end(name: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[End]:
    one = ends.made(name, folder, request)
    try:
        yield one
    finally:
        one.close()


@pytest.mark.one_of_many
@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("to", ends.NAMES)
def test_the_rest_lands_and_bad_rows_land_once_they_are_mended(
    to: str, form: str, tow: Warm, attack: Attack, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """In two goes: what is not mended at first is bad again, and told by the place where it stood first."""
    chance = attack.random(f"known {to} {form}")
    with end(to, tmp_path, request) as there:
        count = attack.times(30_000, least=3_000)
        rows = made.csv(chance, count, there.kinds) if form == "csv" else made.jsonl(chance, count)
        load = Load(tow, there, rows, f"a.{form}")
        load.begin()
        load.check_books(load.done())
        assert there.rows() == rows.good
        load.check_letters()
        first = chance.sample(rows.faults, made.BAD // 2)
        load.mend(first)
        assert load.run("replay", "bad", "--json").code == 0
        right = {one.right for one in first}
        assert there.rows() == sorted([*rows.good, *right])
        rows.faults = [one for one in rows.faults if one.right not in right]
        load.check_letters()
        load.mend()
        assert load.run("replay", "bad", "--json").code == 0
        rows.good, rows.faults = sorted([*rows.good, *right, *(one.right for one in rows.faults)]), []
        assert there.rows() == rows.good
        assert load.letters() == []
        assert load.run("replay", "bad").code == 1


def test_a_million_rows_of_which_137_are_bad(tow: Warm, attack: Attack, tmp_path: Path) -> None:
    count = attack.times(1_000_000, least=50_000)
    rows = made.csv(attack.random("million"), count)
    load = Load(tow, ends.Parquet(tmp_path), rows)
    load.begin()
    load.check_books(load.done())
    assert load.end.rows() == rows.good
    load.check_letters()
    load.mend()
    assert load.done("replay", "bad", "--json")["rows"] == made.BAD
    assert load.end.rows() == rows.all


def test_nine_of_ten_rows_are_bad_and_memory_holds(attack: Attack, tmp_path: Path) -> None:
    """The load, and the replay in which all are bad again, then good; the limit is that of the whole process."""
    limit = 512 << 20
    count = attack.times(1_000_000, least=100_000)
    with open(tmp_path / "a.csv", "w", encoding="utf-8") as file:
        file.write("n,t\n")
        file.writelines(f"{number if number % 10 == 0 else 'x'},{number:060}\n" for number in range(count))
    said = ["--types", "n=int64", "--bad-rows", "bad", "--memory", "512MiB", "--json", "-q"]
    for words in (["copy", "a.csv", "duckdb:///o.db#t", *said], ["replay", "bad", "--json", "-q"]):
        env = {**os.environ, "TMPDIR": str(tmp_path)}
        run = subprocess.run(
            [str(Path(sys.executable).parent / "tow"), *words], cwd=tmp_path, env=env, capture_output=True
        )
        assert run.returncode == 0, run.stderr
        receipt = json.loads(run.stdout)
        assert receipt["set_aside"] == count - count // 10
        assert receipt["memory"] <= limit
    (kept,) = tmp_path.glob("bad/[!.r]*/rows.jsonl")
    with open(kept, encoding="utf-8") as lines:
        assert sum(1 for _ in lines) == count - count // 10
