"""Reading a query's columns without loss: what is asked of the server for each, and what Arrow makes of it.

A column's type is its own where Arrow holds all its values, which one pass over the rows finds out beforehand where it
is not presumed: infinite dates, NaN in numerics, 24:00:00 and arrays of several dimensions make it text in PostgreSQL's
own words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from towpath.errors import TypeUnfit, UserError
from towpath.postgresql import types
from towpath.postgresql.types import Native, quote

_PRECISION = 38
_LAST = "'294247-01-01'"
"""Timestamps reach further than Arrow's microseconds do."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a query: its name, its type there, and its type in Arrow."""

    name: str
    native: Native
    type: pa.DataType

    @property
    def text(self) -> bool:
        return bool(self.type == pa.string()) and self.native.name not in types.WORDS

    @property
    def digits(self) -> bool:
        """Whether its values come as the texts of decimals."""
        inner = self.type.value_type if pa.types.is_list(self.type) else self.type
        return bool(pa.types.is_decimal(inner))


def within(sql: str) -> str:
    """The query as a table of another one."""
    return f"(\n{sql.rstrip().rstrip(';')}\n) as _towpath_query"


def refuse_doubled(names: Sequence[str], where: str) -> None:
    """Raises UserError when two columns of a query have one name."""
    doubled = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if doubled is not None:
        raise UserError(
            f"the query has two columns named {doubled!r}",
            where=where,
            todo="give one of them another name: select ... as other",
            code="column-doubled",
        )


def fields(
    rows: Callable[[str], list[Sequence[Any]]],
    sql: str,
    natives: Sequence[tuple[str, Native]],
    sure: Collection[str] | None = None,
) -> tuple[list[Field], frozenset[str]]:
    """The columns of a query, each with the Arrow type that holds all the values that it has now, and the names of
    those of which that is presumed: with `sure`, of all others that declare a type with only a few values beyond."""
    asked, presumed = [], set()
    for name, native in natives:
        terms = _asked(quote(name), native)
        if terms and sure is not None and name not in sure and not _digitless(native):
            terms = []
            presumed.add(name)
        asked.append((name, native, terms))
    found: list[Any] = []
    every = ", ".join(term for _, _, terms in asked for term in terms)
    if every:
        found = list(rows(f"select {every} from {within(sql)}")[0])
    out = []
    for name, native, terms in asked:
        answers, found = found[: len(terms)], found[len(terms) :]
        out.append(Field(name, native, _type(native, answers)))
    return out, frozenset(presumed)


def _asked(column: str, native: Native) -> list[str]:
    """What to find out of all values of a column, as SQL aggregates; the first says whether its type holds them."""
    if _digitless(native):
        return [term.format(column) for term in (_OF_ARRAYS if native.element else _OF_NUMBERS)]
    condition = _condition(column, native)
    return [f"coalesce(bool_and({condition}), true)"] if condition else []


def _digitless(native: Native) -> bool:
    """Whether a column of numbers, or of arrays of them, does not say how many digits these have."""
    return native.name in ("numeric", "_numeric") and native.numeric is None


_FINITE, _SCALE, _WHOLE = "{0} <> 'NaN' and abs({0}) < 1e38", "scale({})", "length(ltrim(trunc(abs({}))::text, '0'))"
_OF_NUMBERS = (f"bool_and({_FINITE})", f"max({_SCALE})", f"max({_WHOLE})")
_SHAPED = "coalesce(array_ndims({0}) = 1 and array_lower({0}, 1) = 1, true)"
_EACH = "(select {} from unnest({{0}}) as _towpath_one)"
_ONE = "_towpath_one"
_OF_ARRAYS = (
    f"bool_and({_SHAPED} and {_EACH.format(f'coalesce(bool_and({_FINITE.format(_ONE)}), true)')})",
    f"max({_EACH.format(f'max({_SCALE.format(_ONE)})')})",
    f"max({_EACH.format(f'max({_WHOLE.format(_ONE)})')})",
)


