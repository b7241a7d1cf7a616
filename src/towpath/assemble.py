"""Builds sources and destinations from what people wrote: address, options, registry, joins. Opens nothing yet."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from towpath import address as addresses
from towpath import codecs, registry, userfiles
from towpath.address import Address
from towpath.built import Built
from towpath.errors import UserError
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.options import build
from towpath.outputs import Packing, check_sizes, packing, refuse_for_table
from towpath.seams.database import Database, LimitsMemory
from towpath.seams.destination import Destination
from towpath.seams.engine import Engine
from towpath.seams.format import Format
from towpath.seams.source import Source
from towpath.seams.store import Store
from towpath.secrets.login import complete
from towpath.secrets.plain import refuse_hidden, warn
from towpath.secrets.references import resolve, resolve_options
from towpath.secrets.secret import Secret, named_secret
from towpath.url import SCHEME, plain_password, shown

_DEFAULT_FOLDER_FORMAT = "parquet"
_MERGE_MEMORY = 128 << 20
"""What DuckDB needs to merge into some million rows without going to disk for each block."""


def source(spec: InputSpec, connections: Mapping[str, str] | None = None, folder: str = ".") -> Source:
    """The source that a spec names; see `build_source` for the route too."""
    built: Source = build_source(spec, connections, folder).part
    return built


def build_source(
    spec: InputSpec,
    connections: Mapping[str, str] | None = None,
    folder: str = ".",
    *,
    reread_changed: bool = False,
    names_rows: bool = False,
    memory: int | None = None,
) -> Built:
    """`folder`: where relative paths start. `memory`: the bytes that the job plans with. `reread_changed` (merge by
    key) and `names_rows` (each row is kept with the name of its file): a file that changed since the checkpoint is read
    again whole instead of refused.

    Raises UserError for an address, format or option that does not exist or does not fit."""
    at = located(spec.address, connections, folder)
    spec = replace(spec, options=resolve_options(spec.options, folder))
    if at.kind == "topic":
        import towpath.assemble_topics as topics

        return topics.source(at, spec, folder)
    if at.kind == "table" or spec.query is not None or spec.table is not None:
        return _table_source(at, spec, memory)
    _refuse_cursor(at, spec)
    from towpath.joins.file_source import FileSource

    store_row, store = _store(at)
    options = dict(spec.options)
    hive = options.pop("hive", None)  # of the paths, not of the format
    hive = build(_Hive, {"hive": hive}, "files").hive if hive is not None else None
    format_row, format, codec = _format(at, spec.format, options, store, writing=False)
    made = FileSource(
        store,
        format,
        at.path,
        codec,
        shown=str(at),
        hive=hive,
        base=folder if at.scheme == "file" else ".",
        reread_changed=reread_changed,
        names_rows=names_rows,
    )
    return Built(made, (store_row, format_row))


def reads_table(spec: InputSpec, connections: Mapping[str, str] | None = None, folder: str = ".") -> bool:
    """Whether an input is a table or query of a database, rather than files. Raises UserError for a wrong address."""
    return bool(spec.table or spec.query) or located(spec.address, connections, folder).kind == "table"


def _refuse_cursor(at: Address, spec: InputSpec) -> None:
    """Files are read onwards by name."""
    if spec.since is not None or spec.until is not None:
        raise UserError(
            f"{at} is a file and has no cursor that --since and --until could be about",
            todo="keep its rows by a condition: --where \"day >= '2026-01-01'\"",
            code="cursor-missing",
        )
    if spec.cursor is not None or spec.lookback is not None:
        raise UserError(
            f"{at} is a file and has no cursor",
            todo="files are read onwards by name; leave `cursor` and `lookback` out",
            code="cursor-missing",
        )


def database(text: str, connections: Mapping[str, str] | None = None, folder: str = ".") -> Database:
    """The database that an address names, whatever table it names in it. Raises UserError when it is no database."""
    at = located(text, connections, folder)
    if at.kind != "table":
        raise UserError(
            f"{at} is not a database, so it has no tables",
            todo="name a database: duckdb:///shop.db",
            code="address-wrong",
        )
    return _database(at, {})[1]


def _table_source(at: Address, spec: InputSpec, memory: int | None) -> Built:
    from towpath.joins.table_source import TableSource

    at = at.with_table(spec.table)
    if at.kind != "table":
        raise UserError(
            f"{at} is not a database, so it takes no query",
            todo="query a file by SQL over its rows: --sql 'select ... from input'",
            code="options-conflict",
        )
    if (at.table is None) == (spec.query is None):
        raise UserError(
            f"{at} names {'a table and a query' if at.table else 'no table'}",
            todo=f"write {at.scheme}:///{at.path}#TABLE, or give --table or --query",
            code="table-unnamed",
        )
    if spec.format is not None:
        raise UserError(
            f"{at} is a database; it has no format {spec.format!r}",
            todo="leave the format out (--from-format)",
            code="options-conflict",
        )
    row, database = _database(at, spec.options, None if memory is None else memory // 4)
    made = TableSource(
        database,
        table=at.table,
        query=spec.query,
        cursor=spec.cursor,
        monotonic=spec.monotonic,
        lookback=spec.lookback,
        since=spec.since,
        until=spec.until,
        shown=str(at),
    )
    return Built(made, (row,))


def build_destination(
    spec: OutputSpec, connections: Mapping[str, str] | None = None, folder: str = ".", *, memory: int | None = None
) -> Built:
    """The destination that a spec names: a table, one file, or a folder of files. `folder`, `memory`: see
    `build_source`."""
    at = located(spec.address, connections, folder)
    spec = replace(spec, options=resolve_options(spec.options, folder))
    if at.kind == "topic":
        import towpath.assemble_topics as topics

        return topics.destination(at, spec, folder)
    if at.kind == "table" or spec.table is not None:
        return _table_destination(at.with_table(spec.table), spec, memory)
    if spec.before or spec.after:
        raise UserError(
            f"{at} is no database table, so there is no transaction for --before-sql and --after-sql",
            todo="leave them out, or name a table",
            code="option-wrong",
        )
    if at.glob:
        raise UserError(
            f"{at} has a wildcard, so it names no one destination",
            todo="name a file, or a folder ending in /",
            code="address-wrong",
        )
    in_folder = at.folder or bool(spec.partition_by)
    check_sizes(spec, str(at), folder=in_folder)
    store_row, store = _store(at)
    if in_folder:
        from towpath.joins.folder_destination import FolderDestination

        if at.path == "-":
            raise UserError(
                "standard output cannot be partitioned", todo="write to a folder: out/", code="options-conflict"
            )
        format_row, format, packed = _written(at, spec, spec.format or _folder_format(store, at), store)
        written = FolderDestination(
            store,
            format,
            at.path.rstrip("/") + "/",
            packed.codec,
            level=packed.level,
            partition_by=spec.partition_by,
            rows_per_file=spec.rows_per_file,
            file_bytes=spec.file_bytes,
            shown=str(at),
        )
        return Built(written, (store_row, format_row))
    from towpath.joins.file_destination import FileDestination

    format_row, format, packed = _written(at, spec, spec.format, store)
    made = FileDestination(store, format, at.path, packed.codec, level=packed.level, shown=str(at))
    return Built(made, (store_row, format_row))


def destination(spec: OutputSpec, connections: Mapping[str, str] | None = None, folder: str = ".") -> Destination:
    """The destination that a spec names; see `build_destination` for the route too."""
    built: Destination = build_destination(spec, connections, folder).part
    return built


def _table_destination(at: Address, spec: OutputSpec, memory: int | None) -> Built:
    from towpath.joins.table_destination import TableDestination

    if at.table is None:
        raise UserError(
            f"{at} names no table", todo=f"write {str(at).rstrip('#')}#TABLE, or give --to-table", code="table-unnamed"
        )
    if spec.format is not None or spec.partition_by:
        given = f"format {spec.format!r}" if spec.format is not None else "partitions"
        raise UserError(
            f"{at} is a database table; it has no {given}",
            todo=f"leave {'--to-format' if spec.format is not None else '--partition-by'} out",
            code="options-conflict",
        )
    refuse_for_table(spec, str(at))
    # A merge holds blocks of the table and of what came to it at once.
    share = None if memory is None else max(memory // 4, min(memory // 2, _MERGE_MEMORY))
    row, database = _database(at, spec.options, share)
    made = TableDestination(database, at.table, shown=str(at), schema=spec.schema, before=spec.before, after=spec.after)
    return Built(made, (row,))


def engine(spec: JobSpec) -> Engine:
    """The engine of a job, with half of its memory."""
    made: Engine = registry.make(registry.find("engine", "duckdb"), {"memory": spec.memory // 2})
    return made


def located(text: str, connections: Mapping[str, str] | None, folder: str) -> Address:
    """The address that a text with references names, seen from `folder`; it is shown as it was written, less secrets.
    A name that is none of `connections` may be one of the user's own (`towpath.pipeline.connections`)."""
    head = text.partition("#")[0]
    written = (connections or {}).get(head) or _users_own(head)
    named = {}
    if written is not None:
        named[head] = addresses.rooted(resolve(written, f"connection {head}", folder), folder)
    meant = text if written is None else written
    if plain_password(meant):
        warn(f"the password in {shown(meant)}")
    at = addresses.parse(addresses.rooted(resolve(text, folder=folder), folder, named), named)
    if at.password is not None:
        refuse_hidden(at.password.reveal(), f"the password in {shown(meant)}")
    return replace(at, text=shown(text), options=_address_options(meant, at, folder))


