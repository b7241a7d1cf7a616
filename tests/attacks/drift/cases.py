"""What becomes of rows whose columns are not those of the rows before: written by hand, run on every destination, and
rendered into docs/reference/drift.md (`python -m tests.attacks.drift.cases`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "drift.md"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Lands:
    """All rows are there, with these columns; `said` stands in the plan and in the receipt. `words` for the page."""

    rows: tuple[Row, ...]
    words: str
    said: str = ""


@dataclass(frozen=True)
class Stops:
    """Nothing is published; the error has this code and names what is wrong. `words` for the page."""

    code: str
    said: str
    words: str


Outcome = Lands | Stops


@dataclass(frozen=True)
class Case:
    """`first` was loaded; then `second` comes. `evolve` and `freeze`: appended to a table; `file`: appended to a file;
    `together`: both read at once as `in/*` into something new (None: `first` is of another kind there)."""

    name: str
    first: str
    second: str
    evolve: Outcome
    freeze: Outcome
    file: Outcome
    together: Outcome
    suffix: str = ".csv"


def _rows(*texts: str) -> tuple[Row, ...]:
    return tuple(json.loads(text) for text in texts)


def _pinned(column: str, value: str, kind: str) -> Stops:
    return Stops("type-violated", f"column {column} ({value!r})", f"stops: `{value}` is no {kind}, the column's type")


def _frozen(said: str, words: str) -> Stops:
    return Stops("schema-frozen", said, f"stops: {words}")


def _others(said: str) -> Stops:
    return Stops("columns-differ", said, "stops: a file has the same columns in all its rows")


def _same(outcome: Outcome) -> dict[str, Outcome]:
    return {"evolve": outcome, "freeze": outcome, "file": outcome, "together": outcome}


_ONE, _TWO = '{"id": 1, "a": "x"}', '{"id": 2, "a": "y"}'
_PLAIN = Lands(_rows(_ONE, _TWO), "lands")
_NULLED = Lands(
    _rows('{"id": 1, "a": "x", "b": "z"}', '{"id": 2, "a": "y", "b": null}'), "null, or the column's default",
    "not in the rows: b",
)  # fmt: skip
_ADDED = _rows('{"id": 1, "a": "x", "b": null}', '{"id": 2, "a": "y", "b": "z"}')


_TYPELESS = "Parquet, Arrow: stops; CSV, JSON Lines keep no types: lands as it stands"


def _kinds(first: str, second: str, *, of: str, together: tuple[str, str], words: str) -> dict[str, Any]:
    """A column of one type of text that brings a value of another kind."""
    stops = _pinned("n", second, of)
    rows = _rows(f'{{"id": 1, "n": {together[0]}}}', f'{{"id": 2, "n": {together[1]}}}')
    return {
        "first": f"id,n\n1,{first}\n", "second": f"id,n\n2,{second}\n",
        "evolve": stops, "freeze": stops, "file": replace(stops, words=_TYPELESS), "together": Lands(rows, words),
    }  # fmt: skip


CASES = (
    Case(
        "a new column", "id,a\n1,x\n", "id,a,b\n2,y,z\n",
        evolve=Lands(_ADDED, "is added; null in the rows before", "add column"),
        freeze=_frozen("no column 'b'", "the table has no such column"),
        file=_others("b in the new rows"),
        together=Lands(_ADDED, "null in the rows of the other file"),
    ),
    Case(
        "a missing column", "id,a,b\n1,x,z\n", "id,a\n2,y\n",
        evolve=_NULLED, freeze=_NULLED, file=_others("b there, but not in the new rows"),
        together=Lands(_NULLED.rows, "null in the rows of the other file"),
    ),
    Case(
        "a renamed column", "id,name\n1,x\n", "id,title\n2,y\n",
        evolve=Lands(
            _rows('{"id": 1, "name": "x", "title": null}', '{"id": 2, "name": null, "title": "y"}'),
            "the new name is added, the old one is null in new rows; `--rename title=name` makes it one",
            "not in the rows: name",
        ),
        freeze=_frozen("no column 'title'", "the table has no such column; `--rename title=name`"),
        file=_others("name there, but not in the new rows; title in the new rows"),
        together=Lands(
            _rows('{"id": 1, "name": "x", "title": null}', '{"id": 2, "name": null, "title": "y"}'), "two columns"
        ),
    ),
    Case("columns in another order", "id,a\n1,x\n", "a,id\ny,2\n", **_same(
        Lands(_rows(_ONE, _TWO), "lands: columns go by their names")
    )),
    Case(
        "a name in other case", "id,a\n1,x\n", "ID,A\n2,y\n",
        evolve=Lands(_rows(_ONE, _TWO), "lands in the column that is there"),
        freeze=Lands(_rows(_ONE, _TWO), "lands in the column that is there"),
        file=_others("ID"),
        together=Stops(
            "column-doubled", "one name in SQL",
            "stops for a table where they are one name; two in PostgreSQL and in a file",
        ),
    ),
    Case("whole numbers, then text", **_kinds(
        "5", "five", of="int64", together=('"5"', '"five"'), words="text in all rows")),
    Case("whole numbers, then fractions", **_kinds(
        "5", "5.25", of="int64", together=("5", "5.25"), words="double in all rows")),
    Case("whole numbers, then larger than int64", **_kinds(
        "5", "99999999999999999999", of="int64", together=("5", "99999999999999999999"), words="decimal in all rows")),
    Case("dates, then times of a day", **_kinds(
        "2026-01-01", "2026-01-02 10:00:00", of="date", words="text in all rows, as it stands",
        together=('"2026-01-01"', '"2026-01-02 10:00:00"'))),
    Case("numbers, then with leading zeros", **_kinds(
        "501", "00501", of="int64", together=('"501"', '"00501"'), words="text in all rows, as it stands")),
    Case("text, then whole numbers", "id,n\n1,five\n", "id,n\n2,5\n", **_same(
        Lands(_rows('{"id": 1, "n": "five"}', '{"id": 2, "n": "5"}'), "lands as text, as it stands")
    )),
    Case("fractions, then whole numbers", "id,n\n1,5.25\n", "id,n\n2,5\n", **_same(
        Lands(_rows('{"id": 1, "n": 5.25}', '{"id": 2, "n": 5}'), "lands as the wider type")
    )),
    Case("a column that becomes all null", "id,a\n1,x\n", "id,a\n2,\n", **_same(
        Lands(_rows(_ONE, '{"id": 2, "a": null}'), "lands as null")
    )),
    Case("a column that was all null", "id,n\n1,\n", "id,n\n2,5\n", **(_same(
        Lands(_rows('{"id": 1, "n": null}', '{"id": 2, "n": "5"}'), "lands as text: a column without a value is text")
    ) | {"together": Lands(_rows('{"id": 1, "n": null}', '{"id": 2, "n": 5}'), "the type of the values")})),
    Case("a file of a header alone", "id,a\n1,x\n", "id,a\n", **_same(Lands(_rows(_ONE), "no row more"))),
    Case("another delimiter and quoting", "id,a\n1,x\n", 'id;a\n"2";"y"\n', **_same(
        Lands(_PLAIN.rows, "lands: each file's delimiter is found by itself")
    )),
    Case("a byte order mark, and CRLF", "id,a\n1,x\n", "\ufeffid,a\r\n2,y\r\n", **_same(_PLAIN)),
    Case("a header with a name twice", "id,a\n1,x\n", "id,a,a\n2,y,z\n", **_same(
        Stops("header-wrong", "'a' is there twice", "stops: which one is meant is not known")
    )),
    Case(
        "a new field in a struct", '{"id": 1, "s": {"x": 1}}\n', '{"id": 2, "s": {"x": 2, "y": 3}}\n', suffix=".jsonl",
        evolve=Stops("type-violated", "column s.y", "stops (PostgreSQL keeps structs as json: lands)"),
        freeze=Stops("type-violated", "column s.y", "stops (PostgreSQL keeps structs as json: lands)"),
        file=Stops("type-violated", "column s.y", _TYPELESS),
        together=Lands(
            _rows('{"id": 1, "s": {"x": 1, "y": null}}', '{"id": 2, "s": {"x": 2, "y": 3}}'), "null in the other file"
        ),
    ),
    Case(
        "elements of a list of another kind", '{"id": 1, "l": [1, 2]}\n', '{"id": 2, "l": ["x"]}\n', suffix=".jsonl",
        evolve=Stops("type-violated", "column l[]", "stops"),
        freeze=Stops("type-violated", "column l[]", "stops"),
        file=Stops("type-violated", "column l[]", _TYPELESS),
        together=Lands(
            _rows('{"id": 1, "l": ["1", "2"]}', '{"id": 2, "l": ["\\"x\\""]}'),
            "each element as its JSON text, in all rows",
        ),
    ),
)  # fmt: skip
NESTED = ("a new field in a struct", "elements of a list of another kind")


def table() -> str:
    """The cases as a table of Markdown."""
    lines = [
        "| what comes | table, `--schema evolve` | table, `--schema freeze` | file appended to | files read together |",
        "|---|---|---|---|---|",
    ]
    for case in CASES:
        told = " | ".join(one.words for one in (case.evolve, case.freeze, case.file, case.together))
        lines.append(f"| {case.name} | {told} |")
    return "\n".join(lines)


BEGIN, END = "<!-- the table that is run -->\n\n", "\n\n<!-- the end of the table -->"


def page(text: str) -> str:
    """The page with the table as it has to be."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
