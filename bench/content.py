"""Whether an output holds the rows that it should: by DuckDB, in any order, with nothing of Towpath's own digest.

Both sides are brought to the types of the reference, and their rows hashed and summed. Where the sums differ, the
columns are compared one by one, and the first value that is missing and that came instead are told.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import duckdb

EQUAL = "equal"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a job's output must hold: `query` of DuckDB, its `columns` with their types."""

    query: str
    columns: dict[str, str]

    @classmethod
    def of(cls, query: str, text: bool = False) -> Reference:
        """`text`: the rows came as text, where a decimal is a number without a type: its nearest double counts."""
        with duckdb.connect() as db:
            described = db.execute(f"describe {query}").fetchall()
        columns = {name: "DOUBLE" if text and kind.startswith("DECIMAL") else kind for name, kind, *_ in described}
        shown = ", ".join(f'"{name}"::{kind} as "{name}"' for name, kind in columns.items())
        return cls(f"select {shown} from ({query})", columns)


def compared(reference: Reference, output: str, before: str = "") -> tuple[str, str]:
    """EQUAL or what differs, and a note of what does not count as a difference: other types, more columns.

    `output`: a query of DuckDB; `before`: a statement that makes it possible (`attach ...`).
    """
    with duckdb.connect() as db:
        try:
            if before:
                db.execute(before)
            found = {name: kind for name, kind, *_ in db.execute(f"describe {output}").fetchall()}
            missing = [name for name in reference.columns if name not in found]
            if missing:
                return f"differs: no column {', '.join(missing[:5])}", ""
            note = _note(reference.columns, found)
            cast = ", ".join(f'try_cast("{name}" as {kind}) as "{name}"' for name, kind in reference.columns.items())
            return _difference(db, reference, f"select {cast} from ({output})"), note
        except duckdb.Error as error:
            said = re.sub(r'"?/[^" ]+/[^" ]+"?', "the output", str(error).splitlines()[0])
            return f"differs: {said[:160]}", ""


def _sums(db: duckdb.DuckDBPyConnection, query: str, columns: list[str], apart: bool) -> tuple[int, ...]:
    """How many rows, and the sum of their hashes, or one sum for each column."""
    quoted = [f'"{column}"' for column in columns]
    sums = [f"sum(hash({one})::hugeint)" for one in (quoted if apart else [", ".join(quoted)])]
    return db.execute(f"select count(*), {', '.join(sums)} from ({query})").fetchall()[0]


def _difference(db: duckdb.DuckDBPyConnection, reference: Reference, output: str) -> str:
    columns = list(reference.columns)
    ours, theirs = (_sums(db, query, columns, apart=False) for query in (reference.query, output))
    if ours == theirs:
        return EQUAL
    if ours[0] != theirs[0]:
        return f"differs: {theirs[0]:,} rows instead of {ours[0]:,}"
    ours, theirs = (_sums(db, query, columns, apart=True) for query in (reference.query, output))
    others = [column for column, a, b in zip(columns, ours[1:], theirs[1:], strict=True) if a != b]
    if not others:
        return "differs: values of several columns are not in the rows where they were"
    first = f'"{others[0]}"'
    without = "(select {0} from ({1}) except all select {0} from ({2})) order by all nulls first limit 1"
    gone, come = (
        db.execute(f"select {first}::varchar from {without.format(first, one, other)}").fetchone()
        for one, other in ((reference.query, output), (output, reference.query))
    )
    shown = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
    before, after = (row[0] if row else None for row in (gone, come))
    alike = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(before or "", after or "", strict=False))
    same = sum(1 for _ in alike)
    return f"differs: {shown}: {_shown(before, same)} became {_shown(after, same)}"


def _shown(value: str | None, same: int) -> str:
    """A value around where it differs: so many characters at its beginning are the same."""
    begin = max(0, same - 20) if same > 40 else 0
    return "null" if value is None else ("..." if begin else "") + repr(value[begin : begin + 60])


def _note(expected: dict[str, str], found: dict[str, str]) -> str:
    """Types that came out otherwise though the values are equal, and columns that were added."""
    others = [name for name, kind in expected.items() if _class(kind) != _class(found[name])]
    added = [name for name in found if name not in expected]
    kinds = sorted({f"{_class(expected[name])} as {_class(found[name])}" for name in others})
    return "; ".join(filter(None, (", ".join(kinds), f"adds {', '.join(added[:3])}" if added else "")))


def _class(kind: str) -> str:
    """A type of DuckDB without its width."""
    for name, begins in {
        "integer": ("BIGINT", "INT", "SMALLINT", "TINYINT", "U", "HUGEINT"), "double": ("DOUBLE", "FLOAT", "REAL"),
        "decimal": ("DECIMAL",), "timestamp": ("TIMESTAMP",), "text": ("VARCHAR",),
    }.items():  # fmt: skip
        if kind.startswith(begins) and "[" not in kind:
            return name
    return kind.lower() if len(kind) < 20 else kind.partition("(")[0].lower()