def _users_own(name: str) -> str | None:
    """The address of a connection of the user's own file, which is not read when the name cannot be one."""
    if not name or any(sign in name for sign in ":/\\$") or not (userfiles.config() / "connections.yaml").exists():
        return None
    from towpath.pipeline.connections import user_connections

    return user_connections().get(name)


def _address_options(written: str, at: Address, folder: str) -> Mapping[str, Any]:
    """What stands behind `?`; what came from a reference is a Secret, or else it would count as written plainly."""
    if at.scheme not in ("file", "-") and SCHEME.match(written):
        return resolve_options(addresses.server(written).options, folder)
    return {name: Secret(value, name) if named_secret(name) else value for name, value in at.options.items()}


def opened(at: Address) -> Database | Store:
    """The database or store that an address lies in, for who looks into it without reading rows."""
    return _database(at, {})[1] if at.kind == "table" else _store(at)[1]


def _store(at: Address) -> tuple[registry.Row, Store]:
    row = registry.chosen("store", at.scheme, at.library)
    login = {"user": at.user, "password": at.password, "host": at.host, "port": at.port}
    given = {name: value for name, value in login.items() if value is not None}
    return row, registry.make(row, {**given, **at.options})


def _database(at: Address, options: Mapping[str, Any], memory: int | None = None) -> tuple[registry.Row, Database]:
    """The database of an address; its engine, if it runs here, keeps to `memory` bytes."""
    row, at = registry.chosen("database", at.scheme, at.library), complete(at)
    named = {"path": at.path, "user": at.user, "password": at.password, "host": at.host, "port": at.port}
    given = {name: value for name, value in named.items() if value is not None} | dict(at.options)
    for name in options:
        if name.replace("-", "_") in given:
            raise UserError(f"{at} says its {name} already", todo=f"leave out the option {name}", code="option-wrong")
    made = registry.make(row, {**given, **options})
    if memory is not None and isinstance(made, LimitsMemory):
        made.limit(memory)
    return row, made


