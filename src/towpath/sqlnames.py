"""Names of tables as people write them: `orders`, or `schema.orders`."""

from __future__ import annotations

from collections.abc import Callable

from towpath.errors import UserError


def parts(table: str) -> tuple[str | None, str]:
    """The schema, if the name has one, and the table's own name; the first dot parts them."""
    schema, dot, name = table.partition(".")
    return (schema, name) if dot else (None, table)


def quoted(table: str, quote: Callable[[str], str]) -> str:
    """The table's name for SQL, its parts quoted by `quote`."""
    schema, name = parts(table)
    return quote(name) if schema is None else f"{quote(schema)}.{quote(name)}"


def beside(table: str, name: str) -> str:
    """Another table's name, in the schema of `table`."""
    schema, _ = parts(table)
    return name if schema is None else f"{schema}.{name}"


def matched(name: str, columns: list[str]) -> list[str]:
    """The column of that name, or else those that differ in case alone."""
    return [name] if name in columns else [column for column in columns if column.casefold() == name.casefold()]


def doubled(names: list[str]) -> tuple[str, str] | None:
    """The first two names that differ at most in case, which SQL takes for one column."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other is not name:
            return other, name
    return None


def refuse_doubled(names: list[str], where: str) -> None:
    """Raises UserError when two of a query's columns are `doubled`."""
    pair = doubled(names)
    if pair is not None:
        raise UserError(
            f"the query has the columns {pair[0]!r} and {pair[1]!r}, which are one name in SQL",
            where=where,
            todo="give one of them another name: select ... as other",
            code="column-doubled",
        )
