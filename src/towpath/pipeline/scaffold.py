"""A first tow.yaml for a source: what is there is looked at, and said in comments; what is guessed is said to be."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa

from towpath import address, assemble, url
from towpath.errors import Refused, TowError, UserError
from towpath.job import InputSpec, OutputSpec
from towpath.look.peek import Peeked, peek
from towpath.look.screen import visible
from towpath.pipeline.connections import user_connections
from towpath.receipt import count
from towpath.seams.database import ListsTables
from towpath.values import textform

_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./*-]*")
_WORDS = {"true", "false", "null"}
_WAREHOUSE = "warehouse.duckdb"
_CHANGED = re.compile(r"(updated|modified|changed|created|inserted|loaded|event|ts|timestamp|time|date)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """One dataset to move: the step's name, what is read, what was seen of it, and a table's primary key."""

    name: str
    read: InputSpec
    seen: Peeked
    key: tuple[str, ...] = ()
    table: bool = False

    def key_guess(self) -> str | None:
        """A column whose values are all there and all different in the rows looked at; one named like a key first."""
        if not self.seen.counted:
            return None
        fit = [
            field.name
            for field, one in zip(self.seen.schema, self.seen.figures, strict=True)
            if one.nulls == 0 and one.distinct.exact and one.distinct.count == self.seen.counted and _may_be_key(field)
        ]
        named = [name for name in fit if re.search(r"(^|_)(id|key|uuid|code|number|no)$", name, re.IGNORECASE)]
        return next(iter([*named, *fit]), None)

    def cursor_guess(self) -> str | None:
        """A column without nulls by which a table may be read onwards: a time first, else a whole number key."""
        whole = {
            field.name: field.type
            for field, one in zip(self.seen.schema, self.seen.figures, strict=True)
            if one.nulls == 0
        }
        times = [name for name, type in whole.items() if pa.types.is_timestamp(type) or pa.types.is_date(type)]
        key = self.key[0] if len(self.key) == 1 else self.key_guess()
        numbers = [name for name, type in whole.items() if name == key and pa.types.is_integer(type)]
        return next(iter([*(name for name in times if _CHANGED.search(name)), *times, *numbers]), None)


def look(spec: InputSpec) -> list[Found]:
    """What an address holds: one dataset, or every table of a database without `#table`. Raises TowError."""
    if spec.address == "-":
        raise UserError("standard input cannot be looked at twice", todo="save it as a file first", code="option-wrong")
    if url.plain_secrets(spec.address):
        raise UserError(
            "the address holds a password, which would stand in the file for all to read",
            todo="write ${env:NAME} or ${keyring:service/user} in its place",
            code="secret-plain",
        )
    at = assemble.located(spec.address, None, ".")
    if at.kind == "file":
        return [Found(_stem(at.path), spec, _seen(spec))]
    if at.table is not None:
        return [_table(spec, at.table)]
    names = _names(_tables(spec.address))
    return [replace(_table(_of_table(spec, table), table), name=name) for table, name in names.items()]


def text(found: Sequence[Found], to: str | None, folder: Path) -> str:
    """The tow.yaml to be written in `folder` that moves what was found to `to` (None: a DuckDB file beside it)."""
    target = _Target.of(to, found, folder)
    out = [
        "# Written by `tow init` from a look at the source. `tow lint` checks this file, `tow plan` says what it would",
        "# do, `tow run` does it. `tow schema > tow.schema.json` lets editors complete its keys.",
        f"pipeline: {_step_name(folder.absolute().name) or 'pipeline'}",
        "",
    ]
    if target.connection is not None:
        out += ["connections:", f"  warehouse: {_quoted(target.connection)}", ""]
    out.append("steps:")
    for one in found:
        out += [*_step(one, target, folder), ""]
    return "\n".join(out).rstrip() + "\n"


@dataclass(frozen=True, slots=True)
class _Target:
    """Where steps write: `form` has `{}` for the step's name; `connection` is the address of `warehouse`; `keyed`: a
    table, whose rows can be merged."""

    form: str
    connection: str | None = None
    keyed: bool = True

    @staticmethod
    def of(to: str | None, found: Sequence[Found], folder: Path) -> _Target:
        if to is None:
            read = {os.path.realpath(assemble.located(one.read.address, None, ".").path) for one in found}
            name = _WAREHOUSE
            while os.path.realpath(folder / name) in read:
                name = f"copy_of_{name}"
            return _Target("warehouse#{}", f"duckdb:///{name}")
        at = address.parse(to, user_connections())
        if at.kind == "file" and not at.folder:
            _buildable(to)
        head, keyed = to.partition("#")[0], at.kind == "table"
        if head in user_connections():
            form = to.replace("{", "{{").replace("}", "}}") if "#" in to else f"{head}#{{}}"
            return _Target(form, keyed=keyed)
        written = _seen_from(to, folder)
        if at.kind == "table" and at.table is None:
            return _Target("warehouse#{}", written)
        if at.folder and len(found) > 1:
            return _Target(written.replace("{", "{{").replace("}", "}}") + "{}.parquet", keyed=False)
        if len(found) > 1:
            raise UserError(
                f"{to} is one place, and the source has {len(found)} tables",
                todo="name a folder ending in /, or a database without #table",
                code="destination-wrong",
            )
        return _Target(written.replace("{", "{{").replace("}", "}}"), keyed=keyed)


def _buildable(to: str) -> None:
    """Raises UserError for a file that no step could write, such as one without a format in its name."""
    try:
        assemble.build_destination(OutputSpec(to), user_connections())
    except UserError as error:
        if error.code == "format-unclear":
            error.todo = f"name a file such as {to}.parquet, a folder ({to}/), or a database"
        raise


def _step(one: Found, target: _Target, folder: Path) -> Iterator[str]:
    seen = one.seen
    looked = f"all {count(seen.counted, 'row')}" if seen.whole else f"the first {count(seen.counted, 'row')}"
    yield f"  {one.name}:"
    yield f"    # Columns, from {looked}:"
    width = max((len(visible(name)) for name in seen.schema.names), default=0)
    for field, figures in zip(seen.schema, seen.figures, strict=True):
        nulls = f"  {figures.nulls:,} null" if figures.nulls else ""
        yield f"    #   {visible(field.name):<{width}}  {textform.type_name(field.type)}{nulls}"
    if not seen.settled:
        yield "    # A type that does not hold for all rows widens by itself; `types: {COLUMN: TYPE}` pins it."
    yield f"    from: {_input(one.read, folder)}"
    yield f"    to: {_quoted(target.form.format(one.name))}"
    yield "    # replace: every run that finds something new puts all rows in place of the old ones."
    yield "    mode: replace"
    yield from _advice(one, looked, keyed=target.keyed)


def _advice(one: Found, looked: str, *, keyed: bool) -> Iterator[str]:
    """Other modes that the destination can have, as comments."""
    guess = one.key_guess()
    key, why = (one.key, "the primary key") if one.key else ((guess,), f"a guess: unique, never null in {looked}")
    cursor = one.cursor_guess() if one.table and keyed else None
    if key[0] is not None and keyed:
        yield "    # merge: rows are updated by the key, and new ones inserted."
        yield "    # mode: merge"
        yield f"    # key: {_listed([str(name) for name in key])}  # {why}"
    if cursor is not None:
        yield "    # With merge, a cursor reads on from the greatest value of the last run (a guess too). It finds"
        yield "    # changed rows only where each change raises it, as a time of change does and an id does not."
        yield f"    # cursor: {_quoted(cursor)}"
    if not one.table:
        yield "    # append: the rows of new files are added to those that are there."
        yield "    # mode: append"


def _table(spec: InputSpec, table: str) -> Found:
    existing = assemble.destination(OutputSpec(spec.address, options=spec.options)).describe()
    key = existing.key if existing is not None else ()
    return Found(_step_name(table) or "table", spec, _seen(spec), key, table=True)


def _of_table(spec: InputSpec, table: str) -> InputSpec:
    return replace(spec, address=f"{spec.address}#{quote(table, safe='')}")


def _tables(text: str) -> list[str]:
    database = assemble.database(text)
    with database.read() as session:
        found = session.tables() if isinstance(session, ListsTables) else {}
    tables = sorted(name for name in found if not name.removeprefix("main.").startswith("_towpath"))
    if not tables:
        raise Refused("has no tables", where=text, todo="name one: ADDRESS#TABLE", code="rows-missing")
    return tables


def _seen(spec: InputSpec) -> Peeked:
    try:
        return peek(spec, 0)
    except TowError as error:
        error.where = error.where or spec.address
        raise


def _may_be_key(field: pa.Field) -> bool:
    return bool(
        pa.types.is_integer(field.type) or pa.types.is_string(field.type) or pa.types.is_fixed_size_binary(field.type)
    )


def _input(spec: InputSpec, folder: Path) -> str:
    """The step's input: text where it can be, else a mapping."""
    written = _quoted(_seen_from(spec.address, folder))
    others = {"format": spec.format, "options": dict(spec.options) or None, "table": spec.table}
    given = {name: json.dumps(value, ensure_ascii=False) for name, value in others.items() if value is not None}
    if not given:
        return written
    return "{" + ", ".join([f"address: {written}", *(f"{name}: {value}" for name, value in given.items())]) + "}"


