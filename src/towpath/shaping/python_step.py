"""A Python step: `module:function` called with each batch (or the whole input) as a frame."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import pyarrow as pa

from towpath import pandas_later
from towpath.books import Edge
from towpath.errors import DataError, UserError
from towpath.options import nearest
from towpath.python import pandas_frames
from towpath.stream import Batch, Counted, Stream

_ANNOTATE = "it got a pyarrow.Table: annotate its parameter for another frame (`rows: pl.DataFrame`, pandas, narwhals)"


class PythonStep:
    """Loads `module:function`, looking first in `folder`.

    The function gets what the annotation of its first parameter names: a polars, pandas (Arrow-backed columns) or
    narwhals DataFrame, else a `pyarrow.Table`. It returns any of these, or another frame that speaks Arrow's C stream.
    It is called once with no rows, to learn the result's schema, which every later result must have."""

    def __init__(self, target: str, folder: str, *, whole: bool = False) -> None:
        self._target = target
        self._whole = whole
        self._function = _find(target, Path(folder))
        self._frame = _frame(self._function)

    def apply(self, stream: Stream, edge: Edge) -> Stream:
        schema = self._call(stream.schema.empty_table()).schema
        return Stream(schema, self._batches(stream, schema, edge))

    def _batches(self, stream: Stream, schema: pa.Schema, edge: Edge) -> Iterator[Batch]:
        first = 1
        for table in _tables(stream, whole=self._whole):
            edge.given += table.num_rows
            result = self._call(table)
            if result.schema != schema:
                raise DataError(
                    f"returned the columns {_shown(result.schema)}, but {_shown(schema)} for no rows",
                    where=f"python step {self._target}",
                    todo="give the result the same columns and types for every input, also an empty one",
                    code="python-result-wrong",
                )
            for rows in result.combine_chunks().to_batches():
                edge.accepted += rows.num_rows
                yield Batch(rows, Counted(f"python step {self._target}", first))
                first += rows.num_rows

    def _call(self, table: pa.Table) -> pa.Table:
        import narwhals as nw

        given = self._frame(table)
        try:
            result = nw.to_native(self._function(given), pass_through=True)
        except (Exception, SystemExit) as error:  # a function that ends the process would end it without a word
            line = _line(error, self._function)
            meant = isinstance(error, AttributeError) and isinstance(error.obj, pa.Table)
            raise DataError(
                f"{type(error).__name__}: {error}",
                where=f"python step {self._target} ({Path(line.filename).name}:{line.lineno}), {table.num_rows:,} rows",
                todo=f"{_ANNOTATE if meant else 'correct the function'}; nothing was published",
                code="python-failed",
            ) from error
        if pandas_frames.is_pandas(result):
            result = pandas_frames.table(result, f"python step {self._target}", {})
        if isinstance(result, pa.Table):
            return result.replace_schema_metadata(None)
        if isinstance(result, pa.RecordBatch) or hasattr(result, "__arrow_c_stream__"):
            return pa.table(result).replace_schema_metadata(None)
        raise UserError(
            f"returned {type(result).__name__}, which is no frame",
            where=f"python step {self._target}",
            todo="return a pyarrow.Table, or a narwhals, polars or pandas DataFrame",
            code="python-result-wrong",
        )


def _frame(function: Callable[..., Any]) -> Callable[[pa.Table], Any]:
    """What makes a table the frame that the function's first parameter is annotated with."""
    first = next(iter(inspect.signature(function).parameters.values()), None)
    annotation = "" if first is None else str(first.annotation)
    if re.search(r"\b(polars|pl)\.", annotation):
        import polars

        return polars.DataFrame
    if re.search(r"\b(pandas|pd)\.", annotation):
        import pandas

        return lambda table: table.to_pandas(types_mapper=pandas.ArrowDtype)
    if re.search(r"\b(narwhals|nw)\.|DataFrame", annotation):
        import narwhals as nw

        return lambda table: nw.from_native(table, eager_only=True)
    return lambda table: table


def _tables(stream: Stream, *, whole: bool) -> Iterator[pa.Table]:
    if whole:
        yield pa.Table.from_batches([batch.rows for batch in stream], stream.schema)
        return
    for batch in stream:
        yield pa.Table.from_batches([batch.rows], stream.schema)


def check(target: str, folder: str) -> None:
    """Raises UserError when the target has another form, or when there is no such module; nothing is imported."""
    module, _ = _parted(target)
    top = module.partition(".")[0]
    if top not in sys.modules and PathFinder.find_spec(top, [folder, *sys.path]) is None:
        raise _no_module(module, Path(folder))


def _parted(target: str) -> tuple[str, str]:
    module_name, sign, name = target.partition(":")
    if not module_name or not sign or not name:
        raise UserError(
            f"a Python step is written module:function, not {target!r}",
            todo=f"name the function too, such as {module_name or 'steps'}:run",
            code="python-missing",
        )
    return module_name, name


def _no_module(name: str, folder: Path) -> UserError:
    beside = [path.stem for path in folder.glob("*.py")]
    return UserError(
        f"there is no module {name!r} on Python's path{nearest(name, beside)}",
        where=f"python step {name}",
        todo=f"put its file into {_named(folder)}, or install its package beside towpath",
        code="python-missing",
    )


def _find(target: str, folder: Path) -> Callable[[Any], Any]:
    module_name, name = _parted(target)
    sys.path.insert(0, str(folder.resolve()))
    pandas_later.end()
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name.partition(".")[0]:
            raise
        raise _no_module(module_name, folder) from error
    except (Exception, SystemExit) as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        file, line, what = place.filename, place.lineno, str(error)
        if isinstance(error, SyntaxError) and error.filename:  # which stands in no frame: nothing of the file ran yet
            file, line, what = error.filename, error.lineno, error.msg
        raise UserError(
            f"the module {module_name!r} cannot be imported: {type(error).__name__}: {what}",
            where=f"{Path(file).name}:{line}",
            todo="correct the module",
            code="python-failed",
        ) from error
    finally:
        sys.path.pop(0)
    function = getattr(module, name, None)
    if not callable(function):
        raise UserError(
            f"the module {module_name!r} has no function {name!r}{nearest(name, vars(module))}",
            where=str(getattr(module, "__file__", module_name)),
            todo="correct the name, or write the function",
            code="python-missing",
        )
    return function


def _named(folder: Path) -> str:
    return "this folder" if folder == Path() else f"the folder {folder}"


def _line(error: BaseException, function: Callable[..., Any]) -> traceback.FrameSummary:
    """The innermost line of the error that stands in the function's own file; of libraries' code only without one."""
    frames = traceback.extract_tb(error.__traceback__)
    own = inspect.unwrap(function).__code__.co_filename if hasattr(function, "__code__") else ""
    return next((frame for frame in reversed(frames) if frame.filename == own), frames[-1])


def _shown(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)