def _written(at: Address, spec: OutputSpec, name: str | None, store: Store) -> tuple[registry.Row, Format, Packing]:
    row, codec = _format_row(at, name, store, writing=True)
    one_file = not at.folder and not spec.partition_by and at.path != "-"
    packed = packing(spec, row, codec, str(at), named=one_file)
    return row, registry.make(row, packed.options), packed


def _format(
    at: Address, name: str | None, options: Mapping[str, Any], store: Store, *, writing: bool
) -> tuple[registry.Row, Format, str | None]:
    row, codec = _format_row(at, name, store, writing=writing)
    return row, registry.make(row, options), codec


def _format_row(at: Address, name: str | None, store: Store, *, writing: bool) -> tuple[registry.Row, str | None]:
    plain, codec = codecs.split(at.path)
    if name and not writing:  # `csv.gz`, for bytes whose name does not tell, as those of standard input
        name, said = codecs.split(name)
        codec = codec or said
    row = registry.find("format", name.partition("+")[0]) if name else registry.format_for(plain)
    if row is None and not writing and at.path != "-":
        row = _format_of_folder(at, store)
    if row is None:
        if not writing and at.path != "-" and not store.entries(at.path) and not _holds_files(at, store):
            from towpath.joins.file_list import nothing

            raise nothing(store, at.path)
        option = "--to-format" if writing else "--from-format"
        formats = ", ".join(row.name for row in registry.rows("format"))
        raise UserError(
            f"{at}: the name does not say which format it is",
            todo=f"give {option} ({formats}); a database is written as duckdb:///file.db#table{addresses.unnamed(at.path)}",
            code="format-unclear",
        )
    return row, codec


class _Hive:
    """The option that belongs to where files lie: whether `k=v` folders are columns (default: if all files agree)."""

    def __init__(self, hive: bool) -> None:
        self.hive = hive


def _holds_files(at: Address, store: Store) -> bool:
    """Whether the path is a folder: on a disk one that is there, elsewhere a beginning that objects have."""
    if at.scheme == "file":
        return os.path.isdir(at.path)
    return bool(store.entries(f"{glob.escape(at.path.rstrip('/'))}/**/*"))


def _folder_format(store: Store, at: Address) -> str:
    """The format that a folder is written in when none is named: the one that it has."""
    from towpath.joins import manifest

    listed = manifest.read(store, at.path.rstrip("/") + "/")
    return _DEFAULT_FOLDER_FORMAT if listed is None else listed[0].format


def _format_of_folder(at: Address, store: Store) -> registry.Row | None:
    """A folder's format is the one that its manifest says, else that of the files in it, when they agree."""
    from towpath.joins import manifest

    folder = at.path.rstrip("/") + "/"
    if not at.folder and store.entries(at.path):
        return None  # a file
    listed = None if at.glob else manifest.read(store, folder)
    if listed is not None:
        return registry.find("format", listed[0].format)
    if at.glob or not _holds_files(at, store):
        return None
    found = {
        row.name: row
        for entry in store.entries(f"{glob.escape(folder)}**/*")
        if (row := registry.format_for(codecs.split(entry.path)[0])) is not None
    }
    if len(found) > 1:
        raise UserError(
            f"{at} holds files of several formats: {', '.join(sorted(found))}",
            todo="give --from-format, or a glob",
            code="format-unclear",
        )
    return next(iter(found.values()), None)
