"""The dialect of a delimited file: its delimiter, found from its first bytes, and its column names."""

from __future__ import annotations

from collections import Counter

from towpath.badrows import shorten
from towpath.errors import DataError
from towpath.text.scan import Grammar, Outcome

DELIMITERS = (",", ";", "\t", "|")
SNIFF_BYTES = 1 << 16
SNIFF_RECORDS = 100


def sniff(begin: bytes, whole: bool, quote: str | None, decimal: str = ".") -> str:
    """The delimiter that gives the first record several fields and most others as many; the usual one when none does.
    The decimal sign is one only where no other serves: a file may have its numbers in quotes.
    `begin` is the file's first bytes, `whole` says that they are all of it.

    A record with a quote inside an unquoted field counts as another: under a wrong delimiter the quotes around names
    that hold it look so."""
    others = tuple(sign for sign in DELIMITERS if sign != decimal)
    last = tuple(sign for sign in DELIMITERS if sign == decimal)
    return _best(begin, whole, quote, others) or _best(begin, whole, quote, last) or others[0]


def _best(begin: bytes, whole: bool, quote: str | None, delimiters: tuple[str, ...]) -> str | None:
    grammars = {sign: Grammar(sign, quote) for sign in delimiters if sign.encode() in begin}
    parting = [sign for sign, grammar in grammars.items() if _width(_shapes(begin, whole, grammar, 1)) > 1]
    if len(parting) < 2:  # most files: no need to look further
        return parting[0] if parting else None
    best, found = (0.0, 0), None
    for sign in parting:
        shapes = _shapes(begin, whole, grammars[sign], SNIFF_RECORDS)
        width = _width(shapes)
        score = (shapes.count((width, True)) / len(shapes), width)
        if score > best:
            best, found = score, sign
    return found


def _width(shapes: list[tuple[int, bool]]) -> int:
    return shapes[0][0] if shapes else 0


def _shapes(begin: bytes, whole: bool, grammar: Grammar, most: int) -> list[tuple[int, bool]]:
    """Of each record its number of fields (0: broken), and whether its quotes stand only around fields."""
    shapes: list[tuple[int, bool]] = []
    at = len(begin) - len(begin.lstrip(b"\r\n"))
    while at < len(begin) and len(shapes) < most:
        outcome, end = grammar.scan(begin, at, whole)
        if outcome is Outcome.INCOMPLETE and shapes:
            break
        if outcome is Outcome.BROKEN:
            shapes.append((0, False))
            end = begin.find(b"\n", at) + 1 or len(begin)
        elif begin[at] not in b"\r\n":
            end = len(begin) if outcome is Outcome.INCOMPLETE else end  # a header longer than the bytes at hand
            fields = grammar.fields(begin, at, end)
            sign = b"" if grammar.quote is None else bytes([grammar.quote])
            shapes.append((len(fields), not sign or all(field[:1] == sign or sign not in field for field in fields)))
        at = end
    return shapes


_BEGINS = {
    b"PAR1": ("it is no text: it begins as Parquet files do", "name its format: --from-format parquet"),
    b"ARROW1": ("it is no text: it begins as Arrow files do", "name its format: --from-format arrow"),
    b"SQLite format 3": ("it is no text, but a SQLite database", "read a table of it: sqlite:///FILE#TABLE"),
    b"PK\x03\x04": (
        "it is no text: it begins as zip files and spreadsheets (.xlsx) do",
        "export the sheet as CSV; a zip of one file is named .zip",
    ),
}
"""How files begin that are met under the name of a text file, in words, and what to do."""


def column_names(fields: list[bytes], where: str) -> list[str]:
    """The names that a header row gives. Raises DataError for an empty, repeated or undecodable one."""
    todo = "correct the header, or read without one (option header=false: columns c1, c2, ...)"
    try:
        names = [field.decode() for field in fields]
    except UnicodeDecodeError as error:
        known = next((words for sign, words in _BEGINS.items() if fields[0].startswith(sign)), None)
        what, cure = known or (
            f"a column name is not valid text: {shorten(repr(error.object))}",
            f"name the encoding (option encoding), {todo}",
        )
        raise DataError(what, where=where, todo=cure, code="text-undecodable") from error
    if "" in names:
        raise DataError(
            f"column {names.index('') + 1} of {len(names)} has no name", where=where, todo=todo, code="header-wrong"
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"the column name {twice[0]!r} is there twice", where=where, todo=todo, code="header-wrong")
    return names
