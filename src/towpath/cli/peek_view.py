"""What `tow peek` shows, as text that hides nothing."""

from __future__ import annotations

import json
import re

import pyarrow as pa

from towpath.cli.charts import bars
from towpath.look.figures import Figures
from towpath.look.peek import Peeked
from towpath.look.screen import cut, cut_middle, pad, table, visible, width
from towpath.receipt import count
from towpath.values import textform

NULL = "∅"
_CELL = 40
_NAME, _TYPE = 20, 20
"""The most columns of a name and a type, where not everything fits."""
_BOTH_ENDS = 20
"""The fewest columns in which two ends of a range are worth showing."""
_NO_FRACTION = re.compile(r"(:\d\d)\.0+(?=Z?( |$))")


def schema_lines(seen: Peeked, most: int | None = None) -> list[str]:
    """The columns with their types and figures, in `most` columns (None: as wide as they are)."""
    head = ("COLUMN", "TYPE", "NULLS", "DISTINCT", "RANGE") if seen.figures else ("COLUMN", "TYPE")
    rows = [_column(seen, at, (None, None)) for at in range(len(seen.schema))]
    lines = table([head, *rows], right=(2, 3))
    if most is not None and max(map(width, lines)) > most:
        rows = [_column(seen, at, (_NAME, _TYPE)) for at in range(len(seen.schema))]
        if seen.figures:
            others = sum(max(map(width, cells)) + 2 for cells in list(zip(head, *rows, strict=True))[:-1])
            rows = [(*row[:-1], _range(one, most - others)) for row, one in zip(rows, seen.figures, strict=True)]
        lines = table([head, *rows], right=(2, 3))
    notes = [_from(seen)] if seen.figures else [] if seen.schema.names else ["it has no columns"]
    if any(map(seen.from_sample, seen.schema.names)):
        notes.append("* type from sample: a later value may widen it")
    told = [seen.shown, *lines, *(f"({note})" for note in notes)]
    return told if most is None else [cut(line, most) for line in told]


def row_lines(seen: Peeked, most: int | None = None) -> list[str]:
    """The rows as a table, or one value a line where the table does not fit into `most` columns."""
    columns = [[visible(name), *_cells(seen, at)] for at, name in enumerate(seen.schema.names)]
    right = [at for at, one in enumerate(seen.schema) if _is_number(one.type)]
    lines = table(zip(*columns, strict=True), right) if columns else []
    if most is None or all(width(line) <= most for line in lines):
        return lines
    names = [cut_middle(column[0], most // 3) for column in columns]
    widest = max(map(width, names))
    lines = []
    for row in range(1, len(columns[0])):
        lines.append(f"row {row:,}")
        values = (column[row] for column in columns)
        lines += [cut(f"  {pad(name, widest)}  {one}", most) for name, one in zip(names, values, strict=True)]
    return lines


def bad_lines(seen: Peeked) -> list[str]:
    """What could not be read."""
    if not seen.bad:
        return []
    first = seen.bad[0]
    return [f"{count(seen.bad_count, 'row')} cannot be read, the first: {first.error().what}", f"  at {first.place}"]


def chart_lines(seen: Peeked, name: str, most: int, *, blocks: bool) -> list[str]:
    """How the values of one column are spread."""
    assert seen.chart is not None
    total = sum(number for _, number in seen.chart.bars) or 1
    rows = [(_label(one), number, f"{number:,} {number / total:6.1%}") for one, number in seen.chart.bars]
    about = ", counts are the least" if seen.chart.about else ""
    return [cut(f"{visible(name)} of {seen.shown}: {_from(seen)}{about}", most), *bars(rows, most, blocks=blocks)]


def cell(text: str | None) -> str:
    """A text value in a cell: `∅` for null, `""` for empty text; text that looks like either is put in quotes."""
    if text is None:
        return NULL
    if text in ("", NULL) or text.startswith('"'):
        text = json.dumps(text, ensure_ascii=False)
        return cut(text if text.isprintable() else visible(text), _CELL)
    return cut(visible(text), _CELL)


def _column(seen: Peeked, at: int, most: tuple[int | None, int | None]) -> tuple[str, ...]:
    one = seen.schema.field(at)
    name, type = visible(one.name), textform.type_name(one.type)
    name = cut_middle(name, most[0]) if most[0] else name
    type = cut_middle(type, most[1]) if most[1] else type
    marked = f"{type}*" if seen.from_sample(one.name) else type
    if not seen.figures:
        return name, marked
    found = seen.figures[at]
    return name, marked, _nulls(found), _distinct(found), _range(found)


def _nulls(found: Figures) -> str:
    if not found.nulls:
        return "0"
    share = found.nulls / found.rows
    return f"{found.nulls:,} ({share:.0%})" if share >= 0.01 else f"{found.nulls:,}"


def _distinct(found: Figures) -> str:
    return f"{found.distinct.count:,}" if found.distinct.exact else f"~{found.distinct.count:,}"


def _range(found: Figures, most: int | None = None) -> str:
    """The lowest and the highest value; both ends can be told within `most` columns, if there are enough for that."""
    if found.low is None or found.high is None:
        return ""
    low, high = (_NO_FRACTION.sub(r"\1", end) for end in (found.low, found.high))
    if most is not None and len(low) + 4 + len(high) > most >= _BOTH_ENDS and not found.unit:
        shorten = cut if ":" in low else cut_middle  # of a time its beginning tells the most
        low, high = (shorten(end, (most - 4) // 2) for end in (low, high))
    ends = low if found.low == found.high else f"{low} .. {high}"
    return ends if not found.unit else f"{ends} {found.unit}" + ("" if found.high == "1" else "s")


def _from(seen: Peeked) -> str:
    if seen.whole:
        return f"from all {count(seen.counted, 'row')}"
    known = f" of {seen.known:,}" if seen.known is not None else ""
    return f"from the first {seen.counted:,}{known} rows"


def _label(text: str) -> str:
    return text if text == NULL else cell(text)


def _cells(seen: Peeked, at: int) -> list[str]:
    values = seen.rows.column(at).combine_chunks()
    texts = textform.write(values).to_pylist()
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    return [cell(text) if is_text else NULL if text is None else cut(visible(text), _CELL) for text in texts]


def _is_number(type: pa.DataType) -> bool:
    return pa.types.is_integer(type) or pa.types.is_floating(type) or pa.types.is_decimal(type)
