"""Dead letters: bad rows kept on disk under the id of the load that set them aside.

`DIR/<load id>/rows.jsonl` holds one bad row a line, `load.json` the job that met them and how many there are (`kept`;
not in those of old), `types.json` the types that its
rows had when they were read (`read`) and when they were shaped (`rows`). A row has its record's own bytes (`raw`), or
where these were not known its values (`row`). While rows come the folder is
called `.<load id>.<token>.writing` and goes with its process; once they are durable, and until the load is known to
be published, `<load id>.<token>.pending`; after a load that had too many of them `<load id>.stopped`. The token is the
process's own: two runs of a step that begin at once have one load id, and one of them is refused.
"""

from __future__ import annotations

import base64
import fcntl
import json
import math
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol, TextIO

import pyarrow as pa

from towpath.badrows import BadRow, BadRows
from towpath.disk import leftovers
from towpath.disk.oserrors import translated
from towpath.errors import DataError, Refused, UserError
from towpath.job import JobSpec
from towpath.secrets.plain import hidden
from towpath.stream import Place
from towpath.values.textform import parse_type, type_name

_ROWS = "rows.jsonl"
_JOB = "load.json"
_TYPES = "types.json"
_KEPT = "kept"
_WRITING = ".writing"
_PENDING = ".pending"
_MEMBERS = {"file", "line", "column", "value", "reason", "edge", "row", "raw", "raw_base64", "head", "head_base64"}
_NO_LETTER = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
_STOPPED = ".stopped"
_PATIENCE = 60.0


class Letters(BadRows, Protocol):
    """Keeps the bad rows of one load: `seal` before it is published, `published` after; `unseal` when publishing was
    refused; `discard` at the end of a load that was not published. What is sealed is not discarded: its load may be
    published although the call failed, and then these rows are nowhere else."""

    def types(self, part: str, schema: pa.Schema) -> None:
        """The types of the load's rows as they were `read`, and as they were shaped (`rows`); before any is bad."""
        ...

    def seal(self) -> None:
        """Makes the rows durable."""
        ...

    def published(self) -> None: ...

    def unseal(self) -> None: ...

    def stopped(self) -> str:
        """Keeps the rows of a load that will not be published, to be looked at; returns where."""
        ...

    def discard(self) -> None: ...