def _seen_from(text: str, folder: Path) -> str:
    """An address that is meant from the working folder, as it is written in a file of `folder`."""
    if folder.absolute() == Path.cwd() or "${" in text or text.partition("#")[0] in user_connections():
        return text
    return address.rooted(text, str(Path.cwd()))


def _names(tables: Sequence[str]) -> Mapping[str, str]:
    """A step's name for each table, each its own."""
    found: dict[str, str] = {}
    for table in tables:
        base = name = _step_name(table) or "table"
        number = 2
        while name in found.values():
            name, number = f"{base}_{number}", number + 1
        found[table] = name
    return found


def _step_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")


def _stem(path: str) -> str:
    """A step's name from a path: its file's name without endings, or for wildcards the part before them."""
    parts = [part for part in re.split(r"[\\/]", path) if part]
    for part in reversed(parts):
        name = _step_name(re.split(r"[*?\[.]", part.lstrip("."))[0])
        if name:
            return name
    return "data"


def _listed(names: Sequence[str]) -> str:
    return _quoted(names[0]) if len(names) == 1 and "," not in names[0] else json.dumps(list(names), ensure_ascii=False)


def _quoted(text: str) -> str:
    """A text as YAML reads it back, quoted where it must be. (JSON's quoted texts are YAML's, less surrogates.)"""
    escaped = re.sub(r"\$\{(?!env:|keyring:|file:)", "$${", text)
    plain = _PLAIN.fullmatch(escaped) and escaped.lower() not in _WORDS
    if plain:
        return escaped
    text = json.dumps(escaped, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in text)
