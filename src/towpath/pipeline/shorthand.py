"""Short forms that the command line and tow.yaml share: lists of names, name=value pairs, sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from towpath.errors import UserError

_UNITS = {"": 1, "b": 1} | {
    prefix + unit: base**power
    for power, prefix in enumerate("kmgt", start=1)
    for unit, base in (("b", 1000), ("ib", 1024))
}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*", re.IGNORECASE)

_SECONDS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_SPAN = re.compile(rf"([0-9]+(?:\.[0-9]+)?)({'|'.join(_SECONDS)})")


def split(text: str, sign: str = ",", most: int = -1) -> list[str]:
    """The parts of `text` between signs that stand outside brackets `()`, `<>`, `[]` and double quotes."""
    parts: list[str] = []
    start, depth, quoted = 0, 0, False
    for at, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif letter in "(<[":
            depth += 1
        elif letter in ")>]":
            depth -= 1
        elif letter == sign and depth == 0 and len(parts) != most:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def names(text: str) -> list[str]:
    """`a, b` or `"a,b",c` as names; double quotes keep a comma (or blanks at the ends) in a name."""
    found = [_bare(part) for part in split(text)]
    if "" in found:
        raise UserError(
            f"an empty name in the list {text!r}", todo="take the comma out that has no name", code="option-wrong"
        )
    return found


def pairs(texts: Iterable[str], what: str) -> dict[str, str]:
    """Lists of `name=value` (`a=decimal(12,2),b=text`) as one mapping. A name twice raises UserError."""
    found: dict[str, str] = {}
    for part in (part for text in texts for part in split(text)):
        name, *value = split(part, "=", most=1)
        _add(found, _bare(name), _bare(value[0]) if value else None, part, what)
    return found


def options(texts: Iterable[str], what: str) -> dict[str, str]:
    """One `name=value` in each text; the value is everything behind the first `=`, as it stands."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        _add(
            found, name.strip(), value if sign else None, text, what, "write NAME=VALUE, and repeat the option for more"
        )
    return found


_PAIRS = "write NAME=VALUE, several parted by commas (such as zip=text,amount=int64)"


def _add(found: dict[str, str], name: str, value: str | None, part: str, what: str, todo: str = _PAIRS) -> None:
    if not name or value is None:
        raise UserError(
            f"{what}: {part!r} is not of the form name=value",
            todo=todo,
            code="option-wrong",
        )
    if name in found:
        raise UserError(f"{what}: {name!r} is given twice", todo="give each name once", code="option-wrong")
    found[name] = value


def size(text: str | int, what: str = "") -> int:
    """Bytes from `1GB` (10^9), `512MiB` (2^20 each) or a plain number. Raises UserError at `what`."""
    found = _SIZE.fullmatch(str(text))
    unit = _UNITS.get(found.group(2).lower()) if found else None
    if found is None or unit is None:
        raise UserError(
            f"{text!r} is no size", where=what, todo="write it like 500MB, 1GB or 2GiB", code="option-wrong"
        )
    return int(Decimal(found.group(1)) * unit)


def share(text: str, what: str = "") -> float:
    """A share of a whole from `1%` or `0.01`, above 0 and at most 1. Raises UserError at `what`."""
    digits, percent = (text[:-1], 100) if text.endswith("%") else (text, 1)
    try:
        found = float(digits) / percent
    except ValueError:
        found = 0.0
    if not 0 < found <= 1:
        raise UserError(f"{text!r} is no share", where=what, todo="write it like 1% or 0.01", code="option-wrong")
    return found


def seconds(text: str, what: str = "") -> float:
    """Seconds from `500ms`, `10s`, `5m`, `1h`, `1d`, or a plain number. Raises UserError at `what`."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise UserError(
            f"{text!r} is no span", where=what, todo="write it like 500ms, 10s, 5m or 1h", code="option-wrong"
        )
    return float(found[1]) * _SECONDS[found[2]]


def _bare(text: str) -> str:
    text = text.strip()
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1] if quoted else text
