"""Whether two sources hold the same rows, in any order; and where they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from towpath.badrows import shorten
from towpath.digest import Digest
from towpath.errors import Refused, UserError
from towpath.nouns import Description, Stored, Want
from towpath.options import nearest
from towpath.seams.source import Source
from towpath.shaping.loadcolumns import TYPES as LOAD_COLUMNS
from towpath.values.convert import way
from towpath.values.logical import Kind, kind, plain_type
from towpath.values.textform import type_name
from towpath.verify.rows import Difference, Pair, find
from towpath.verify.sides import Kept, Part, Side, Types

__all__ = ["Difference", "Verdict", "verify"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. Rows that B could not be read as count in `rows_b`. `differences` are the first found, not all;
    `key` names what their rows are told by, `guessed` whether nobody gave it. `left_out`: columns about the load that
    only B has, which were not compared."""

    equal: bool
    shown_a: str
    shown_b: str
    rows_a: int
    rows_b: int
    digest_a: str
    digest_b: str
    differences: tuple[Difference, ...] = ()
    key: tuple[str, ...] = ()
    guessed: bool = False
    left_out: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The answer for a person, a line each."""
        note = f"  not compared: {', '.join(self.left_out)} (about the load; only B has them)"
        return [*self._answer(), *([note] if self.left_out else [])]

    def _answer(self) -> list[str]:
        if self.equal:
            return [f"{self.shown_a} and {self.shown_b} hold the same {self.rows_a} rows ({self.digest_a})"]
        head = [
            f"{self.shown_a} and {self.shown_b} differ",
            f"  A  {self.rows_a} rows  {self.digest_a}  {self.shown_a}",
            f"  B  {self.rows_b} rows  {self.digest_b}  {self.shown_b}",
        ]
        if self.guessed:
            head.append(f"  rows are told by {', '.join(self.key)} (guessed: unique in A; give the key to be sure)")
        return head + [f"  {shorten(difference.line(), 400)}" for difference in self.differences]


def verify(a: Source, b: Source, *, key: tuple[str, ...] = (), most: int = 10, want: Want | None = None) -> Verdict:
    """Compares all rows of two sources. A is read in its own schema (`want.types` may pin some of it), B as A's: a text
    source with A's types pinned, any other by casting its values.

    Where A holds text and B has another type of its own, the text is compared as that. A value of B that has no equal
    in A's type is a difference. When the digests differ, both are read again, and the hashes of their rows are held in
    memory (about 100 bytes a row while they are compared). Raises UserError for a key that A or B lacks."""
    wanted = replace(want or Want(), checkpoint=False)
    before, after = a.describe(wanted), b.describe(replace(wanted, types={}, schema=None))
    _check_key(key, {a.shown: before.schema, b.shown: after.schema})
    pins = {**_decimals(before, after), **wanted.types}
    sides = Side(a, replace(wanted, types=pins)), Side(b, replace(wanted, types={}, schema=None, bad=Kept()))
    compared = _compare(sides, after)
    if compared.names_b != set(after.schema.names):  # more columns came to light further down in B
        compared = _compare(sides, replace(after, schema=sides[1].schema))
    nameless = not before.schema.names or not after.schema.names
    if nameless and not compared.first.digest.rows and not compared.second.digest.rows:
        compared.columns.clear()  # what has no rows may be unable to name columns (JSON Lines)
    return _verdict(sides, compared, key, most)


@dataclass(slots=True)
class _Sum:
    """Takes a pass: the digest, and whether a value had no equal."""

    digest: Digest
    unfit: int = 0

    def take(self, part: Part) -> None:
        self.digest.update(part.rows)
        self.unfit += len(part.unfit)


@dataclass(slots=True)
class _Compared:
    """Both ends summed up over the columns that they share."""

    types: Types
    columns: list[Difference]
    first: _Sum
    second: _Sum
    names_a: set[str] = field(default_factory=set)
    names_b: set[str] = field(default_factory=set)


def _compare(sides: tuple[Side, Side], after: Description) -> _Compared:
    one, other = sides
    types: dict[str, pa.DataType] = {}
    columns: list[Difference] = []

    def settle(schema: pa.Schema) -> Types:
        types.clear()
        columns[:] = _settle(schema, after, types)
        return types

    def begin(types: Types) -> _Sum:
        return _Sum(Digest(pa.schema(list(types.items()))))

    first = one.read(settle, begin)
    if after.inferred:
        other.want = replace(other.want, types=dict(types))
    second = other.read(lambda schema: types, begin)
    names_a = set() if one.schema is None else set(one.schema.names)
    return _Compared(types, columns, first, second, names_a, set((other.schema or after.schema).names))


def _settle(schema: pa.Schema, after: Description, types: dict[str, pa.DataType]) -> list[Difference]:
    """Fills in the compared type of each column that both ends have; returns what sets their columns apart. Columns
    about the load, which only B has, do not."""
    found = [
        Difference(column=name, note="only A has this column")
        for name in schema.names
        if name not in after.schema.names
    ]
    found += [
        Difference(column=name, note="only B has this column")
        for name in after.schema.names
        if name not in schema.names and name not in LOAD_COLUMNS
    ]
    for field_a in schema:
        if field_a.name not in after.schema.names:
            continue
        have, other = plain_type(field_a.type), plain_type(after.schema.field(field_a.name).type)
        as_b = not after.inferred and kind(have) is Kind.TEXT and kind(other) not in (Kind.TEXT, Kind.NULL)
        target = other if as_b else have
        try:
            if not after.inferred:
                way(have, Stored(target))
                way(other, Stored(target))
            types[field_a.name] = target
        except Refused:
            note = f"it is {type_name(have)} in A and {type_name(other)} in B, which cannot be compared"
            found.append(Difference(column=field_a.name, note=note))
    return found


def _decimals(before: Description, after: Description) -> Types:
    """Columns of a text file that look like doubles, while B holds decimals: their digits are compared as decimals."""
    if after.inferred or not before.inferred:
        return {}
    shared = [name for name in before.schema.names if name in after.schema.names]
    pairs = {name: (before.schema.field(name).type, after.schema.field(name).type) for name in shared}
    return {
        name: other for name, (have, other) in pairs.items() if (kind(have), kind(other)) == (Kind.FLOAT, Kind.DECIMAL)
    }


def _check_key(key: Sequence[str], schemas: Mapping[str, pa.Schema]) -> None:
    for name in key:
        for shown, schema in schemas.items():
            if name not in schema.names:
                raise UserError(
                    f"the key {name!r} is no column{nearest(name, schema.names)}",
                    where=shown,
                    todo=f"its columns: {', '.join(schema.names)}",
                    code="column-unknown",
                )


def _verdict(sides: tuple[Side, Side], compared: _Compared, key: tuple[str, ...], most: int) -> Verdict:
    first, second = compared.first.digest, compared.second.digest
    bad = sides[1].want.bad
    unread = list(bad.rows) if isinstance(bad, Kept) else []
    counts = first.rows, second.rows + len(unread)
    same = counts[0] == counts[1] and first.hexdigest() == second.hexdigest()
    equal = same and not (compared.columns or unread or compared.first.unfit or compared.second.unfit)
    pair = Pair()
    if not equal and (not same or compared.first.unfit or compared.second.unfit):
        pair = find(sides, compared.types, key, most) if compared.types else Pair()
    notes = [
        Difference(where_b=str(row.place), column=row.column, b=row.value, note=row.reason) for row in unread[:most]
    ]
    return Verdict(
        equal,
        sides[0].source.shown,
        sides[1].source.shown,
        *counts,
        first.hexdigest(),
        second.hexdigest(),
        (*compared.columns, *(notes + pair.differences)[:most]),
        pair.key,
        pair.guessed,
        tuple(name for name in LOAD_COLUMNS if name in compared.names_b and name not in compared.names_a),
    )
