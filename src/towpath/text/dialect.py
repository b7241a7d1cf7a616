"""The dialect of a delimited file: its delimiter, found from its first bytes, and its column names."""

from __future__ import annotations

from collections import Counter

from towpath.errors import DataError
from towpath.text.scan import Grammar, Outcome

DELIMITERS = (",", ";", "\t", "|")
SNIFF_BYTES = 1 << 16
SNIFF_RECORDS = 100


def sniff(begin: bytes, whole: bool, quote: str | None, delimiters: tuple[str, ...] = DELIMITERS) -> str:
    """The delimiter that gives the first record several fields and most others as many; the first of
    `delimiters` when none does. `begin` is the file's first bytes, `whole` says that they are all of it."""
    best, found = (0.0, 0), delimiters[0]
    for delimiter in delimiters:
        widths = _widths(begin, whole, Grammar(delimiter, quote))
        if not widths or widths[0] < 2:
            continue
        score = (widths.count(widths[0]) / len(widths), widths[0])
        if score > best:
            best, found = score, delimiter
    return found


def _widths(begin: bytes, whole: bool, grammar: Grammar) -> list[int]:
    widths: list[int] = []
    at = len(begin) - len(begin.lstrip(b"\r\n"))
    while at < len(begin) and len(widths) < SNIFF_RECORDS:
        outcome, end = grammar.scan(begin, at, whole)
        if outcome is Outcome.INCOMPLETE and not widths:  # a header longer than the bytes at hand
            end = len(begin)
        elif outcome is not Outcome.COMPLETE:
            break
        if begin[at] not in b"\r\n":
            widths.append(len(grammar.fields(begin, at, end)))
        at = end
    return widths


def column_names(fields: list[bytes], where: str) -> list[str]:
    """The names that a header row gives. Raises DataError for an empty, repeated or undecodable one."""
    todo = "correct the header, or read without one (option header=false: columns c1, c2, ...)"
    try:
        names = [field.decode() for field in fields]
    except UnicodeDecodeError as error:
        raise DataError(
            f"a column name is not valid text: {error.object!r}",
            where=where,
            todo=f"name the encoding (option encoding), {todo}",
        ) from error
    if "" in names:
        raise DataError(f"column {names.index('') + 1} of {len(names)} has no name", where=where, todo=todo)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"the column name {twice[0]!r} is there twice", where=where, todo=todo)
    return names
