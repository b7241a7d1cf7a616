"""The Python interface: what the commands do, as functions. Errors are `towpath.TowError`; receipts come back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from towpath import move
from towpath.errors import StepsStopped, UserError
from towpath.job import InputSpec, OutputSpec
from towpath.planning import Plan
from towpath.python import keywords
from towpath.python.frames import NAME, FrameSource
from towpath.python.keywords import Bound, CopyOptions, FrameOptions, ReadOptions, Vars, takes
from towpath.python.reader import BadRowsTo, Reader
from towpath.python.shown import Plans, Receipts
from towpath.python.watching import Watch, Watches, watched, watches
from towpath.receipt import Receipt
from towpath.values import textform

if TYPE_CHECKING:
    from towpath.pipeline.load import Loaded

Address = str | Path
Source = Address | InputSpec | Mapping[str, Address | InputSpec]
Row = TypeVar("Row")

_PIPELINES = (".yaml", ".yml")


@takes(CopyOptions)
def copy(
    source: Source, to: Address | OutputSpec, *, progress: Watch = None, **options: Unpack[CopyOptions]
) -> Receipt:
    """Moves one dataset, as `tow copy` does, and returns its receipt.

    The keyword arguments are the options of `tow copy`, whose help explains each (`from_options` and `to_options` are
    its --from-opt and --to-opt, `before` and `after` its --before-sql and --after-sql). Several sources are given as a
    mapping from the names that `sql` calls them. `progress` is shown in notebooks; True shows it on a terminal too.

    Raises TowError when the data or a system said no; nothing was published then. DataError names a row, Refused is
    what a system does not do, UserError a wrong argument."""
    spec = keywords.job(keywords.inputs(source, options), keywords.output(to, options), options)
    with watched(progress) as watcher:
        return move.run(spec, progress=watcher)


@overload
def plan(
    source: Address,
    to: None = None,
    *,
    steps: Sequence[str] = (),
    env: str | None = None,
    vars: Vars = None,
) -> list[Plan]: ...


@overload
def plan(source: Source, to: Address | OutputSpec, **options: Unpack[CopyOptions]) -> Plan: ...


@takes(CopyOptions)
def plan(
    source: Source,
    to: Address | OutputSpec | None = None,
    *,
    steps: Sequence[str] = (),
    env: str | None = None,
    vars: Vars = None,
    **options: Any,
) -> Plan | list[Plan]:
    """What `copy` with the same arguments would do; with a tow.yaml alone, what each of its `steps` (default: all)
    would do in the profile `env` and with the variables `vars`. Reads a sample and the state, and writes nothing.

    Raises what the run would raise before its first row. A step that needs rows which an earlier one has yet to write
    is no error: its plan has no offer, and `waiting` says so."""
    from towpath import planning

    if to is not None:
        if steps or env or vars:
            raise UserError("steps, env and vars are those of a tow.yaml, which is planned alone", code="option-wrong")
        return planning.plan(
            keywords.job(keywords.inputs(source, options), keywords.output(to, options), options),
        )
    if not isinstance(source, (str, Path)) or not str(source).lower().endswith(_PIPELINES):
        raise UserError("a plan needs a destination", todo="give `to`, or a tow.yaml alone", code="option-missing")
    if options:
        raise UserError(f"{next(iter(options))} belongs to a copy", todo=f"write it into {source}", code="option-wrong")
    return Plans(planning.plan_pipeline(_loaded(source, env, vars), steps))


def run(
    path: Address,
    *steps: str,
    env: str | None = None,
    vars: Vars = None,
    full_refresh: bool = False,
    accept_plan: bool = False,
    since: Bound = None,
    until: Bound = None,
    lookback: str | int | None = None,
    limit: int | None = None,
    sample: float | str | None = None,
    bad_rows: Address | None = None,
    max_bad: int | str | None = None,
    parallel: int | None = None,
    check: bool = False,
    progress: Watches = None,
) -> list[Receipt]:
    """Runs a tow.yaml, or only some of its steps, as `tow run` with the options of the same names does; returns a
    receipt for each, also for those that stopped (`status`, `why`), which take only the steps that need them with them.
    `progress` True shows it on a terminal too; a function makes that of each step.

    With `check`, raises StepsStopped that names them when all others have run; its `receipts` hold them all, and steps
    whose failure the tow.yaml ignores do not count. Raises UserError when the tow.yaml itself is wrong."""
    from towpath.pipeline.jobs import Part
    from towpath.pipeline.run import failed, run_pipeline

    part = Part(
        keywords.bound(since),
        keywords.bound(until),
        limit,
        keywords.share(sample),
        None if lookback is None else str(lookback),
    )
    with watches(progress) as watch:
        receipts = Receipts(
            run_pipeline(
                _loaded(path, env, vars),
                steps,
                full_refresh=full_refresh,
                accept_plan=accept_plan,
                bad_rows=None if bad_rows is None else str(bad_rows),
                max_bad=None if max_bad is None else str(max_bad),
                part=part,
                parallel=parallel,
                watch=watch,
            )
        )
    if check and failed(receipts):
        raise StepsStopped(receipts)
    return receipts


def _loaded(path: Address, env: str | None, vars: Vars) -> Loaded:
    from towpath.pipeline.load import load

    return load(Path(path), env=env or os.environ.get("TOW_ENV") or None, given=keywords.variables(vars))


@overload
def read(
    address: Address | InputSpec,
    *,
    rows_as: type[Row],
    columns: str | Sequence[str] | None = None,
    where: str | None = None,
    limit: int | None = None,
    bad_rows: BadRowsTo = None,
    **options: Unpack[ReadOptions],
) -> Reader[Row]: ...


@overload
def read(
    address: Address | InputSpec,
    *,
    columns: str | Sequence[str] | None = None,
    where: str | None = None,
    limit: int | None = None,
    bad_rows: BadRowsTo = None,
    **options: Unpack[ReadOptions],
) -> Reader[dict[str, Any]]: ...


@takes(ReadOptions)
def read(
    address: Address | InputSpec,
    *,
    rows_as: type[Any] | None = None,
    columns: str | Sequence[str] | None = None,
    where: str | None = None,
    limit: int | None = None,
    bad_rows: BadRowsTo = None,
    **options: Any,
) -> Reader[Any]:
    """A reader of what an address names: one pass, nothing read before it is asked for.

        with tow.read("flights.csv.gz", where="dep_delay > 60") as reader:
            frame = reader.to_polars()  # or to_pandas, to_arrow, to_duckdb

    It iterates dicts, or instances of `rows_as`: a dataclass or pydantic model whose fields are the columns. Its
    annotations pin the types of text, and are held against those of other sources; a column too many or too few is
    told at once, a value that does not fit with its place. Only `columns` are read. `limit` ends the pass after so many
    rows.

    `bad_rows` is a folder (as of `tow copy`), a list or a function; without it the first bad row raises DataError.
    Raises UserError and Refused at once for what is not there."""
    options = {**options, "select": columns, "where": where, "limit": limit}
    folder = str(bad_rows) if isinstance(bad_rows, (str, Path)) else None
    # Mended rows of a folder come out of `tow replay` as JSON Lines.
    given = {**options, "bad_rows": folder}
    spec = keywords.job({"input": keywords.one_input(address, options)}, OutputSpec("-", "jsonl"), given)
    return Reader(spec, rows_as=rows_as, bad_rows=bad_rows)


@takes(FrameOptions)
def write(frame: Any, to: Address | OutputSpec, *, progress: Watch = None, **options: Unpack[FrameOptions]) -> Receipt:
    """Writes a frame as `copy` writes a source: with the same modes, checks, books, digest and receipt.

    `frame` is anything that speaks Arrow (pandas, polars, pyarrow, a DuckDB relation, a `Reader`), a numpy structured
    array, or an iterable of dicts, dataclass instances or pydantic models. Types of objects come from their
    annotations, and where these say nothing from all rows of a list, or an iterator's first 10,000.

    Of a pandas frame the index is left out unless it has a name; what pandas counts as missing (NaN in its own float
    columns, None, NaT, NA) becomes null. Elsewhere NaN stays NaN.

    Raises DataError at `frame row N` for a value that fits no column, and what `copy` raises."""
    spec = keywords.job({"input": InputSpec(NAME)}, keywords.output(to, options), options)
    source = FrameSource(frame, {name: textform.parse_type(text) for name, text in spec.types.items()})
    with watched(progress) as watcher:
        return move.run(spec, sources={"input": source}, progress=watcher)