class DeadLetters:
    """Keeps the bad rows of one load in a folder; see `Letters`."""

    def __init__(self, folder: Path, load_id: str, spec: JobSpec) -> None:
        self.folder = folder
        self._load_id = load_id
        token = token_hex(4)
        self._writing = folder / f".{load_id}.{token}{_WRITING}"
        self._pending = folder / f"{load_id}.{token}{_PENDING}"
        # Whoever replays them may stand in another folder.
        self._spec = spec.with_(folder=os.path.abspath(spec.folder))
        self._file: TextIO | None = None
        self._sealed = False
        self._types: dict[str, dict[str, str]] = {}
        self._count = 0

    def types(self, part: str, schema: pa.Schema) -> None:
        self._types[part] = {field.name: type_name(field.type) for field in schema}

    def add(self, bad: BadRow) -> None:
        with translated(str(self.folder), "keep bad rows in"):
            if self._file is None:
                self._file = self._begin()
            self._file.write(json.dumps(_as_json(bad), ensure_ascii=False) + "\n")
            self._count += 1

    def seal(self) -> None:
        """Makes the rows durable."""
        if self._file is not None:
            self._settle(self._pending)
        self._sealed = True

    def published(self) -> None:
        """The load is visible: its bad rows are its own now."""
        if self._file is None:
            return
        # The step's next run may have seen it, and named them: ours, or the same rows of a run that began with ours.
        with suppress(OSError):
            self._pending.rename(self.folder / self._load_id)
        self._file.close()
        shutil.rmtree(self.folder / f"{self._load_id}{_STOPPED}", ignore_errors=True)
        for other in self.folder.glob(f"{self._load_id}.*{_PENDING}"):
            _remove_if_dead(other)
        _sync(self.folder)

    def unseal(self) -> None:
        """The load was refused before it became visible."""
        self._sealed = False

    def stopped(self) -> str:
        """Keeps the rows, which are sent on by nobody."""
        kept = self.folder / f"{self._load_id}{_STOPPED}"
        with translated(str(self.folder), "keep bad rows in"):
            shutil.rmtree(kept, ignore_errors=True)
        self._settle(kept)
        self._sealed = True
        return str(kept / _ROWS)

    def discard(self) -> None:
        if self._file is None:
            return
        with suppress(OSError):  # a full disk refuses what is still buffered
            self._file.close()
        if not self._sealed:
            for folder in (self._writing, self._pending):
                shutil.rmtree(folder, ignore_errors=True)

    def _begin(self) -> TextIO:
        self.folder.mkdir(parents=True, exist_ok=True)
        with leftovers.beginning(self.folder) as alone:
            for dead in self.folder.glob(f".*{_WRITING}"):
                _remove_if_dead(dead, patience=-math.inf if alone else _PATIENCE)
            self._writing.mkdir()
            rows = open(self._writing / _ROWS, "w", encoding="utf-8")  # noqa: SIM115
            fcntl.flock(rows, fcntl.LOCK_EX)
        self._tell(_TYPES, self._types)
        return rows

    def _tell(self, name: str, told: dict[str, Any]) -> None:
        with open(self._writing / name, "w", encoding="utf-8") as file:
            json.dump(told, file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())

    def _settle(self, name: Path) -> None:
        """Makes all that was written durable under another name. The file stays open: its lock says that we live."""
        assert self._file is not None
        with translated(str(self.folder), "keep bad rows in"):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._tell(_JOB, {_KEPT: self._count, **hidden(self._spec.as_json())})
            _sync(self._writing)
            self._writing.rename(name)
            _sync(self.folder)


def _remove_if_dead(folder: Path, patience: float = _PATIENCE) -> None:
    """Removes the rows that a dead run was keeping. A living one holds their file, but for the moment before it is
    there: so many seconds are it, where it may be that moment now."""
    rows = folder / _ROWS
    with suppress(FileNotFoundError):
        if leftovers.remove(rows) or (not rows.exists() and time.time() - folder.stat().st_mtime > patience):
            shutil.rmtree(folder, ignore_errors=True)


def finish(folder: Path, load_id: str) -> None:
    """Names the bad rows of a published load as such; does nothing when that was done, or when there are none."""
    if (folder / load_id).exists() or next(folder.glob(f"replayed/{load_id}.by-*"), None) is not None:
        return
    # Several are those of runs that began at once, with the same rows.
    for pending in sorted(folder.glob(f"{load_id}*{_PENDING}"))[:1]:
        with suppress(FileNotFoundError):
            pending.rename(folder / load_id)
            _sync(folder)


