"""What PostgreSQL knows of its tables: columns with their types, keys, what it fills itself, rough counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from towpath.nouns import Existing, Stored
from towpath.postgresql import types
from towpath.postgresql.types import Native
from towpath.sqlnames import quoted

Rows = Callable[[str], list[Sequence[Any]]]
"""Runs a query and gives its rows."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. `native` is the type below its domains, if `domain` says that there are any."""

    name: str
    native: Native
    words: str
    required: bool
    generated: bool
    domain: bool

    @property
    def listed(self) -> bool:
        """Whether its values are lists in Arrow."""
        return bool(pa.types.is_list(self.stored.type))

    @property
    def stored(self) -> Stored:
        kept = types.declared(self.native, self.words)
        return replace(kept, narrow=kept.narrow or "only what its domain allows fits") if self.domain else kept


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view as `pg_class` knows it: `kind` r (table), p (partitioned), v (view) ..."""

    oid: int
    schema: str
    name: str
    kind: str

    @property
    def temporary(self) -> bool:
        return self.schema.startswith("pg_temp_")


def relation(rows: Rows, table: str) -> Relation | None:
    """The table or view that a name means in this session; None when there is none."""
    name = types.literal(quoted(table, types.quote))
    found = rows(
        "select c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text from pg_class c"
        f" join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass({name})"
        " and c.relkind in ('r', 'p', 'v', 'm', 'f')"
    )
    return Relation(*found[0]) if found else None


def columns(rows: Rows, oid: int) -> list[Column]:
    """The columns of a table in their order, each with the type below its domains."""
    found = rows(f"""
        with recursive below as (
            select attnum, atttypid as type, atttypmod as mod, attnotnull as needed, false as domain
            from pg_attribute where attrelid = {oid} and attnum > 0 and not attisdropped
            union all
            select attnum, typbasetype, typtypmod, needed or typnotnull, true
            from below join pg_type on pg_type.oid = below.type where typtype = 'd'
        )
        select a.attname::text,
            case when t.typnamespace = 'pg_catalog'::regnamespace then '' else t.typnamespace::regnamespace || '.' end
                || t.typname,
            b.mod::int8, t.typtype::text, format_type(a.atttypid, a.atttypmod), b.domain,
            b.needed and not a.atthasdef and a.attidentity = '' and a.attgenerated = '',
            a.attgenerated <> '' or a.attidentity = 'a'
        from below b join pg_type t on t.oid = b.type
        join pg_attribute a on a.attrelid = {oid} and a.attnum = b.attnum
        where t.typtype <> 'd' order by a.attnum
    """)
    return [
        Column(name, Native(type, mod, kind), words, required, generated, domain)
        for name, type, mod, kind, words, domain, required, generated in found
    ]


def existing(rows: Rows, table: str) -> Existing | None:
    """The table as a load or a reader finds it."""
    about = relation(rows, table)
    if about is None:
        return None
    found = columns(rows, about.oid)
    stored = {column.name: column.stored for column in found}
    return Existing(
        pa.schema([(name, kept.type) for name, kept in stored.items()]),
        stored,
        key=_key(rows, about.oid),
        generated=frozenset(column.name for column in found if column.generated),
        required=frozenset(column.name for column in found if column.required),
    )


def _key(rows: Rows, oid: int) -> tuple[str, ...]:
    found = rows(
        "select a.attname::text from pg_index i cross join unnest(i.indkey::int2[]) with ordinality as k(number, place)"
        f" join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number"
        f" where i.indrelid = {oid} and i.indisprimary order by k.place"
    )
    return tuple(name for (name,) in found)


def tables(rows: Rows) -> dict[str, int | None]:
    """All tables and views with the planner's guess of their rows; those of other schemas as `schema.table`."""
    found = rows(
        "select case when n.nspname = current_schema() then '' else n.nspname || '.' end || c.relname,"
        " case when c.relkind in ('r', 'm') and c.reltuples >= 0 then c.reltuples::int8 end"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition"
        " and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'"
        " and has_schema_privilege(n.oid, 'usage') order by 1"
    )
    return {name: None if size is None else int(size) for name, size in found}


def inserted(rows: Rows, table: str) -> int:
    """The rows that this transaction has put into a table and its partitions, by the server's own count. Where it keeps
    none (a view, `track_counts = off`), the rows that are there."""
    about = relation(rows, table)
    counts = rows("select current_setting('track_counts')::bool")[0][0]
    if about is None or about.kind not in ("r", "p") or not counts:
        return int(rows(f"select count(*) from {quoted(table, types.quote)}")[0][0])
    parts = f"select relid::oid from pg_partition_tree({about.oid}) where isleaf" if about.kind == "p" else about.oid
    sql = f"select sum(pg_stat_get_xact_tuples_inserted(oid))::int8 from pg_class where oid in ({parts})"
    return int(rows(sql)[0][0] or 0)


def version(rows: Rows, table: str) -> str | None:
    """Exact: the count of the rows and two sums over the place and the transaction of each. None for a view or a
    foreign table, whose rows have neither."""
    about = relation(rows, table)
    if about is None or about.kind not in ("r", "p", "m"):
        return None
    hashed = f"select hash_record_extended(row(tableoid, ctid, xmin), 0) as h from {quoted(table, types.quote)}"
    return str(rows(f"select concat_ws('/', count(*), sum(h), bit_xor(h)) from ({hashed}) as _towpath_rows")[0][0])
