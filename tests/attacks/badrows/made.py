"""Rows that are known to be good or bad: made, not read, so that what should land is known without Towpath.

`Made` holds a file's text, the rows that have to land, and for each bad row where it stands, what is wrong with it and
how the record would read if it were right.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

COLUMNS = ("id", "name", "amount", "day", "score", "code", "paid", "note")
TYPES = "id=int64,name=text,amount=decimal(12,2),day=date,score=int64,code=text,paid=bool,note=text"
RULES = (
    "not_null: name",
    "range: {score: [0, 100]}",
    "pattern: {code: '^[A-Z]{2}[0-9]+$'}",
    "one_of: {paid: [true, false]}",
    "unique: id",
)
BAD = 137
_FIRST = date(2020, 1, 1)
_WIDE = 10
"""How long a note may be in a table that is there."""

Row = tuple[int, str, Decimal, date, int, str, bool, str]


@dataclass(frozen=True)
class Fault:
    """What is wrong with one record: `line` of the file (1 for the first), `raw` what stands there, `right` the row
    that it should have been, `edge` and `column` where Towpath is to say that it was met, if that is one place."""

    kind: str
    line: int
    raw: bytes
    right: Row
    edge: str
    column: str | None


@dataclass
class Made:
    text: bytes
    good: list[Row]
    faults: list[Fault] = field(default_factory=list)

    @property
    def all(self) -> list[Row]:
        """What has to be there when each bad row was put right and sent on."""
        return sorted([*self.good, *(one.right for one in self.faults)])


def row(number: int) -> Row:
    """The good row of a number; a name holds what a careless reader would cut at."""
    name = ('Zoë, "the 2nd"', "two\nlines", " padded ", "00501", "NA", "plain")[number % 6 if number % 50 == 0 else 5]
    amount = Decimal(number * 7919 % 10**9).scaleb(-2)
    day = _FIRST + timedelta(days=number % 3000)
    return (number, name, amount, day, number % 101, f"AB{number % 977}", number % 3 == 0, f"n{number % 10**6}")


def csv_field(value: Any) -> str:
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\n') else text


def csv_line(values: tuple[Any, ...]) -> str:
    return ",".join(map(csv_field, values)) + "\n"


def json_line(values: tuple[Any, ...]) -> str:
    plain = [str(value) if isinstance(value, date) else value for value in values]
    made = dict(zip(COLUMNS, plain, strict=True))
    if not isinstance(made["amount"], Decimal):
        return json.dumps(made, ensure_ascii=False) + "\n"
    # json has no decimals; its digits are written as they are.
    return json.dumps({**made, "amount": "@"}, ensure_ascii=False).replace('"@"', str(made["amount"])) + "\n"


def _with(right: Row, column: str, value: Any) -> tuple[Any, ...]:
    return tuple(value if name == column else one for name, one in zip(COLUMNS, right, strict=True))


@dataclass(frozen=True)
class Kind:
    """A way to be bad. `spoil` makes the record's bytes of the right row and the number of an earlier good one."""

    name: str
    edge: str
    column: str | None
    spoil: Callable[[Row, int], bytes]


def _value(line: Callable[[tuple[Any, ...]], str], column: str, value: Any) -> Callable[[Row, int], bytes]:
    return lambda right, _: line(_with(right, column, value)).encode()


def _no_utf8(line: Callable[[tuple[Any, ...]], str]) -> Callable[[Row, int], bytes]:
    return lambda right, _: line(right).encode().replace(b"AB", b"\xff\xfe")


_OF_ANY = (
    ("too large for 64 bits", "read", "id", 2**63),
    ("a day that is none", "read", "day", "2026-02-30"),
    ("less than its range", "rules", "score", -1),
    ("more than its range", "rules", "score", 101),
    ("breaks a pattern", "rules", "code", "ab1"),
    ("more digits than its decimal", "read", "amount", Decimal("1.234")),
)