def _condition(column: str, native: Native) -> str:
    """What makes a value one that the column's Arrow type holds; empty where all of them are."""
    if native.element is not None:
        if types.arrow(native) == pa.string():
            return ""
        inner = _condition(_ONE, Native(native.element, native.mod))
        each = f" and not exists (select 1 from unnest({column}) as {_ONE} where not {inner})" if inner else ""
        return _SHAPED.format(column) + each
    if native.numeric is not None:
        return f"{column} <> 'NaN'"
    return {
        "date": f"isfinite({column})",
        "time": f"{column} < '24:00:00'",
        "timestamp": f"(isfinite({column}) and {column} < {_LAST})",
        "timestamptz": f"(isfinite({column}) and {column} < {_LAST})",
    }.get(native.name, "")


def _type(native: Native, answers: Sequence[Any]) -> pa.DataType:
    if _digitless(native):
        finite, scale, whole = answers
        if scale is None and finite:  # no number to tell it by
            return pa.list_(pa.string()) if native.element else pa.string()
        if not finite or int(scale) + int(whole) > _PRECISION:
            return pa.string()
        kept = pa.decimal128(_PRECISION, int(scale))
        return pa.list_(kept) if native.element else kept
    return types.arrow(native) if all(answers) else pa.string()


def plain_text(column: str, native: Native) -> str:
    """A value as text in PostgreSQL's own words (a cast of `inet` adds `/32`)."""
    if native.name in ("inet", "cidr"):
        return f"case when {column} is not null then format('%s', {column}) end"
    return f"{column}::text"


def asked(sql: str, fields: Sequence[Field], *, plainly: bool = False, whole: bool = False) -> str:
    """The query with what is to be selected for its columns. `plainly`: times come as numbers, for drivers that make
    objects of them. `whole`: decimals come as they are, not as text."""
    terms = [_expression(field, plainly=plainly, whole=whole) for field in fields]
    if terms == [quote(field.name) for field in fields]:
        return sql
    return f"select {', '.join(terms)} from {within(sql)}"


def _expression(field: Field, *, plainly: bool, whole: bool) -> str:
    column = quote(field.name)
    if field.text:
        return f"{plain_text(column, field.native)} as {column}"
    if pa.types.is_list(field.type):
        textual = field.digits or field.type.value_type == pa.string()
        cast = f"::{'text' if textual else field.native.element}[]"
        numbered = _numbered(_ONE, field.native.element or "") if plainly else None
        if numbered is not None:
            array = (
                f"array(select {numbered} from unnest({column}) with ordinality as _towpath_each({_ONE}, place)"
                " order by place)"
            )
            return f"case when {column} is not null then {array} end as {column}"
        return f"{column}{cast} as {column}"
    numbered = _numbered(column, field.native.name) if plainly else None
    if numbered is not None:
        return f"{numbered} as {column}"
    textual = (field.digits and not whole) or field.native.name in types.WORDS
    return f"{column}::text as {column}" if textual else column


def _numbered(value: str, name: str) -> str | None:
    """Times as whole numbers: days, or microseconds, as Arrow keeps them."""
    if name == "date":
        return f"({value} - date '1970-01-01')"
    if name == "time":
        return f"round(extract(epoch from {value}) * 1000000)::int8"
    if name in ("timestamp", "timestamptz"):
        seconds = f"extract(epoch from date_trunc('second', {value}))::int8 * 1000000"
        return f"{seconds} + extract(microseconds from {value})::int8 % 1000000"
    return None


@contextmanager
def steady(where: str) -> Iterator[None]:
    """Raises TypeUnfit where a value is none of the type by which it is read."""
    try:
        yield
    except (ValueError, pa.ArrowTypeError) as error:
        raise TypeUnfit(
            str(error),
            where=where,
            todo="let it give the same each time (no random values, an order for each limit), or cast its columns",
        ) from error


def decoded(values: pa.Array, type: pa.DataType) -> pa.Array:
    """What came, as values of the field's type."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if values.type == type:
        return values
    if pa.types.is_list(type) and pa.types.is_list(values.type):
        return pa.ListArray.from_arrays(
            values.offsets,
            decoded(values.values, type.value_type),
            mask=values.is_null() if values.null_count else None,
        )
    return pc.cast(values, type)
