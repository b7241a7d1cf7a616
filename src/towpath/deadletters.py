"""Dead letters: bad rows kept on disk under the id of the load that set them aside.

`DIR/<load id>/rows.jsonl` holds one bad row a line, `load.json` the job that met them. While the load is not published
the folder is called `<load id>.pending`; its rows are durable before the load becomes visible.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

from towpath.badrows import BadRow, BadRows
from towpath.errors import DataError, Refused
from towpath.job import JobSpec
from towpath.secrets.plain import hidden
from towpath.stream import Place

_PENDING = ".pending"


class Letters(BadRows, Protocol):
    """Keeps the bad rows of one load: `seal` before it is published, `published` after; `unseal` when publishing was
    refused; `discard` at the end of a load that was not published. What is sealed is not discarded: its load may be
    published although the call failed, and then these rows are nowhere else."""

    def seal(self) -> None:
        """Makes the rows durable."""
        ...

    def published(self) -> None: ...

    def unseal(self) -> None: ...

    def discard(self) -> None: ...


class DeadLetters:
    """Keeps the bad rows of one load in a folder; see `Letters`."""

    def __init__(self, folder: Path, load_id: str, spec: JobSpec) -> None:
        self.folder = folder
        self._pending = folder / f"{load_id}{_PENDING}"
        self._final = folder / load_id
        self._spec = spec
        self._file: TextIO | None = None
        self._sealed = False

    def add(self, bad: BadRow) -> None:
        try:
            if self._file is None:
                self._file = self._begin()
            self._file.write(json.dumps(_as_json(bad), ensure_ascii=False) + "\n")
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def seal(self) -> None:
        """Makes the rows durable."""
        self._sealed = True
        if self._file is None:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            for folder in (self._pending, self.folder):
                _sync(folder)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def published(self) -> None:
        """The load is visible: its bad rows are its own now."""
        if self._file is not None:
            finish(self.folder, self._final.name)

    def unseal(self) -> None:
        """The load was refused before it became visible."""
        self._sealed = False

    def discard(self) -> None:
        if self._file is not None and not self._sealed:
            self._file.close()
            shutil.rmtree(self._pending, ignore_errors=True)

    def _begin(self) -> TextIO:
        # A pending folder of the same load id is that of a dead run of this very load: it is written anew.
        shutil.rmtree(self._pending, ignore_errors=True)
        self._pending.mkdir(parents=True)
        # Whoever replays them may stand in another folder.
        spec = self._spec.with_(folder=os.path.abspath(self._spec.folder))
        (self._pending / "load.json").write_text(json.dumps(hidden(spec.as_json()), indent=1), encoding="utf-8")
        return open(self._pending / "rows.jsonl", "w", encoding="utf-8")


def finish(folder: Path, load_id: str) -> None:
    """Names the bad rows of a published load as such; does nothing when that was done, or when there are none."""
    pending = folder / f"{load_id}{_PENDING}"
    if pending.is_dir() and not (folder / load_id).exists():
        pending.rename(folder / load_id)
        _sync(folder)


@dataclass(frozen=True, slots=True)
class Kept:
    """The bad rows of one published load, read back."""

    folder: Path
    load_id: str
    spec: JobSpec

    def rows(self) -> Iterator[BadRow]:
        with open(self.folder / "rows.jsonl", encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield _from_json(json.loads(line))
                except (ValueError, KeyError, TypeError) as error:
                    raise DataError(
                        f"is no bad row as Towpath keeps them: {error}",
                        where=f"{self.folder / 'rows.jsonl'}:{number}",
                        todo="restore the line: one JSON object, of which `raw` or `row` may be mended",
                        code="bad-rows-damaged",
                    ) from error

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
    found = [path for path in folder.iterdir() if (path / "load.json").is_file() and path.suffix != _PENDING]
    found.sort(key=lambda path: path.stat().st_mtime_ns)
    return [
        Kept(path, path.name, JobSpec.from_json(json.loads((path / "load.json").read_text(encoding="utf-8"))))
        for path in found
    ]


def pending(folder: Path) -> list[str]:
    """Load ids whose bad rows are sealed or being written but whose load is not known to be published."""
    return sorted(path.name.removesuffix(_PENDING) for path in folder.glob(f"*{_PENDING}"))


def _as_json(bad: BadRow) -> dict[str, Any]:
    return {
        "file": bad.place.file,
        "line": bad.place.line,
        "column": bad.column,
        "value": bad.value,
        "reason": bad.reason,
        "edge": bad.edge,
        "row": bad.row,
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

    place = Place(raw["file"], raw["line"], value("raw"), value("head"))
    return BadRow(place, raw["reason"], raw["column"], raw["value"], raw["row"], raw["edge"])


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(folder: Path, error: OSError) -> Refused:
    return Refused(
        f"bad rows cannot be kept: {error.strerror or error}",
        where=str(folder),
        todo="name another folder with --bad-rows",
        code="permission-denied",
    )
