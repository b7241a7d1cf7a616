"""Plans, receipts and readers as HTML for notebooks: plain tables that carry no script and no colour of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_LINE = "border-bottom:1px solid rgba(128,128,128,.35)"
_CELL = f"text-align:left;vertical-align:top;padding:2px 12px 2px 0;{_LINE}"
_NUMBER = _CELL.replace("text-align:left", "text-align:right")
_TABLE = "border-collapse:collapse;margin:4px 0;background:none;color:inherit"
_FAINT = "opacity:.7"


def plan(shown: Mapping[str, Any]) -> str:
    """The JSON of a plan: what would happen, the way of each column, and the statements."""
    facts = [("from", shown["source"]), ("to", shown["destination"])]
    if shown["rows"] is not None:
        facts.append(("rows", f"{shown['rows']:,}"))
    if "mode" not in shown:
        return _framed("Plan", [*facts, ("moves", shown["waiting"] or f"0 rows: {shown['unchanged']}")])
    key = f" by {', '.join(shown['key'])}" if shown["key"] else ""
    facts += [
        ("mode", f"{shown['mode']}{key}: {shown['effect']}"),
        ("guarantee", f"{shown['guarantee']}: {shown['why']}"),
        ("route", "; ".join(shown["route"])),
    ]
    facts += [("note", note) for note in shown["notes"]]
    rows = [_column(one) for one in shown["columns"]]
    ddl = "".join(f'<pre style="white-space:pre-wrap;margin:4px 0">{escape(one)}</pre>' for one in shown["ddl"])
    return _framed("Plan", facts, _table(("column", "type", "stored as", "way"), rows), ddl)


def receipt(shown: Mapping[str, Any]) -> str:
    """The JSON of a receipt: what was moved, the books of every edge, and the digest."""
    facts = [("from", shown["source"]), ("to", shown["destination"]), ("status", shown["status"])]
    if shown["why"]:
        facts.append(("why", shown["why"]))
    if shown["status"] == "done":
        took = f"{shown['seconds']:.2f} s, {shown['memory'] / 2**20:.0f} MiB"
        facts += [
            ("rows", f"{shown['rows']:,} ({shown['mode']}) in {took}"),
            ("guarantee", shown["guarantee"]),
            ("digest", shown["digest"] or ""),
        ]
    if shown["set_aside"]:
        facts.append(("set aside", f"{shown['set_aside']:,} rows in {shown['bad_rows']}"))
    facts += [("note", note) for note in shown["notes"]]
    heads = ("books", "given", "accepted", "filtered", "set aside")
    edges = ("name", "given", "accepted", "filtered", "aside")
    books = [[one[name] for name in edges] for one in shown["books"]]
    return _framed(f"Receipt {shown['step'] or ''}".strip(), facts, _table(heads, books) if books else "")


def receipts(shown: Sequence[tuple[Mapping[str, Any], str]]) -> str:
    """The JSON of each step's receipt with what happened in a few words: a line a step."""
    rows = [(one["step"] or "copy", one["status"], one["rows"], f"{one['seconds']:.2f}", what) for one, what in shown]
    return _framed("Receipts", (), _table(("step", "status", "rows", "seconds", "what"), rows))


def reader(address: str, schema: pa.Schema, settled: bool, pinned: frozenset[str]) -> str:
    """A reader's columns; `pinned` ones have their type from the user."""
    from towpath.values import textform

    rows = [
        [one.name, textform.type_name(one.type) + ("" if settled or one.name in pinned else " (from sample)")]
        for one in schema
    ]
    return _framed("Reader", [("from", address)], _table(("column", "type"), rows))


def progress(name: str, phase: str, counts: str, share: float | None) -> str:
    """A run under way. `share` (0 to 1) is how much of it is done, if that is known."""
    bar = "" if share is None else f'<progress max="1" value="{share:.4f}" style="vertical-align:middle"></progress> '
    return f"<div>{bar}<b>{escape(name)}</b> {escape(phase)}: {escape(counts)}</div>"


def _column(one: dict[str, Any]) -> list[str]:
    to = one["name"] if one["to"] == one["name"] else f"{one['name']} → {one['to']}"
    kind = one["type"] + (" (from sample)" if one["from_sample"] else "")
    why = f": {one['why']}" if one["why"] and one["way"] != "exact" else ""
    return [to, kind, one["stored"], one["way"] + why]


def _framed(title: str, facts: Iterable[tuple[str, str]], *more: str) -> str:
    rows = "".join(
        f'<tr><th style="{_CELL};{_FAINT};font-weight:normal">{escape(name)}</th>'
        f'<td style="{_CELL}">{_lines(text)}</td></tr>'
        for name, text in facts
    )
    return f'<div><b>{escape(title)}</b><table style="{_TABLE}">{rows}</table>{"".join(more)}</div>'


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f'<th style="{_CELL};{_FAINT}">{escape(one)}</th>' for one in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<table style="{_TABLE}"><tr>{head}</tr>{body}</table>'


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f'<td style="{_NUMBER}">{value:,}</td>'
    return f'<td style="{_CELL}">{_lines(str(value))}</td>'


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br/>")
