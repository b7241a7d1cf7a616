"""Hive partitions: columns whose values stand in the path (`year=2024/city=Bonn/part.parquet`), both ways."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from towpath.errors import DataError
from towpath.values import textform

NULL = "__HIVE_DEFAULT_PARTITION__"

# What Hive and Spark escape. Other characters stand as they are, letters of any script too.
_ESCAPED = re.compile(r"""[\x00-\x1f\x7f"#%'*/:=?\\{\[\]^]""")

_TYPES = (pa.int64(), pa.date32())


def folder(texts: Mapping[str, str | None]) -> str:
    """The path `k=v/k2=v2` of one partition, from its columns' values as text."""
    return "/".join(f"{_name(column)}={_value(text)}" for column, text in texts.items())


def values(path: str) -> dict[str, str | None]:
    """The partition columns in a file's path and their texts, outermost first. `k=` is the empty text.

    Raises DataError when one column stands in it twice."""
    found: dict[str, str | None] = {}
    for part in path.split("/")[:-1]:
        key, sign, value = part.partition("=")
        if not (key and sign):
            continue
        name = _unescape(key, path)
        if name in found:
            raise DataError(
                f"the partition column {name} stands in the path twice",
                where=path,
                todo="rename one of the folders",
                code="column-doubled",
            )
        found[name] = None if value == NULL else _unescape(value, path)
    return found


def type_of(texts: Iterable[str | None]) -> pa.DataType:
    """int64 or a date, if all texts are such in the one form that they are written in; else text.

    So a month `01` stays text: nothing of it is lost."""
    given = pa.array(sorted({text for text in texts if text is not None}), pa.string())
    for type in _TYPES if len(given) else ():
        if not len(textform.read(given, type)[1]):
            return type
    return pa.string()


def value(path: str, name: str, text: str | None, type: pa.DataType) -> pa.Scalar:
    """The value of a partition column. Raises DataError when the text is no value of its type."""
    read, bad = textform.read(pa.array([text], pa.string()), type)
    if len(bad):
        raise DataError(
            f"partition column {name} ({text!r}) is no {textform.type_name(type)}",
            where=path,
            todo="correct the folder's name, or give the column another type",
            code="type-violated",
        )
    return pc.cast(read, type)[0]


def same_columns(texts: Mapping[str, Mapping[str, str | None]]) -> tuple[str, ...]:
    """The partition columns that the path of every file has, in their order; `texts` holds the `values` of each.

    Raises DataError naming two files that differ in theirs."""
    paths = list(texts)
    first = tuple(texts[paths[0]]) if paths else ()
    for path in paths:
        if tuple(texts[path]) != first:
            raise DataError(
                f"its path has the partition columns {_list(texts[path])}, that of {paths[0]} has {_list(first)}",
                where=path,
                todo="read files of one layout only",
                code="columns-differ",
            )
    return first


def _name(column: str) -> str:
    """A leading dot would hide the folder."""
    return "%2E" + _escape(column[1:]) if column.startswith(".") else _escape(column)


def _value(text: str | None) -> str:
    if text is None:
        return NULL
    return "%5F" + text[1:] if text == NULL else _escape(text)


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda found: f"%{ord(found[0]):02X}", text)


def _unescape(text: str, path: str) -> str:
    """Raises DataError for bytes that are no UTF-8: there is no text to take them for."""
    try:
        plain = unquote(text, errors="strict")
        plain.encode()
    except UnicodeError as error:
        raise DataError(
            "a partition folder's name is not UTF-8", where=repr(path), todo="rename it", code="text-undecodable"
        ) from error
    return plain


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "(none)"
