"""Builds sources and destinations of topics; `towpath.assemble` calls it for addresses of queues."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from towpath import registry
from towpath.address import Address
from towpath.built import Built
from towpath.errors import Refused, UserError
from towpath.job import InputSpec, OutputSpec
from towpath.joins.topic_decoding import AsTheyAre, ByLines, ByRecords, Decoding
from towpath.joins.topic_destination import TopicDestination
from towpath.joins.topic_encoding import Encoding, Keyed, LinesOut, MessagesOut, RecordsOut
from towpath.joins.topic_envelope import Envelope, envelope
from towpath.joins.topic_source import TopicSource
from towpath.options import build, nearest
from towpath.seams.format import Format
from towpath.seams.queue import Queue
from towpath.seams.record import Record

VALUES = ("json", "avro", "raw")


class TopicInput:
    """Options of reading a topic: what a value is (json; avro, by the `schema` in a file, with its `framing` and
    `schema_id`; raw for the messages whole), what a key is (text, json or raw), which columns stand beside those of the
    value (`envelope`: true, false, or some of key, partition, offset, time, headers), and what happens when messages
    were deleted before they were read (`deleted`: stop, or skip)."""

    def __init__(
        self,
        value: str = "json",
        key: str = "text",
        envelope: bool | str | tuple[str, ...] = False,
        deleted: str = "stop",
        schema: str | None = None,
        framing: str = "none",
        schema_id: int | None = None,
    ) -> None:
        self.value = value
        self.key = key
        self.envelope = envelope
        self.deleted = deleted
        self.record = {"schema": schema, "framing": framing, "schema_id": schema_id}


class TopicOutput:
    """Options of writing to a topic: what a value is (json; avro, by the `schema` in a file, with its `framing` and
    `schema_id`; raw for rows that are messages), the columns that make a message's `key` (none: it has no key), the
    columns that are `headers` too, and for a topic that is made, its `partitions` and `replication` (0: as the broker
    likes)."""

    def __init__(
        self,
        value: str = "json",
        key: tuple[str, ...] = (),
        headers: tuple[str, ...] = (),
        partitions: int = 0,
        replication: int = 0,
        schema: str | None = None,
        framing: str = "none",
        schema_id: int | None = None,
    ) -> None:
        self.value = value
        self.key = key
        self.headers = headers
        self.partitions = partitions
        self.replication = replication
        self.record = {"schema": schema, "framing": framing, "schema_id": schema_id}


def source(at: Address, spec: InputSpec, folder: str) -> Built:
    """The source that reads a topic. Raises UserError for options that are none of it."""
    at = at.with_table(spec.table)
    _refuse_foreign(at, spec)
    said, rest = _parted(TopicInput, spec.options, at)
    options: TopicInput = build(TopicInput, said, str(at))
    coding = _coding(options.value, options.record, at, folder)
    if coding.decoding.enveloped and options.envelope:
        raise UserError(
            "value=raw gives the whole envelope anyway",
            where=str(at),
            todo="leave the option envelope out",
            code="options-conflict",
        )
    row, queue = opened(at, rest)
    beside = Envelope() if coding.decoding.enveloped else envelope(options.envelope, options.key, str(at))
    skip = _one_of(options.deleted, "deleted", ("stop", "skip"), at) == "skip"
    made = TopicSource(queue, named(at), coding.decoding, beside, skip_deleted=skip, shown=str(at))
    return Built(made, (row, *coding.route))


def values_alone(spec: InputSpec, given: Mapping[str, Any], shown: str) -> InputSpec:
    """The lines of a file that are the values of messages, read as those of the topic `spec` were; `given` is laid over
    its options. Raises Refused where such a value alone is not the row."""
    said = {name: one for name, one in {**spec.options, **given}.items() if _is_topics(name)}
    options: TopicInput = build(TopicInput, said, shown)
    if options.value != "json":
        raise Refused(
            f"the values of these messages were read with value={options.value}, and are no lines to read again",
            where=shown,
            todo="send the corrected messages to the topic, and run the step again",
            code="mode-impossible",
        )
    beside = envelope(options.envelope, options.key, shown).schema.names
    if beside:
        raise Refused(
            f"these rows had columns from beside their messages' values ({', '.join(beside)}), which are not kept",
            where=shown,
            todo="send the corrected messages to the topic and run the step again; or replay with --from-opt "
            f"envelope=false, which takes {beside[0]} from `raw` where you write it in as a member, and null elsewhere",
            code="mode-impossible",
        )
    rest = {name: one for name, one in given.items() if not _is_topics(name)}
    return InputSpec("", "jsonl", {**rest, "hive": False}, timezone=spec.timezone)


def destination(at: Address, spec: OutputSpec, folder: str) -> Built:
    """The destination that writes to a topic. Raises UserError for options that are none of it."""
    at = at.with_table(spec.table)
    _refuse_foreign_output(at, spec)
    said, rest = _parted(TopicOutput, spec.options, at)
    options: TopicOutput = build(TopicOutput, said, str(at))
    coding = _coding(options.value, options.record, at, folder)
    row, queue = opened(at, rest)
    if coding.decoding.enveloped and (options.key or options.headers):
        raise UserError(
            "value=raw takes key and headers from the columns of these names",
            where=str(at),
            todo="leave the options key and headers out",
            code="options-conflict",
        )
    made = TopicDestination(
        queue,
        named(at),
        coding.encoding(Keyed(options.key, options.headers)),
        TopicSource(queue, named(at), coding.decoding, Envelope(), shown=str(at)),
        partitions=options.partitions,
        replication=options.replication,
        shown=str(at),
    )
    return Built(made, (row, *coding.route))


def opened(at: Address, options: Mapping[str, Any] | None = None) -> tuple[registry.Row, Queue]:
    """The queue that an address lies in, with options beside those of the address."""
    if at.path:
        raise UserError(
            f"{at}: a queue has no path {at.path!r}",
            todo=f"name the topic behind #: {str(at).partition('/' + at.path)[0]}#{at.path}",
            code="address-wrong",
        )
    row = _row(at)
    login = {"user": at.user, "password": at.password, "host": at.host, "port": at.port}
    given = {name: value for name, value in login.items() if value is not None} | dict(at.options)
    for name in options or {}:
        if name.replace("-", "_") in given:
            raise UserError(f"{at} says its {name} already", todo=f"leave out the option {name}", code="option-wrong")
    return row, registry.make(row, {**given, **(options or {})})


def named(at: Address) -> str:
    """The topic that an address names. Raises UserError when it names none."""
    if at.table is None:
        raise UserError(f"{at} names no topic", todo=f"write {str(at).rstrip('#')}#TOPIC", code="table-unnamed")
    return at.table


def _parted(kind: type[Any], options: Mapping[str, Any], at: Address) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options that are the topic's, and those of the connection. Raises UserError for others."""
    own = list(inspect.signature(kind).parameters)
    connection = list(inspect.signature(registry.load(_row(at))).parameters)
    for name in options:
        if name.replace("-", "_") not in (*own, *connection):
            raise UserError(
                f"{at} has no option {name!r}{nearest(name, (*own, *connection))}",
                todo=f"its options: {', '.join(own)}; of the connection: {', '.join(connection)}",
                code="option-unknown",
            )
    said = {name: value for name, value in options.items() if name.replace("-", "_") in own}
    return said, {name: value for name, value in options.items() if name not in said}


