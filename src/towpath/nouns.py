"""The nouns that sources, destinations and the mover exchange. Plain data: no I/O, no library but Arrow's types."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import pyarrow as pa

from towpath.badrows import BadRows, StopAtFirst


class Mode(StrEnum):
    """What happens to the rows that the destination already has."""

    CREATE = "create"
    APPEND = "append"
    REPLACE = "replace"
    MERGE = "merge"


class Guarantee(StrEnum):
    """How far exactly-once goes. ATOMIC: rows and checkpoint in one commit. RECOVERABLE: a durable intent, then
    idempotent publishing, then state; the next run finishes or discards it first. AT_LEAST_ONCE: neither."""

    ATOMIC = "atomic"
    RECOVERABLE = "recoverable"
    AT_LEAST_ONCE = "at-least-once"


class Way(StrEnum):
    """How a column's values reach the destination. EXACT: every value survives by the types alone. CHECKED: the
    destination is narrower and every value is tested. LOSSY: only for a column that the user named."""

    EXACT = "exact"
    CHECKED = "checked"
    LOSSY = "lossy"


@dataclass(frozen=True, slots=True)
class Stored:
    """What a destination really holds for a type: an Arrow type, its own name for it, and the values it refuses.

    `refuses` is a subset of {"nan", "inf", "minus-zero", "nul", "twins", "endless", "nanoseconds", "midnight"}: float
    NaN, float infinities, -0.0, text with U+0000, maps with a key twice, dates and times at the ends of their type
    (where some systems have their infinities), intervals with nanoseconds, the time of day 24:00:00. `longest` is how
    many characters a text may have, where there is a limit that people come to (`varchar(10)`). `narrow` says, in a
    clause, what else of its type a column does not keep, which the load then tests (labels, a length in bytes).
    `as_text`: the values are handed over in their type, and written in their text form.
    """

    type: pa.DataType
    native: str = ""
    refuses: frozenset[str] = frozenset()
    longest: int | None = None
    narrow: str = ""
    as_text: bool = False


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """The way of one column: from the stream's `name`/`source` to the destination's `to`/`stored`."""

    name: str
    source: pa.DataType
    to: str
    stored: Stored
    way: Way
    why: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a source was read: a JSON value that only the source that made it understands.

    `kind` names the form ("files", "cursor", "version", "inputs"); equal checkpoints mean nothing new to read.
    """

    kind: str
    value: Any

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Checkpoint:
        return Checkpoint(value["kind"], value["value"])

    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class State:
    """What a destination has committed for one named step: which load came last, and how far it had read. `unit` is the
    table that the rows are in, where one place keeps the states of several; empty elsewhere."""

    step: str
    load_id: str
    checkpoint: Checkpoint
    plan: str
    at: str
    rows: int
    unit: str = field(default="", compare=False)

    def dumps(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def loads(text: str) -> State:
        raw = json.loads(text)
        raw["checkpoint"] = Checkpoint.from_json(raw["checkpoint"])
        return State(**raw)


@dataclass(frozen=True, slots=True)
class Description:
    """What a source holds, found without reading it all and without side effects.

    `settled` is False while types come from a sample and may widen; `inferred` says that the source is text,
    whose types are ours and not its own. `rows` and `size` (bytes) are None when not known.
    `bound` names what would be read now, as a checkpoint: equal to the committed one means nothing new.
    """

    schema: pa.Schema
    settled: bool = True
    inferred: bool = False
    rows: int | None = None
    size: int | None = None
    bound: Checkpoint | None = None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Existing:
    """What stands at the destination now. `schema` holds the Arrow types that its columns really keep;
    `stored` gives each column's native type and refusals; `key` its primary key, if it has one. `generated` columns are
    computed by the system and cannot be written; `required` ones must be written (not null, and without a default)."""

    schema: pa.Schema
    stored: Mapping[str, Stored]
    rows: int | None = None
    key: tuple[str, ...] = ()
    generated: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Want:
    """What the mover asks of a source.

    `types`: pinned by the user or by existing destination columns: a value that does not fit one is a bad row; names
    that the source does not have are passed over. `all_text`: the other columns of a text source are text, each value
    as it stands there; sources with types of their own pass it over.
    `schema`: every column's type as an earlier whole scan settled it; a value that does not fit means that the source
    changed.
    `columns`: only these, in this order (None: all). `bad`: where rows that cannot be read go.
    `checkpoint`: whether one is of any use to who asks; a source that would have to look at all its rows to tell how
    far they reach has none otherwise. `count`: whether the number of rows is of any use before they are read; likewise.
    `by_file`: each batch has to be of one file, and to name it.
    `batch_bytes`, `threads`: the size of a batch in bytes and how many threads may work on them.
    """

    types: Mapping[str, pa.DataType] = field(default_factory=dict)
    all_text: bool = False
    schema: pa.Schema | None = None
    columns: tuple[str, ...] | None = None
    bad: BadRows = field(default_factory=StopAtFirst)
    checkpoint: bool = True
    count: bool = True
    by_file: bool = False
    batch_bytes: int = 8 << 20
    threads: int = 2


class Restart(Exception):
    """Optimistic types did not hold. The reading has scanned its whole source; open it again with `schema`.

    `because` says which value of which column at which place asked for it.
    """

    def __init__(self, schema: pa.Schema, because: str) -> None:
        super().__init__(because)
        self.schema = schema
        self.because = because


@dataclass(frozen=True, slots=True)
class Offer:
    """What a destination will do with rows of `source`, said beforehand.

    `schema` is what `Load.write` must be given (the mover converts to it, column by column as `columns` says).
    `ddl`: the statements or file operations that create or change the destination. `effect`: one sentence on the rows
    that exist. `why` says what the guarantee rests on, or why it is no better. `instead_of` is a column and values of
    it: rows that have one of them make way for the load's rows in the same act (`ReplacesRows`). `about_load` are the
    destination's columns that tell of the load: another value in them alone changes no row. `lacking` are columns
    of the destination that the rows do not have: null or their default in rows that are new, as they were in others.
    """

    source: pa.Schema
    schema: pa.Schema
    columns: tuple[ColumnPlan, ...]
    mode: Mode
    key: tuple[str, ...]
    guarantee: Guarantee
    why: str
    effect: str
    ddl: tuple[str, ...] = ()
    instead_of: tuple[str, tuple[str, ...]] | None = None
    about_load: frozenset[str] = frozenset()
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """What a load made visible, counted at the destination. `accepted` = inserted + updated + unchanged. `removed`:
    rows that made way for them (replaced ones are not counted)."""

    accepted: int
    inserted: int
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    size: int | None = None
    parts: tuple[str, ...] = ()
