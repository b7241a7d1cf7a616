"""Dialect: how one database's SQL says what the table join has to say in all of them.

Facts and templates, no behaviour; the defaults are what DuckDB and SQLite understand. In templates `{}` stands for an
expression or a name that is quoted already.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    text: str = "cast({} as varchar)"
    """A value as text that tells any two different values apart (`-0.0` from `0.0`)."""

    same: str = "{} is not distinct from {}"
    """Whether two values are equal or both null."""

    same_text: str = "({0} is not distinct from {1} and hex({0}) is not distinct from hex({1}))"
    """The same of two columns that Arrow has as text, to the letter, whatever their collation says."""

    ordered: str = "{}"
    """A column of text, so that `<`, `max` and `order by` go by code points."""

    kinds: str | None = None
    """A value's type, in a database whose columns may hold values of several types."""

    joined: str = "{} || ', ' || {}"
    """Two texts as one."""

    literal: str = "'{}'"
    """A text form (signs in it written by `escapes`) as a value that a column of its type is compared with."""

    escapes: tuple[tuple[str, str], ...] = (("'", "''"),)
    """How signs are written between the quotes of a text."""

    zoned_literals: bool = True
    """Whether such a text form of an instant may end in its Z. Otherwise it is left out, and UTC is meant."""

    key_type: str = "varchar"
    """A type for text that may be a primary key and tells letters from each other."""

    long_type: str = "varchar"
    """A type for text of any length."""

    temporary: str = "create temp table {} ({})"
    """Makes a table that only this session sees; does not end its transaction."""

    drop_temporary: str = "drop table {}"
    """Drops such a table; does not end its transaction either."""

    rename: str = "alter table {table} rename to {name}"
    """Gives a table another name in its schema; fails when that one is taken. `name` is the new name alone, `whole` the
    same with its schema."""

    current: str = ""
    """What a query ends with that is to see what is committed by now, and to keep it so until the transaction ends,
    where the transaction itself does not do that."""

    update: str = "update {table} as _old_ set {changes} from {stage} as _new_ where {where}"
    """Changes the rows of `table` that meet rows of `stage`; `changes` are made of `change`."""

    change: str = "{} = {}"
    """One assignment of `update`: a column of `table`, and an expression."""

    mark: str | None = None
    """Notes in the rows of `stage` which of them meet rows of `table`, for `unmet`; None where a join tells it fast."""

    unmet: str = "left join {table} as _old_ on {where} where _old_.{key} is null"
    """Leaves of the rows of a temporary table, `_new_`, those that meet none of `table`."""

    delete: str = "delete from {table} as _old_ where {where}"

    add_column: str = "alter table {} add column {} {}"
    widen_column: str = "alter table {} alter column {} type {}"

    lock: str | None = None
    """Keeps other writers out of a table until the transaction ends, while readers go on; None where the transaction
    itself does that."""

    folds_case: bool = True
    """Whether names that differ in case alone are one name."""

    counts_characters: bool = False
    """Whether the longest name (`Database.name_bytes`) is meant in characters."""

    misnamed: tuple[tuple[str, str], ...] = (("\0", "a name has no U+0000"),)
    """What no name of a table or column has: patterns that are searched in it, and each said in a clause."""

    own_columns: frozenset[str] = frozenset()
    """Columns that every table has without being asked, whose names no other can have."""

    home_schema: str = "main"
    """The schema that is meant when a table is named without one."""

    updates_zero_signs: bool = True
    """Whether an update from 0.0 to -0.0 changes the value."""

    ddl_in_transaction: bool = True
    """Whether a transaction takes back the tables that it made and changed. Otherwise such a statement ends it."""


STANDARD = Dialect()
