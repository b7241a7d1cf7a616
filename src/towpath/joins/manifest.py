"""The manifest of a folder: which files hold its rows. Readers go by it alone; writing it publishes a load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import pyarrow as pa

from towpath.errors import Conflict, DataError, Refused, UserError
from towpath.joins import sealed
from towpath.nouns import State
from towpath.seams.store import Store
from towpath.values import textform

NAME = "_manifest.json"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One file; `path` is relative to the folder, `size` in bytes."""

    path: str
    rows: int
    size: int
    load_id: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`schema` holds the columns in order, those of `partition_by` among them; `generation` counts the loads."""

    format: str
    schema: pa.Schema
    partition_by: tuple[str, ...] = ()
    files: tuple[Part, ...] = ()
    steps: Mapping[str, State] = field(default_factory=dict)
    generation: int = 1

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.files)

    def dumps(self) -> bytes:
        content = {
            "towpath": _VERSION,
            "format": self.format,
            "schema": [{"name": one.name, "type": textform.type_name(one.type)} for one in self.schema],
            "partition_by": self.partition_by,
            "files": [asdict(part) for part in self.files],
            "steps": {step: asdict(state) for step, state in self.steps.items()},
            "generation": self.generation,
        }
        return sealed.dumps(content)

    @staticmethod
    def loads(content: bytes) -> Manifest:
        """Raises ValueError, KeyError, TypeError, UserError for anything else than `dumps` gave."""
        raw = sealed.loads(content)
        if raw["towpath"] != _VERSION:
            raise ValueError(f"version {raw['towpath']}")
        return Manifest(
            raw["format"],
            pa.schema([pa.field(one["name"], textform.parse_type(one["type"])) for one in raw["schema"]]),
            tuple(raw["partition_by"]),
            tuple(Part(**part) for part in raw["files"]),
            {step: State.loads(json.dumps(state)) for step, state in raw["steps"].items()},
            raw["generation"],
        )


def read(store: Store, folder: str) -> tuple[Manifest, str] | None:
    """The manifest of a folder (its path ends with `/`) and the manifest's version, or None. Raises DataError."""
    note = store.read_note(folder + NAME)
    if note is None:
        return None
    try:
        return Manifest.loads(note[0]), note[1]
    except (ValueError, KeyError, TypeError, AttributeError, UserError) as error:
        raise DataError(
            f"this is no manifest that tow can read ({error})",
            where=folder + NAME,
            todo="restore it, or read the files by a glob",
            code="state-damaged",
        ) from error


def put_state(store: Store, folder: str, shown: str, step: str, expected: State | None, new: State | None) -> None:
    """Sets or (None) forgets a step's state in the manifest of a folder. Raises Conflict when it is not the expected
    one, Refused where there is no manifest to keep it in."""
    found = read(store, folder)
    steps = {} if found is None else dict(found[0].steps)
    if steps.get(step) != expected:
        raise Conflict(
            f"another run of the step {step} has loaded it meanwhile; nothing was changed",
            where=shown,
            todo="run again",
        )
    if found is None:
        if new is not None:
            raise Refused(
                "there is nothing yet whose state could be set", where=shown, todo="load it first", code="state-missing"
            )
        return
    steps.pop(step, None)
    if new is not None:
        steps[step] = new
    store.swap_note(folder + NAME, replace(found[0], steps=steps).dumps(), found[1])
