"""A job as people write it (command line or YAML): plain values, nothing opened yet. `towpath.assemble` opens it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from towpath.nouns import Guarantee, Mode

DEFAULT_MEMORY = 1 << 30


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One thing to read. `table` or `query` belong to databases; `format` and `options` to files and databases alike.

    `cursor`: the column by which a table is read onwards from run to run; `monotonic` says that later rows always have
    a greater one (otherwise rows equal to the last value are read again, which asks for merge)."""

    address: str
    format: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    table: str | None = None
    query: str | None = None
    cursor: str | None = None
    monotonic: bool = False


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One thing to write; `partition_by` makes hive folders of a folder of files."""

    address: str
    format: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    table: str | None = None
    partition_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One rule: `kind` is not_null, unique, range, one_of or pattern; `columns` what it is about; `limits` its values
    (range: low and high, either None; one_of: the values; pattern: one regular expression)."""

    kind: str
    columns: tuple[str, ...]
    limits: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class JobSpec:
    """Everything that one move is. The steps happen in the order of the fields `where` to `rules`.

    `inputs` by the name that SQL uses; a single one is called `input`. `types` pins columns of the source.
    `step` names it (`pipeline/step`): only a named step keeps a checkpoint. `folder` is where Python modules are found.
    """

    inputs: Mapping[str, InputSpec]
    to: OutputSpec
    mode: Mode = Mode.CREATE
    key: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    where: str | None = None
    sql: str | None = None
    python: str | None = None
    whole: bool = False
    select: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    cast: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[RuleSpec, ...] = ()
    bad_rows: str | None = None
    allow_lossy: tuple[str, ...] = ()
    require: Guarantee | None = None
    memory: int = DEFAULT_MEMORY
    step: str | None = None
    folder: str = "."
    connections: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` gives the same spec back."""
        return json.loads(json.dumps(asdict(self)))

    @staticmethod
    def from_json(raw: Mapping[str, Any]) -> JobSpec:
        return JobSpec(
            **{
                **raw,
                "inputs": {name: InputSpec(**value) for name, value in raw["inputs"].items()},
                "to": OutputSpec(**{**raw["to"], "partition_by": tuple(raw["to"]["partition_by"])}),
                "mode": Mode(raw["mode"]),
                "require": Guarantee(raw["require"]) if raw["require"] else None,
                "rules": tuple(
                    RuleSpec(rule["kind"], tuple(rule["columns"]), tuple(rule["limits"])) for rule in raw["rules"]
                ),
                **{name: tuple(raw[name]) for name in ("key", "select", "allow_lossy")},
            }
        )

    def plan_hash(self) -> str:
        """Changes when a run would mean something else: what a checkpoint was made for."""
        meant = self.as_json()
        for name in ("memory", "bad_rows", "require", "folder"):
            del meant[name]
        return hashlib.sha256(json.dumps(meant, sort_keys=True).encode()).hexdigest()[:16]

    def with_(self, **changes: Any) -> JobSpec:
        return replace(self, **changes)
