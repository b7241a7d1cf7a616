"""The keyword arguments of the Python interface: named and meant as the options of `tow copy` and the keys of tow.yaml.

Every one may be left out or None. A list of columns may be one name alone; unlike on the command line, a comma is a
part of a name."""

from __future__ import annotations

import inspect
import operator
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Any, Literal, ParamSpec, SupportsIndex, TypedDict, TypeVar, get_type_hints

import pyarrow as pa

from towpath.errors import UserError
from towpath.job import InputSpec, JobSpec, OutputSpec, RuleSpec
from towpath.nouns import Guarantee, Mode
from towpath.pipeline import shorthand
from towpath.values import textform

Names = str | Sequence[str] | None
Types = Mapping[str, str | pa.DataType] | None
Words = str | Sequence[str] | None
Bound = str | int | date | None
Vars = Mapping[str, str | int | float | date | None] | None
Rule = str | Mapping[str, Any] | RuleSpec


class ReadOptions(TypedDict, total=False):
    """How a source is read. `from_options` are those of its format or database. `types` pins columns (a name such as
    `decimal(12,2)`, or an Arrow type); `null`, `true`, `false`, `decimal`, `thousands` and `date_format` say how a text
    file writes its values, `timezone` what zone timestamps without one are in. `since` and `until` bound rows by the
    column `cursor`."""

    from_format: str | None
    from_options: Mapping[str, Any] | None
    types: Types
    all_text: bool | None
    null: Words
    decimal: str | None
    thousands: str | None
    date_format: Words | Mapping[str, str]
    true: Words
    false: Words
    timezone: str | None
    table: str | None
    query: str | None
    cursor: str | None
    since: Bound
    until: Bound


class ShapeOptions(TypedDict, total=False):
    """What happens to rows on their way: in the order sample, where or sql, python, select, rename, cast, rules,
    dedupe, limit, load_columns. `rules` are written as in tow.yaml (`{"not_null": ["id"]}`) or `--rule`. `sample` is
    a share (0.01 or "1%"); `memory` bytes or a text like "1GiB"; `bad_rows` a folder; `max_bad` a number
    of rows, or a share of those read ("0.5%")."""

    sample: float | str | None
    where: str | None
    sql: str | None
    python: str | None
    whole: bool | None
    select: Names
    rename: Mapping[str, str] | None
    cast: Types
    rules: Rule | Sequence[Rule] | None
    dedupe: str | None
    limit: int | None
    load_columns: Names
    bad_rows: str | Path | None
    max_bad: int | str | None
    allow_lossy: Names
    memory: int | str | None


class WriteOptions(TypedDict, total=False):
    """How a destination is written, and what becomes of the rows it has: `mode`, with `key` for merge. `require` is the
    least guarantee. `before` and `after` are SQL run in the transaction that publishes; `file_size` is in bytes or a
    text like "512MiB"."""

    mode: Literal["create", "append", "replace", "merge"] | None
    key: Names
    schema: Literal["evolve", "freeze"] | None
    require: Literal["atomic", "recoverable", "at-least-once"] | None
    to_format: str | None
    to_options: Mapping[str, Any] | None
    to_table: str | None
    partition_by: Names
    rows_per_file: int | None
    file_size: int | str | None
    codec: str | None
    level: int | None
    before: Words
    after: Words


class FrameOptions(ShapeOptions, WriteOptions, total=False):
    """The keyword arguments of `towpath.write`; `types` pins columns of rows given as objects."""

    types: Types


class CopyOptions(ReadOptions, ShapeOptions, WriteOptions, total=False):
    """The keyword arguments of `towpath.copy` and `towpath.plan`. `step` is a name under which the destination keeps
    how far the source was read, so that the same call goes on from there."""

    step: str | None


_WORDS = ("null", "true", "false", "date_format")

P = ParamSpec("P")
R = TypeVar("R")


def takes(options: type[Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Makes a function with `**options` refuse names that are not there (TypeError), and show them in its signature."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        own = inspect.signature(function)
        plain = [one for one in own.parameters.values() if one.kind is not one.VAR_KEYWORD]
        named = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for name, annotation in get_type_hints(options).items()
        ]
        signature = own.replace(parameters=[*plain, *named])

        @wraps(function)
        def checked(*args: P.args, **given: P.kwargs) -> R:
            try:
                signature.bind(*args, **given)
            except TypeError as error:
                raise TypeError(f"{function.__name__}() {error}") from None
            return function(*args, **given)

        checked.__signature__ = signature  # type: ignore[attr-defined]
        return checked

    return decorate


def inputs(source: Any, given: Mapping[str, Any]) -> dict[str, InputSpec]:
    """What is read: one address (or InputSpec), or several by the names that SQL calls them."""
    if isinstance(source, Mapping):
        return {str(name): one_input(one, given) for name, one in source.items()}
    return {"input": one_input(source, given)}


def output(to: str | Path | OutputSpec, given: Mapping[str, Any]) -> OutputSpec:
    if isinstance(to, OutputSpec):
        return to
    file_size = given.get("file_size")
    return OutputSpec(
        address(to),
        given.get("to_format"),
        dict(given.get("to_options") or {}),
        given.get("to_table"),
        names(given.get("partition_by")),
        whole(given, "rows_per_file"),
        None if file_size is None else shorthand.size(file_size),
        given.get("codec"),
        whole(given, "level"),
        given.get("schema") or "evolve",
        names(given.get("before")),
        names(given.get("after")),
    )


def job(inputs: Mapping[str, InputSpec], to: OutputSpec, given: Mapping[str, Any]) -> JobSpec:
    """The job that keyword arguments describe. Raises UserError for a value that is none."""
    require, memory = given.get("require"), given.get("memory")
    bad_rows = given.get("bad_rows")
    chosen: dict[str, Any] = {} if memory is None else {"memory": shorthand.size(memory)}
    return JobSpec(
        inputs=inputs,
        to=to,
        mode=_choice(Mode, given.get("mode") or Mode.CREATE, "mode"),
        key=names(given.get("key")),
        types=types(given.get("types")),
        all_text=bool(given.get("all_text")),
        sample=share(given.get("sample")),
        where=given.get("where"),
        sql=given.get("sql"),
        python=given.get("python"),
        whole=bool(given.get("whole")),
        select=_chosen(given.get("select")),
        rename=mapped(given.get("rename"), "rename"),
        cast=types(given.get("cast"), "cast"),
        rules=_rules(given.get("rules")),
        dedupe=given.get("dedupe"),
        limit=whole(given, "limit"),
        load_columns=names(given.get("load_columns")),
        bad_rows=None if bad_rows is None else str(bad_rows),
        max_bad=None if given.get("max_bad") is None else str(given["max_bad"]),
        allow_lossy=names(given.get("allow_lossy")),
        require=None if require is None else _choice(Guarantee, require, "require"),
        step=given.get("step"),
        **chosen,
    )


def address(value: Any) -> str:
    """An address as text. Raises UserError for what is none, such as a frame."""
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value) if isinstance(os.fspath(value), str) else os.fsdecode(value)
    raise UserError(
        f"{type(value).__name__} is no address",
        todo="give a path or an address as text; a frame is written with towpath.write(frame, to)",
        code="address-wrong",
    )


