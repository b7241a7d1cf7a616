"""Builds sources and destinations from what people wrote: address, options, registry, joins. Opens nothing yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from towpath import address as addresses
from towpath import codecs, registry
from towpath.address import Address
from towpath.errors import UserError
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.options import build
from towpath.seams.database import Database
from towpath.seams.destination import Destination
from towpath.seams.engine import Engine
from towpath.seams.format import Format
from towpath.seams.source import Source
from towpath.seams.store import Store
from towpath.secrets.references import resolve

_DEFAULT_FOLDER_FORMAT = "parquet"


@dataclass(frozen=True, slots=True)
class Built:
    """A source or destination with its route: each adapter's registry row, for plan and receipt."""

    part: Any
    route: tuple[registry.Row, ...]


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
) -> Built:
    """`folder`: where relative paths start. `reread_changed`: a file that changed since the checkpoint is read again
    whole (merge by key) instead of refused.

    Raises UserError for an address, format or option that does not exist or does not fit."""
    at = located(spec.address, connections, folder)
    if at.kind == "table" or spec.query is not None or spec.table is not None:
        return _table_source(at, spec)
    if spec.cursor is not None:
        raise UserError(f"{at} is a file and has no cursor", todo="files are read onwards by name; leave `cursor` out")
    from towpath.joins.file_source import FileSource

    store_row, store = _store(at)
    options = dict(spec.options)
    hive = options.pop("hive", None)  # of the paths, not of the format
    hive = build(_Hive, {"hive": hive}, "files").hive if hive is not None else None
    format_row, format, codec = _format(at, spec.format, options, store, writing=False)
    made = FileSource(store, format, at.path, codec, shown=str(at), hive=hive, reread_changed=reread_changed)
    return Built(made, (store_row, format_row))


def _table_source(at: Address, spec: InputSpec) -> Built:
    from towpath.joins.table_source import TableSource

    at = at.with_table(spec.table)
    if at.kind != "table":
        raise UserError(f"{at} is not a database, so it takes no query")
    if (at.table is None) == (spec.query is None):
        raise UserError(
            f"{at} names {'a table and a query' if at.table else 'no table'}",
            todo=f"write {at.scheme}:///{at.path}#TABLE, or give --table or --query",
        )
    if spec.format is not None:
        raise UserError(f"{at} is a database; it has no format {spec.format!r}")
    row, database = _database(at, spec.options)
    made = TableSource(
        database, table=at.table, query=spec.query, cursor=spec.cursor, monotonic=spec.monotonic, shown=str(at)
    )
    return Built(made, (row,))


def build_destination(spec: OutputSpec, connections: Mapping[str, str] | None = None, folder: str = ".") -> Built:
    """The destination that a spec names: a table, one file, or a folder of files. `folder`: see `build_source`."""
    at = located(spec.address, connections, folder)
    if at.kind == "table" or spec.table is not None:
        return _table_destination(at.with_table(spec.table), spec)
    if at.glob and at.scheme == "file":
        raise UserError(
            f"{at} has a wildcard, so it names no one destination", todo="name a file, or a folder ending in /"
        )
    store_row, store = _store(at)
    if at.folder or spec.partition_by:
        from towpath.joins.folder_destination import FolderDestination

        if at.path == "-":
            raise UserError("standard output cannot be partitioned")
        format_row, format, codec = _format(
            at, spec.format or _folder_format(store, at), spec.options, store, writing=True
        )
        written = FolderDestination(
            store, format, at.path.rstrip("/") + "/", codec, partition_by=spec.partition_by, shown=str(at)
        )
        return Built(written, (store_row, format_row))
    from towpath.joins.file_destination import FileDestination

    format_row, format, codec = _format(at, spec.format, spec.options, store, writing=True)
    return Built(FileDestination(store, format, at.path, codec, shown=str(at)), (store_row, format_row))


def destination(spec: OutputSpec, connections: Mapping[str, str] | None = None, folder: str = ".") -> Destination:
    """The destination that a spec names; see `build_destination` for the route too."""
    built: Destination = build_destination(spec, connections, folder).part
    return built


def _table_destination(at: Address, spec: OutputSpec) -> Built:
    from towpath.joins.table_destination import TableDestination

    if at.table is None:
        raise UserError(f"{at} names no table", todo=f"write {at}#TABLE, or give --to-table")
    if spec.format is not None or spec.partition_by:
        raise UserError(f"{at} is a database table; it has no file format and no partitions")
    row, database = _database(at, spec.options)
    return Built(TableDestination(database, at.table, shown=str(at)), (row,))


def engine(spec: JobSpec) -> Engine:
    """The engine of a job, with half of its memory."""
    made: Engine = registry.make(registry.find("engine", "duckdb"), {"memory": spec.memory // 2})
    return made


def located(text: str, connections: Mapping[str, str] | None, folder: str) -> Address:
    """The address that a text with references names, seen from `folder`; it is shown as it was written."""
    named = {name: addresses.rooted(resolve(one), folder) for name, one in (connections or {}).items()}
    return replace(addresses.parse(addresses.rooted(resolve(text), folder, named), named), text=text)


def _store(at: Address) -> tuple[registry.Row, Store]:
    row = registry.find("store", at.scheme)
    return row, registry.make(row, {})


def _database(at: Address, options: Mapping[str, Any]) -> tuple[registry.Row, Database]:
    row = registry.find("database", at.library or at.scheme)
    return row, registry.make(row, {"path": at.path, **options})


def _format(
    at: Address, name: str | None, options: Mapping[str, Any], store: Store, *, writing: bool
) -> tuple[registry.Row, Format, str | None]:
    plain, codec = codecs.split(at.path)
    row = registry.find("format", name.partition("+")[0]) if name else registry.format_for(plain)
    if row is None and not writing and (at.folder or at.scheme == "file"):
        row = _format_of_folder(at, store)
    if row is None:
        option = "--to-format" if writing else "--from-format"
        formats = ", ".join(row.name for row in registry.rows("format"))
        raise UserError(
            f"{at}: the name does not say which format it is",
            todo=f"give {option} ({formats}); a database is written as duckdb:///file.db#table",
        )
    return row, registry.make(row, options), codec


class _Hive:
    """The option that belongs to where files lie: whether `k=v` folders are columns (default: if all files agree)."""

    def __init__(self, hive: bool) -> None:
        self.hive = hive


def _folder_format(store: Store, at: Address) -> str:
    """The format that a folder is written in when none is named: the one that it has."""
    from towpath.joins import manifest

    listed = manifest.read(store, at.path.rstrip("/") + "/")
    return _DEFAULT_FOLDER_FORMAT if listed is None else listed[0].format


def _format_of_folder(at: Address, store: Store) -> registry.Row | None:
    """A folder's format is the one that its manifest says, else that of the files in it, when they agree."""
    from pathlib import Path

    from towpath.joins import manifest

    folder = Path(at.path)
    listed = None if at.glob else manifest.read(store, at.path.rstrip("/") + "/")
    if listed is not None:
        return registry.find("format", listed[0].format)
    if at.glob or not folder.is_dir():
        return None
    found = {
        row.name: row
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(("_", "."))
        if (row := registry.format_for(codecs.split(path.name)[0])) is not None
    }
    if len(found) > 1:
        raise UserError(
            f"{at} holds files of several formats: {', '.join(sorted(found))}", todo="give --from-format, or a glob"
        )
    return next(iter(found.values()), None)
