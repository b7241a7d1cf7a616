"""One small change in a table of every kind of value: found, and told by table, key, column and both values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.attacks.share import Attack
from tests.attacks.verify import changes
from tests.attacks.verify.changes import CELLS, Cell
from tests.attacks.verify.kit import Told, Verify, written
from towpath.values import textform

KEYS = {"guessed": (), "given": ("--key", "id"), "doubled": ("--key", "part"), "none": ()}


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_one_changed_cell_is_found_and_named(attack: Attack, verify: Verify, tmp_path: Path, cell: Cell) -> None:
    cases = [(key, count) for key in KEYS for count in (1, 1000)]
    for key, count in attack.some(f"cell {cell}", cases):
        folder = tmp_path / f"{key} {count}"
        folder.mkdir()
        one_cell(attack, verify, folder, cell, key, changes.table(count, count))


def test_one_changed_cell_of_many_rows_is_found_and_named(attack: Attack, verify: Verify, tmp_path: Path) -> None:
    rows = changes.table(200_000, 1)
    cases = [(cell, key) for cell in CELLS for key in KEYS]
    for number, (cell, key) in enumerate(attack.random("many rows").sample(cases, attack.times(40, 2))):
        (tmp_path / str(number)).mkdir()
        one_cell(attack, verify, tmp_path / str(number), cell, key, rows)


def one_cell(attack: Attack, verify: Verify, folder: Path, cell: Cell, key: str, rows: pa.Table) -> None:
    chance = attack.random(f"{cell} {key} {len(rows)}")
    row = chance.randrange(len(rows))
    a, b = changes.put(rows, row, cell.column, cell.a), changes.put(rows, row, cell.column, cell.b)
    if key == "none":  # the first columns say nothing
        kept = [*[name for name in ("flag", "small", "word") if name != cell.column], cell.column]
        a, b = a.select(kept), b.select(kept)
    files = written(a, folder / "a.arrow"), written(changes.shuffled(b, row), folder / "b.arrow")
    told = verify(*files, *KEYS[key])
    assert told.code == 1, told.said
    if key == "none":
        notes = [one["note"] for one in told.differences]
        values = [textform.write(side[cell.column][row : row + 1].combine_chunks())[0].as_py() for side in (a, b)]
        if told.found["key"]:  # by chance they do tell the rows
            return
        assert [note.partition(":")[0] for note in notes] == ["only A has this row", "only B has this row"]
        assert all(f"{cell.column}={str(value)[:40]}" in note for value, note in zip(values, notes, strict=True))
        return
    (found,) = told.differences
    assert (found["key"], found["column"]) == (named(key, row, rows), cell.column)
    expected = [textform.write(side[cell.column][row : row + 1].combine_chunks())[0].as_py() for side in (a, b)]
    assert [found["a"], found["b"]] == expected
    assert str(files[0]) in found["where_a"]
    assert str(files[1]) in found["where_b"]
    assert told.found["digest_a"] != told.found["digest_b"]


def named(key: str, row: int, rows: pa.Table) -> str:
    return f"part={row // 2}" if key == "doubled" else f"id={row + 1}"


def test_the_line_for_people_names_the_row_the_column_and_both_values(verify: Verify, tmp_path: Path) -> None:
    rows = changes.table(1000, 1)
    a = written(changes.put(rows, 499, "name", "Ada"), tmp_path / "a.arrow")
    b = written(changes.put(rows, 499, "name", "ada"), tmp_path / "b.arrow")
    code, out, _ = verify.run("verify", str(a), str(b))
    assert code == 1
    assert "id=500, column name: 'Ada' in A" in out
    assert "'ada' in B" in out
    assert str(a) in out


def two(attack: Attack, count: int, name: str) -> tuple[int, int]:
    one, other = attack.random(name).sample(range(count), 2)
    return one, other


@pytest.mark.parametrize("count", [2, 1000, 200_000])
@pytest.mark.parametrize("key", ["guessed", "given", "doubled"])
@pytest.mark.one_of_many
def test_rows_swapped_doubled_lost_or_without_their_partition_are_found(
    attack: Attack, verify: Verify, tmp_path: Path, count: int, key: str
) -> None:
    rows = changes.table(count, 7)
    a = written(rows, tmp_path / "a.arrow")
    one, other = two(attack, count, f"rows {count} {key}")
    names = pa.array([f"text {number:06}" for number in range(count)])
    plain = rows.set_column(rows.schema.get_field_index("name"), "name", names)
    swap_a = written(plain, tmp_path / "plain.arrow")

    def differs(b: pa.Table, whole: Path = a) -> Told:
        told = verify(whole, written(b, tmp_path / "b.arrow"), *KEYS[key])
        assert told.code == 1, told.said
        return told

    told = differs(changes.swapped(plain, one, other), swap_a)
    assert {found["key"] for found in told.differences} == {named(key, row, rows) for row in (one, other)}
    assert {found["column"] for found in told.differences} == {"name"}
    told = differs(changes.doubled(rows, one, other))
    sides = {found["key"]: found["note"] for found in told.differences}
    if key != "doubled":
        assert sides == {
            named(key, one, rows): "only B has this row",
            named(key, other, rows): "only A has this row",
        }
    told = differs(rows.slice(0, count - 1))
    assert [found["note"] for found in told.differences] == ["only A has this row"]
    assert told.differences[0]["key"] == named(key, count - 1, rows)
    part = one // 2
    told = differs(rows.filter(pa.array(np.arange(count) // 2 != part)))
    assert [found["note"] for found in told.differences] == ["only A has this row"] * (2 if part * 2 + 1 < count else 1)


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_a_column_that_is_missing_renamed_or_of_another_kind_is_named(
    attack: Attack, verify: Verify, tmp_path: Path, count: int
) -> None:
    rows = changes.table(count, 3)
    a = written(rows, tmp_path / "a.arrow")
    for name in attack.some(f"columns {count}", rows.schema.names, least=4):
        told = verify(a, written(rows.drop_columns([name]), tmp_path / "b.arrow"))
        assert (told.code, [(one["column"], one["note"]) for one in told.differences]) == (
            1,
            [(name, "only A has this column")],
        )
        names = [f"{name}_" if one == name else one for one in rows.schema.names]
        told = verify(a, written(rows.rename_columns(names), tmp_path / "b.arrow"))
        assert told.code == 1
        assert {(one["column"], one["note"]) for one in told.differences} == {
            (name, "only A has this column"),
            (f"{name}_", "only B has this column"),
        }
    local = rows.set_column(rows.schema.get_field_index("at"), "at", rows["at"].cast(pa.timestamp("ns")))
    told = verify(a, written(local, tmp_path / "b.arrow"))
    assert told.code == 1, told.said
    assert told.differences[0]["column"] == "at"


@pytest.mark.parametrize("count", [1, 1000, 200_000])
def test_what_means_the_same_is_equal(verify: Verify, tmp_path: Path, count: int, attack: Attack) -> None:
    rows = changes.table(count, 5)
    a = written(rows, tmp_path / "a.arrow")
    others = changes.alike(rows)
    for name in attack.some(f"alike {count}", sorted(others), least=2 if count > 1000 else len(others)):
        told = verify(a, written(others[name], tmp_path / "b.arrow"))
        assert (told.code, told.found.get("differences")) == (0, []), f"{name}: {told.said}"
        assert told.found["digest_a"] == told.found["digest_b"]
