"""Replay: bad rows, once their cause is mended, go to where the rest of their load went, as a load of their own."""

from __future__ import annotations

import codecs as encodings
import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from towpath import assemble, codecs, letterbox, registry
from towpath.address import Address
from towpath.badrows import BadRow
from towpath.deadletters import Kept, kept, pending
from towpath.disk import leftovers
from towpath.disk.oserrors import translated
from towpath.errors import Refused
from towpath.job import REPLAY, InputSpec, JobSpec, RuleSpec
from towpath.joins import hive
from towpath.letters_source import LettersSource, Records
from towpath.move import run
from towpath.nouns import Mode
from towpath.progress import Progress, Unwatched
from towpath.receipt import Receipt
from towpath.shaping.rules import DOUBLED
from towpath.values.logical import Kind, kind

_TEMPORARY = "replay"
_MARKS = ((encodings.BOM_UTF32_LE, "utf-32-le"), (encodings.BOM_UTF32_BE, "utf-32-be"),
          (encodings.BOM_UTF16_LE, "utf-16-le"), (encodings.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip


def replay(
    folder: Path,
    types: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Callable[[], Progress] = Unwatched,
) -> list[Receipt]:
    """Sends on every bad row kept in `folder`, load by load; rows that are bad again are kept there again.

    `types` and `options` are laid over those of the job that met the rows; `progress` makes the one of each run. Each
    load's rows are sent exactly once where the destination keeps state: a replay that died is finished by calling it
    again. Raises Refused when there is nothing to send, or when a load cannot be replayed (its SQL read the whole
    input, or its rows carry their file's name or what stood beside a message's value)."""
    loads = kept(folder)
    if not loads:
        waiting = pending(folder)
        raise Refused(
            "holds no bad rows of a published load",
            where=str(folder),
            todo=f"not known to be published: {', '.join(waiting)}; run their step again first, or, of a copy without "
            "a name, see whether its rows arrived and take `.pending` off the folder's name"
            if waiting
            else "name the folder that was given to --bad-rows; rows sent on before are in its folder replayed/",
            code="bad-rows-missing",
        )
    leftovers.sweep(folder, _TEMPORARY)
    return [receipt for load in loads for receipt in _replay_load(load, folder, types or {}, options or {}, progress)]


@dataclass(slots=True)
class _Part:
    """Some rows of one load that can be read as one file: its job, and the file."""

    name: str
    job: JobSpec
    source: InputSpec
    records: Records
    partitions: Mapping[str, str | None]
    types: str
    line_end: bytes


@dataclass(slots=True)
class _Parts:
    """The rows of one load, each in its part. Their files are removed with `stack`."""

    load: Kept
    folder: Path
    options: Mapping[str, Any]
    stack: ExitStack
    all: dict[Any, _Part] = field(default_factory=dict)
    doubled: dict[str | None, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, bad: BadRow) -> None:
        if bad.reason == DOUBLED and bad.value is not None:
            self.doubled.setdefault(bad.column, []).append((str(bad.place), bad.value))
        raw = bad.place.raw
        # A function may have made several rows of a record: what it made is what is sent.
        if raw is not None and (bad.edge == "read" or self.load.spec.python is None):
            part = self._raw(bad)
            part.records.add(_on_one_line(raw) if part.source.format == "jsonl" else raw, part.line_end, bad.place)
        else:
            part = self._rows("read" if bad.edge == "read" else "rows")
            row = json.dumps(bad.row, ensure_ascii=False).encode("utf-8", "surrogatepass")
            part.records.add(row, part.line_end, bad.place)

    def _raw(self, bad: BadRow) -> _Part:
        """The part of a record's own bytes: every transformation and rule applies as it did."""
        head, known = bad.place.head, self.load.types("read")
        folder = {
            name: text for name, text in _partitions(self.load.spec, bad).items() if known and name in known.names
        }
        key = (head, *folder.items())
        if key not in self.all:
            spec = self.load.spec
            ((name, one),) = spec.inputs.items()
            source = _records(self.load, one, self.options, head)
            job = replace(spec, inputs={name: source})
            self.all[key] = self._part(_named(key), job, source, folder, "read", _line_end(head, source.options))
            if head is not None:
                self.all[key].records.head(head.removesuffix(self.all[key].line_end), self.all[key].line_end)
        return self.all[key]

    def _rows(self, name: str) -> _Part:
        """The part of rows by their values, as they stood before the edge that set them aside. For those that were
        never read every transformation is still to come; for the others, only the rules."""
        if name not in self.all:
            spec = self.load.spec
            ((label, one),) = spec.inputs.items()
            source = InputSpec("", "jsonl", {"hive": False}, timezone=one.timezone if name == "read" else None)
            job = replace(spec, inputs={label: source})
            if name == "rows":
                job = replace(job, where=None, python=None, select=(), rename={}, cast={}, types={})
            self.all[name] = self._part(name, job, source, {}, name, b"\n")
        return self.all[name]

    def _part(
        self, name: str, job: JobSpec, source: InputSpec, folder: Mapping[str, str | None], types: str, line_end: bytes
    ) -> _Part:
        file, path = leftovers.create(self.folder, _TEMPORARY, self.load.load_id, f".{name}")
        self.stack.callback(path.unlink, missing_ok=True)
        self.stack.enter_context(file)
        source = replace(source, address=str(path.absolute()))
        job = replace(
            job,
            inputs=dict.fromkeys(job.inputs, source),
            mode=job.mode if job.mode is Mode.MERGE else Mode.APPEND,
            step=f"{REPLAY}{self.load.load_id}/{name}",
            sample=None,
            limit=None,
        )
        return _Part(name, job, source, Records(file), folder, types, line_end)


def _replay_load(
    load: Kept, folder: Path, types: Mapping[str, str], options: Mapping[str, Any], progress: Callable[[], Progress]
) -> list[Receipt]:
    _refuse(load)
    with ExitStack() as stack, translated(str(folder), "write in"):
        parts = _Parts(load, folder, options, stack)
        for row in load.rows():
            parts.add(row)
        rules = tuple(replace(one, limits=_met(parts, one)) for one in load.spec.rules)
        receipts = [_send(load, part, rules, types, folder, progress()) for part in parts.all.values()]
    load.replayed(receipts[-1].load or "none")
    return receipts


def _refuse(load: Kept) -> None:
    spec = load.spec
    if spec.sql is not None or spec.whole:
        raise Refused(
            "these rows were met before a step that reads its whole input, so they cannot be sent on alone",
            where=str(load.folder),
            todo="correct them in the source and run the step again",
            code="mode-impossible",
        )
    if "source_file" in spec.load_columns:
        raise Refused(
            "these rows are to be kept with the name of their file, which only reading that file can tell",
            where=str(load.folder),
            todo="correct them in the source and run the step again; append replaces the rows of a changed file",
            code="mode-impossible",
        )


def _met(parts: _Parts, rule: RuleSpec) -> tuple[Any, ...]:
    """The limits of a rule; of a unique one the keys that its rows were set aside for: their first rows are loaded."""
    return rule.limits if rule.kind != "unique" else tuple(parts.doubled.get(", ".join(rule.columns), ()))


def _send(
    load: Kept,
    part: _Part,
    rules: tuple[RuleSpec, ...],
    types: Mapping[str, str],
    folder: Path,
    progress: Progress,
) -> Receipt:
    part.records.file.flush()
    job = replace(part.job, types={**part.job.types, **types}, rules=rules, bad_rows=str(folder), max_bad=None)
    done = assemble.destination(job.to, job.connections, job.folder).state(str(job.step))
    if done is not None:
        receipt = Receipt("", str(folder), job.to.address, str(job.mode), "unchanged", job.step, done.load_id)
        receipt.why = f"sent already by load {done.load_id} at {done.at}"
        letterbox.finish(job, done.load_id)  # it may have died before it named its own bad rows
        return receipt
    behind = assemble.source(part.source, folder=job.folder)
    known = load.types(part.types)
    if known is not None and part.source.timezone is not None:
        # A time that was none in its zone may be mended into an instant.
        known = pa.schema([one for one in known if kind(one.type) is not Kind.LOCAL])
    source = LettersSource(behind, part.records, known, part.partitions, str(load.folder))
    return run(job, progress=progress, sources=dict.fromkeys(job.inputs, source))


def _records(load: Kept, one: InputSpec, given: Mapping[str, Any], head: bytes | None) -> InputSpec:
    """How the records of a load are read, one after the other in a file."""
    at = assemble.located(one.address, load.spec.connections, load.spec.folder)
    if at.kind == "topic":
        from towpath.assemble_topics import values_alone

        return values_alone(one, given, str(load.folder))
    options = {**one.options, **given, "hive": False} | ({} if head is None else {"header": True})
    return InputSpec("", _format(at, one), _own(options, head), timezone=one.timezone)


def _format(at: Address, one: InputSpec) -> str | None:
    """The format of the records, one after the other."""
    path = codecs.split(at.path)[0]
    row = registry.find("format", one.format) if one.format else registry.format_for(path)
    name = row.name if row is not None else one.format
    return "jsonl" if name == "json" else name


def _own(options: Mapping[str, Any], head: bytes | None) -> dict[str, Any]:
    """The options that a file of these records takes."""
    marked = any(head is not None and head.startswith(mark) for mark, _ in _MARKS)
    return {name: value for name, value in options.items() if name != "encoding" or not marked}


def _line_end(head: bytes | None, options: Mapping[str, Any]) -> bytes:
    """A line end in the encoding of the records."""
    encoding = next((name for mark, name in _MARKS if head is not None and head.startswith(mark)), None)
    given = str(options.get("encoding") or "utf-8").lower()
    return "\n".encode(encoding or {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(given, given))


def _on_one_line(record: bytes) -> bytes:
    """JSON has line ends only where a blank says the same."""
    return record.replace(b"\r", b" ").replace(b"\n", b" ")


def _partitions(spec: JobSpec, bad: BadRow) -> dict[str, str | None]:
    ((_, one),) = spec.inputs.items()
    return {} if str(one.options.get("hive", True)).lower() == "false" else hive.values(bad.place.file)


def _named(key: tuple[Any, ...]) -> str:
    """The same name for the same part, whichever rows of others were taken out meanwhile."""
    return f"raw-{hashlib.sha256(repr(key).encode()).hexdigest()[:8]}"