@dataclass(frozen=True, slots=True)
class Kept:
    """The bad rows of one published load, read back."""

    folder: Path
    load_id: str
    spec: JobSpec
    count: int | None = None
    """How many rows were kept; None where that is not known."""

    def types(self, part: str) -> pa.Schema | None:
        """The types that the load's rows had when they were `read`, or shaped (`rows`); None where nobody knows."""
        path = self.folder / _TYPES
        if not path.is_file():
            return None
        try:
            found = json.loads(path.read_text(encoding="utf-8")).get(part)
            return found and pa.schema([(name, parse_type(text, name)) for name, text in found.items()])
        except (*_NO_LETTER, UserError) as error:
            raise _damaged(path, f"are no types as Towpath keeps them with bad rows: {error}") from error

    def rows(self) -> Iterator[BadRow]:
        number = 0
        with open(self.folder / _ROWS, "rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield _from_json(json.loads(line.decode("utf-8")))
                except _NO_LETTER as error:
                    raise self._damaged(number, f"is no bad row as Towpath keeps them: {error}") from error
        if number == 0:
            raise self._damaged(1, "there is no row any more")
        if self.count is not None and number != self.count:
            raise DataError(
                f"{self.count:,} bad rows were kept, and {number:,} are there",
                where=str(self.folder / _ROWS),
                todo="nothing of these was sent: restore the lines that are missing; where you took them out, or more "
                f'in, on purpose, write "{_KEPT}": {number} into {_JOB} beside it',
                code="bad-rows-damaged",
            )

    def _damaged(self, line: int, what: str) -> DataError:
        return DataError(
            what,
            where=f"{self.folder / _ROWS}:{line}",
            todo="restore the line: one JSON object, of which `raw` or `row` may be mended",
            code="bad-rows-damaged",
        )

    def replayed(self, under: str) -> None:
        """Marks these rows as sent on by the load `under`; they are not sent again."""
        done = self.folder.parent / "replayed"
        done.mkdir(exist_ok=True)
        self.folder.rename(done / f"{self.load_id}.by-{under}")
        _sync(self.folder.parent)


def kept(folder: Path) -> list[Kept]:
    """The published loads that have bad rows in `folder`, oldest first. Raises Refused when there is no such folder."""
    if not folder.is_dir():
        raise Refused(
            "there is no such folder of bad rows",
            where=str(folder),
            todo="name the folder that was given to --bad-rows",
            code="path-missing",
        )
    found = [path for path in folder.iterdir() if (path / _JOB).is_file() and not path.suffix]
    found.sort(key=lambda path: path.stat().st_mtime_ns)
    return [Kept(path, path.name, *_job(path / _JOB)) for path in found]


def _job(path: Path) -> tuple[JobSpec, int | None]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        count = told.pop(_KEPT, None)
        if count is not None and type(count) is not int:
            raise ValueError(f"{_KEPT} is no number of rows")
        return JobSpec.from_json(told), count
    except _NO_LETTER as error:
        raise _damaged(path, f"is no job as Towpath keeps it with bad rows: {error}") from error


def _damaged(path: Path, what: str) -> DataError:
    return DataError(
        what,
        where=str(path),
        todo="restore it: without it nobody knows where these rows belong",
        code="bad-rows-damaged",
    )


def pending(folder: Path) -> list[str]:
    """The names, without their ending, of bad rows that are durable but whose load is not known to be published."""
    return sorted(path.name.removesuffix(_PENDING) for path in folder.glob(f"*{_PENDING}"))


def _as_json(bad: BadRow) -> dict[str, Any]:
    return {
        "file": bad.place.file,
        "line": bad.place.line,
        "column": bad.column,
        "value": bad.value,
        "reason": bad.reason,
        "edge": bad.edge,
        "row": bad.row if bad.place.raw is None else None,
        **_bytes("raw", bad.place.raw),
        **_bytes("head", bad.place.head),
    }


def _bytes(name: str, value: bytes | None) -> dict[str, str]:
    """Bytes as text where they are UTF-8, so that a person can read and mend them; else as base64."""
    if value is None:
        return {}
    try:
        return {name: value.decode("utf-8")}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(value).decode("ascii")}


def _from_json(raw: dict[str, Any]) -> BadRow:
    def value(name: str) -> bytes | None:
        if name in raw:
            return str(raw[name]).encode("utf-8")
        coded = raw.get(f"{name}_base64")
        return None if coded is None else base64.b64decode(coded, validate=True)

    odd = raw.keys() - _MEMBERS
    if odd:
        raise ValueError(f"it has no member {min(odd)!r}")
    place = Place(raw["file"], raw["line"], value("raw"), value("head"))
    if place.raw is None and not isinstance(raw["row"], dict):
        raise ValueError("it has neither `raw` nor `row`")
    return BadRow(place, raw["reason"], raw["column"], raw["value"], raw["row"], raw["edge"])


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