CSV = (
    Kind("too few fields", "read", None, lambda right, _: f"{right[0]},short\n".encode()),
    Kind("too many fields", "read", None, lambda right, _: csv_line(right).rstrip("\n").encode() + b",more\n"),
    Kind("a number with letters", "read", "amount", _value(csv_line, "amount", "12x.50")),
    Kind("bytes that are no UTF-8", "read", None, _no_utf8(csv_line)),
    Kind("a quote that is not closed", "read", None, lambda right, _: f'{right[0]},"open,1.00\n'.encode()),
    Kind("a quote in the wrong place", "read", None, lambda right, _: f'{right[0]},"a"b,1.00\n'.encode()),
    Kind("no name", "rules", "name", _value(csv_line, "name", "")),
    Kind("a key that was met", "rules", "id", lambda right, earlier: csv_line(_with(right, "id", earlier)).encode()),
    Kind("no truth", "read", "paid", _value(csv_line, "paid", "maybe")),
    *(Kind(name, edge, column, _value(csv_line, column, value)) for name, edge, column, value in _OF_ANY),
)  # fmt: skip

JSONL = (
    Kind("not JSON", "read", None, lambda right, _: json_line(right)[:20].encode() + b"\n"),
    Kind("not an object", "read", None, lambda right, _: f"[{right[0]}]\n".encode()),
    Kind("a number with letters", "read", "amount", _value(json_line, "amount", "12x.50")),
    Kind("bytes that are no UTF-8", "read", None, _no_utf8(json_line)),
    Kind("a name twice", "read", None, lambda right, _: b'{"id": 1, ' + json_line(right).encode()[1:]),
    Kind("an object for a number", "read", "score", _value(json_line, "score", {"a": [1]})),
    Kind("no name", "rules", "name", _value(json_line, "name", None)),
    Kind("a key that was met", "rules", "id", lambda right, earlier: json_line(_with(right, "id", earlier)).encode()),
    Kind("no truth", "read", "paid", _value(json_line, "paid", "maybe")),
    Kind("two values in a line", "read", None, lambda right, _: json_line(right).rstrip("\n").encode() + b" 7\n"),
    *(Kind(name, edge, column, _value(json_line, column, value)) for name, edge, column, value in _OF_ANY),
)  # fmt: skip

LONG = Kind("too long for the column", "write", "note", _value(csv_line, "note", "much longer than ten"))
NUL = Kind("U+0000 where text has none", "write", "note", _value(csv_line, "note", "n\0"))


def make(chance: random.Random, count: int, kinds: tuple[Kind, ...], bad: int = BAD, head: str = "") -> Made:
    """`count` rows, `bad` of them bad at random places (not the first), each kind in turn. No two are neighbours: an
    open quote ends where the next record begins that is none of its kind."""
    line = json_line if kinds[0] in JSONL else csv_line
    numbers = [2 * at for at in sorted(chance.sample(range(1, count // 2), bad))]
    places = dict(zip(numbers, _turns(chance, kinds, bad), strict=True))
    parts, good, faults = [head.encode()], [], []
    at = 1 + head.count("\n")
    for number in range(count):
        right = row(number)
        kind = places.get(number)
        raw = line(right).encode() if kind is None else kind.spoil(right, _earlier(chance, places, number))
        if kind is None:
            good.append(right)
        else:
            faults.append(Fault(kind.name, at, raw.rstrip(b"\n"), right, kind.edge, kind.column))
        parts.append(raw)
        at += raw.count(b"\n")
    return Made(b"".join(parts), good, faults)


def _turns(chance: random.Random, kinds: tuple[Kind, ...], count: int) -> list[Kind]:
    turns = [kinds[at % len(kinds)] for at in range(count)]
    chance.shuffle(turns)
    return turns


def _earlier(chance: random.Random, places: dict[int, Kind], number: int) -> int:
    while (one := chance.randrange(number)) in places:
        pass
    return one


def csv(chance: random.Random, count: int, more: tuple[Kind, ...] = (), bad: int = BAD) -> Made:
    return make(chance, count, (*CSV, *more), bad, head=",".join(COLUMNS) + "\n")


def jsonl(chance: random.Random, count: int, bad: int = BAD) -> Made:
    return make(chance, count, JSONL, bad)