def _row(at: Address) -> registry.Row:
    return registry.chosen("queue", at.scheme, at.library)


@dataclass(frozen=True, slots=True)
class _Coding:
    """How values are read, how they are written with these keys, and by which adapter."""

    decoding: Decoding
    encoding: Callable[[Keyed], Encoding]
    route: tuple[registry.Row, ...]


def _coding(value: str, record: Mapping[str, Any], at: Address, folder: str) -> _Coding:
    if _one_of(value, "value", VALUES, at) == "avro":
        if record["schema"] is None:
            raise UserError(
                f"{at}: value=avro needs the schema",
                todo="name its file: --from-opt schema=order.avsc (of the destination: --to-opt)",
                code="option-missing",
            )
        row = registry.find("record", "avro")
        given = {name: one for name, one in record.items() if one is not None}
        made: Record = registry.make(row, given | {"schema": os.path.join(folder, record["schema"])})
        return _Coding(ByRecords(made), partial(RecordsOut, made), (row,))
    for name, default in (("schema", None), ("framing", "none"), ("schema_id", None)):
        if record[name] != default:
            raise UserError(f"{at}: the option {name} is about value=avro", code="options-conflict")
    if value == "raw":
        return _Coding(AsTheyAre(), lambda _: MessagesOut(), ())
    row = registry.find("format", "jsonl")
    format: Format = registry.make(row, {})
    return _Coding(ByLines(format), partial(LinesOut, format), (row,))


def _is_topics(option: str) -> bool:
    return option.replace("-", "_") in inspect.signature(TopicInput).parameters


def _one_of(said: str, option: str, known: tuple[str, ...], at: Address) -> str:
    if said not in known:
        raise UserError(
            f"{option}={said} is none of {', '.join(known)}{nearest(said, known)}", where=str(at), code="option-wrong"
        )
    return said


def _refuse_foreign(at: Address, spec: InputSpec) -> None:
    """What is said of other kinds of sources."""
    said = {
        "a query": spec.query,
        "a cursor": spec.cursor or spec.lookback or spec.since or spec.until,
        "a format": spec.format,
    }
    for what, value in said.items():
        if value is not None:
            raise UserError(
                f"{at} is a topic, so it has no {what.partition(' ')[2]}",
                todo="a topic is read onwards by its offsets; --from-opt value=json says what its messages hold",
                code="options-conflict",
            )


def _refuse_foreign_output(at: Address, spec: OutputSpec) -> None:
    """What is said of other kinds of destinations."""
    said = {
        "format": spec.format,
        "partitions of files": spec.partition_by or spec.rows_per_file or spec.file_bytes,
        "codec": spec.codec or spec.level,
        "SQL": spec.before or spec.after,
    }
    for what, value in said.items():
        if value:
            raise UserError(
                f"{at} is a topic, so it has no {what}",
                todo="leave it out; --to-opt value=json says what its messages hold",
                code="options-conflict",
            )
