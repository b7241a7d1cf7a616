"""What an address or connection holds: the tables of a database with their columns, or the files of a folder."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, cast

from towpath import assemble
from towpath.address import Address
from towpath.errors import Refused
from towpath.joins.file_list import nothing
from towpath.joins.table_state import own
from towpath.joins.topic_offsets import missing
from towpath.joins.topic_state import STATE
from towpath.look import screen
from towpath.receipt import count
from towpath.seams.database import Database
from towpath.seams.queue import KeepsOffsets, Queue
from towpath.seams.store import Entry, Store
from towpath.sqlnames import quoted
from towpath.values import textform


class _Listing(Protocol):
    def tables(self) -> Mapping[str, int | None]: ...


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is the type that tow reads it as, `native` the database's own name for it."""

    name: str
    type: str
    native: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view with its exact number of rows; both are unknown (no columns, None) where its name has a dot."""

    name: str
    rows: int | None
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A file with its size in bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class TopicFound:
    """One topic. `messages` counts the offsets that are kept, some of which may hold no message."""

    name: str
    partitions: int
    messages: int

    def words(self) -> tuple[str, ...]:
        """What the list of topics shows."""
        return self.name, count(self.partitions, "partition"), f"at most {count(self.messages, 'message')}"


@dataclass(frozen=True, slots=True)
class Found:
    """What there is at `shown`: tables of a database, files, or topics of a queue."""

    shown: str
    tables: tuple[Table, ...] = ()
    files: tuple[File, ...] = ()
    topics: tuple[TopicFound, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        out = [self.shown]
        for table in self.tables:
            rows = "rows unknown" if table.rows is None else count(table.rows, "row")
            out += [f"  {screen.visible(table.name)}  {rows}"]
            out += [f"    {line}" for line in _aligned([(one.name, one.type, one.native) for one in table.columns])]
        out += [f"  {line}" for line in _aligned([(one.path, f"{one.size:,} bytes") for one in self.files])]
        topics: list[tuple[str, ...]] = [one.words() for one in self.topics]
        out += [f"  {line}" for line in _aligned(topics)]
        return out if len(out) > 1 else [*out, "  nothing"]


def discover(at: Address) -> Found:
    """Everything that stands there, by name. Raises Refused when it does not open."""
    if at.kind == "table":
        return Found(str(at), tables=_tables(cast(Database, assemble.opened(at)), at.table))
    if at.kind == "topic":
        return Found(str(at), topics=_topics(at))
    return Found(str(at), files=tuple(File(one.path, one.size) for one in _entries(at)))


def probe(at: Address) -> str:
    """Opens it for real and says in a few words what answered. Raises TowError when nothing did."""
    if at.kind == "table":
        database = cast(Database, assemble.opened(at))
        with database.read() as session:
            session.scalar("select 1")
            known = set(_names(session)) if hasattr(session, "tables") else set()
        return f"answers a query, {count(len(known), 'table')}"
    if at.kind == "topic":
        return f"answers, {count(len(_known(at)[1]), 'topic')}"
    return f"can be listed, {count(len(_entries(at)), 'file')}"


def _names(session: object) -> list[str]:
    """The tables that are people's own."""
    return [name for name in cast(_Listing, session).tables() if not own(name)]


def _tables(database: Database, only: str | None) -> tuple[Table, ...]:
    with database.read() as session:
        known = sorted(_names(session)) if only is None else [only]
        found = []
        for name in known:
            existing = session.table(name)
            if existing is None and only is not None:
                raise Refused("there is no such table", where=f"{database.name}#{name}", code="table-unknown")
            if existing is None:
                found.append(Table(name, None, ()))
                continue
            columns = tuple(
                Column(one.name, textform.type_name(one.type), existing.stored[one.name].native)
                for one in existing.schema
            )
            rows = int(session.scalar(f"select count(*) from {quoted(name, database.quote)}"))
            found.append(Table(name, rows, columns))
    return tuple(found)


def _topics(at: Address) -> tuple[TopicFound, ...]:
    """The topics of a queue, or the one that is named."""
    queue, known = _known(at)
    return tuple(TopicFound(name, number, _kept(queue, name)) for name, number in sorted(known.items()))


def _known(at: Address) -> tuple[Queue, dict[str, int]]:
    """A queue with the topics that an address names, and their numbers of partitions."""
    from towpath import assemble_topics

    _, queue = assemble_topics.opened(at)
    known = {name: number for name, number in queue.topics().items() if name != STATE and at.table in (None, name)}
    if not known and at.table is not None:
        raise missing(queue, at.table, str(at))
    return queue, known


def _kept(queue: Queue, topic: str) -> int:
    spans = queue.spans(topic).values() if isinstance(queue, KeepsOffsets) else ()
    return sum(span.end - span.first for span in spans)


def _entries(at: Address) -> list[Entry]:
    """The files that an address names: those below a folder, those that a glob matches, or one."""
    store = cast(Store, assemble.opened(at))
    found = [] if at.folder else store.entries(at.path)
    if found or at.glob:
        return found
    if at.local and not os.path.exists(at.path):
        raise Refused("there is no such file or folder", where=at.path, todo="check the path", code="path-missing")
    found = store.entries(f"{glob.escape(at.path.rstrip('/'))}/**/*")
    if not (found or at.local or at.folder):
        raise nothing(store, at.path)
    return found


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    return screen.table([tuple(map(screen.visible, row)) for row in rows]) if rows else []