def whole(given: Mapping[str, Any], name: str) -> int | None:
    """An option that is a whole number. Raises UserError for anything else."""
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise UserError(f"{name} takes a whole number, not {value!r}", code="option-wrong")
    return operator.index(value)


def names(value: Names) -> tuple[str, ...]:
    """A list of names, or one name alone."""
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


def _chosen(value: Names) -> tuple[str, ...]:
    """The columns to keep; an empty list, which a program may come to, does not mean all of them."""
    chosen = names(value)
    if value is not None and not chosen:
        raise UserError("the list of columns is empty", todo="name one, or give None for all", code="columns-missing")
    return chosen


def types(value: Types, option: str = "types") -> dict[str, str]:
    """Types by column, as texts that `parse_type` reads. Raises UserError for what is no type."""
    return {name: _type(one, f"{option}: {name}") for name, one in mapped(value, option).items()}


def _type(value: Any, what: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, pa.DataType):
        return textform.type_name(value)
    raise UserError(
        f"{what}: {value!r} is no type", todo="name it ('int64'), or give one of pyarrow's", code="type-unknown"
    )


def mapped(value: Mapping[str, Any] | str | None, option: str) -> dict[str, Any]:
    """Values by column: a mapping, or text as the command takes it (`a=x,b=y`). Raises UserError for anything else."""
    if value is None or isinstance(value, (Mapping, str)):
        return shorthand.pairs([value], option) if isinstance(value, str) else dict(value or {})
    raise UserError(
        f"{option} takes a mapping of columns, not {value!r}",
        todo=f"such as {option}={{'zip': ...}}",
        code="option-wrong",
    )


def one_input(source: Any, given: Mapping[str, Any]) -> InputSpec:
    """One thing to read. Raises UserError for what is no address."""
    if isinstance(source, InputSpec):
        return source
    words: dict[str, Any] = {name: list(names(given[name])) for name in _WORDS if given.get(name) is not None}
    if isinstance(given.get("date_format"), Mapping):
        words["date_format"] = dict(given["date_format"])
    signs = {name: given[name] for name in ("decimal", "thousands") if given.get(name) is not None}
    return InputSpec(
        address(source),
        given.get("from_format"),
        {**words, **signs, **(given.get("from_options") or {})},
        given.get("table"),
        given.get("query"),
        given.get("cursor"),
        since=bound(given.get("since")),
        until=bound(given.get("until")),
        timezone=given.get("timezone"),
    )


def share(value: float | str | None) -> float | None:
    """A share of a whole (0.01, or "1%")."""
    return None if value is None else shorthand.share(str(value))


def bound(value: Bound) -> str | None:
    """A bound in its text form."""
    if value is None or isinstance(value, str):
        return value
    text: str = textform.write(pa.array([value]))[0].as_py()
    return text


def variables(given: Vars) -> dict[str, str]:
    """The variables of a tow.yaml as the texts that `--var` would give: numbers, dates, true, false and null too."""
    words = {None: "null", True: "true", False: "false"}
    return {
        name: words[one] if one is None or isinstance(one, bool) else str(one) for name, one in (given or {}).items()
    }


def _choice(kind: Any, value: str, name: str) -> Any:
    from towpath.options import nearest

    known = [str(one) for one in kind]
    if value not in known:
        raise UserError(
            f"{name} takes {', '.join(known)}, not {value!r}{nearest(str(value), known)}", code="option-wrong"
        )
    return kind(value)


def _rules(given: Any) -> tuple[RuleSpec, ...]:
    import yaml

    from towpath.pipeline import load

    listed = [given] if isinstance(given, (str, Mapping, RuleSpec)) else list(given or ())
    found: list[RuleSpec] = []
    for one in listed:
        if isinstance(one, RuleSpec):
            found.append(one)
        else:
            # A mapping is read as its own YAML text, so that its mistakes are told as those of tow.yaml are.
            text = one if isinstance(one, str) else yaml.safe_dump(dict(one), default_flow_style=True, width=10_000)
            found += load.rules([text.strip()])
    return tuple(found)
