"""A job as people write it (command line or YAML): plain values, nothing opened yet. `towpath.assemble` opens it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import Any

from towpath.nouns import Guarantee, Mode
from towpath.secrets.redact import HIDDEN
from towpath.secrets.secret import Secret

DEFAULT_MEMORY = 1 << 30
REPLAY = "replay/"
_OUTPUT_TUPLES = ("partition_by", "before", "after")


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One thing to read. `table` or `query` belong to databases; `format` and `options` to files and databases alike.

    `cursor`: the column by which a table is read onwards from run to run; `monotonic` says that later rows always have
    a greater one (otherwise rows equal to the last value are read again, which asks for merge); `lookback` how far
    behind the last value the next run begins (`1h`, `2d`, or a number for a numeric cursor), for rows that come late.
    `since` and `until` bound one run by the cursor: from `since` on, up to but not with `until`.
    `timezone`: the zone (IANA name) that timestamps without one are meant in."""

    address: str
    format: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    table: str | None = None
    query: str | None = None
    cursor: str | None = None
    monotonic: bool = False
    lookback: str | None = None
    since: str | None = None
    until: str | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One thing to write. Of files: `partition_by` makes hive folders, `rows_per_file` and `file_bytes` (bytes on disk)
    bound each file of a folder, `codec` compresses (an ending such as `gz`; Parquet's own codecs by name) at `level`.
    Of tables: `schema` is evolve (columns that are missing are added, types widened where that is exact) or freeze;
    `before` and `after` are SQL statements run in the transaction that publishes."""

    address: str
    format: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    table: str | None = None
    partition_by: tuple[str, ...] = ()
    rows_per_file: int | None = None
    file_bytes: int | None = None
    codec: str | None = None
    level: int | None = None
    schema: str = "evolve"
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One rule: `kind` is not_null, unique, range, one_of or pattern; `columns` what it is about; `limits` its values
    (range: low and high, either None; one_of: the values; pattern: one regular expression; unique, in a replay: place
    and key of each row that was set aside for it, which is not let pass with that key)."""

    kind: str
    columns: tuple[str, ...]
    limits: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class JobSpec:
    """Everything that one move is. The steps happen in the order of the fields `sample` to `load_columns`.

    `inputs` by the name that SQL uses; a single one is called `input`. `types` pins columns of the source; `all_text`
    reads every column of a text source as text. `sample` is the share of the rows read that is kept (0 to 1), `limit`
    how many rows of the result. `dedupe` keeps one row of each key: `latest COL`, `earliest COL`, `first` or `last`.
    `max_bad` is how many bad rows a load may have (`100`, or a share of the rows read such as `0.5%`).
    `load_columns` adds columns about the load: any of `loaded_at`, `run_id`, `source_file` (each with `_` before it).
    `step` names it (`pipeline/step`): only a named step keeps a checkpoint. Relative paths and Python modules are found
    from `folder`. `connections` and addresses hold references to secrets (`${env:X}`), never their values.
    """

    inputs: Mapping[str, InputSpec]
    to: OutputSpec
    mode: Mode = Mode.CREATE
    key: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    all_text: bool = False
    sample: float | None = None
    where: str | None = None
    sql: str | None = None
    python: str | None = None
    whole: bool = False
    select: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    cast: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[RuleSpec, ...] = ()
    dedupe: str | None = None
    limit: int | None = None
    load_columns: tuple[str, ...] = ()
    bad_rows: str | None = None
    max_bad: str | None = None
    allow_lossy: tuple[str, ...] = ()
    require: Guarantee | None = None
    memory: int = DEFAULT_MEMORY
    step: str | None = None
    folder: str = "."
    connections: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` gives the same spec back."""
        return json.loads(json.dumps(asdict(self), default=_hidden))

    @staticmethod
    def from_json(raw: Mapping[str, Any]) -> JobSpec:
        return JobSpec(
            **{
                **raw,
                "inputs": {name: InputSpec(**value) for name, value in raw["inputs"].items()},
                "to": OutputSpec(**{**raw["to"], **{one: tuple(raw["to"][one]) for one in _OUTPUT_TUPLES}}),
                "mode": Mode(raw["mode"]),
                "require": Guarantee(raw["require"]) if raw["require"] else None,
                "rules": tuple(
                    RuleSpec(rule["kind"], tuple(rule["columns"]), tuple(rule["limits"])) for rule in raw["rules"]
                ),
                **{name: tuple(raw[name]) for name in ("key", "select", "allow_lossy", "load_columns")},
            }
        )

    def plan_hash(self) -> str:
        """Changes when a run would mean something else: what a checkpoint was made for. Only what is no default counts,
        so that an option that a later version brings makes no other plan of this one."""
        from towpath.secrets.plain import hidden

        meant = hidden(self.as_json())  # a new password is no new plan
        for name in ("memory", "bad_rows", "max_bad", "require", "folder", "sample", "limit"):
            del meant[name]
        for one in meant["inputs"].values():
            del one["since"], one["until"], one["lookback"]  # they say how much of it one run reads
        meant["inputs"] = {name: _said(InputSpec, one) for name, one in meant["inputs"].items()}
        meant["to"] = _said(OutputSpec, meant["to"])
        return hashlib.sha256(json.dumps(_said(JobSpec, meant), sort_keys=True).encode()).hexdigest()[:16]

    def with_(self, **changes: Any) -> JobSpec:
        return replace(self, **changes)


def _said(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Of JSON values of a kind of spec, those that are not its defaults."""
    defaults = {
        one.name: one.default if one.default_factory is MISSING else one.default_factory()
        for one in fields(kind)
        if one.name in values
    }
    return {name: value for name, value in values.items() if value != _plain(defaults[name])}


def _plain(value: Any) -> Any:
    """A default as JSON has it: tuples are lists."""
    return list(value) if isinstance(value, tuple) else value


def _hidden(value: Any) -> str:
    """What is no JSON value is a Secret that a program gave."""
    if isinstance(value, Secret):
        return HIDDEN
    raise TypeError(f"{type(value).__name__} is no value of a job")


def is_replay(step: str) -> bool:
    """Whether a step is not one of a pipeline, but the replay of a load's bad rows."""
    return step.startswith(REPLAY)
