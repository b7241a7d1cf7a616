"""pandas DataFrames as Arrow tables, by pandas' own meaning of missing, with columns of objects read value by value."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from towpath.errors import DataError, UserError
from towpath.python.inference import Evidence, Unfit, array


def is_pandas(frame: Any) -> bool:
    """Whether it is a DataFrame; pandas is not imported for the question."""
    known = getattr(sys.modules.get("pandas"), "DataFrame", None)  # not there yet while another thread imports it
    return known is not None and isinstance(frame, known)


def table(frame: Any, name: str, types: Mapping[str, pa.DataType]) -> pa.Table:
    """The frame's columns, behind those of a named index (one without names is dropped).

    What pandas counts as missing (NaN in its own float columns, None, NaT, NA) is null; in Arrow-backed columns NaN
    stays NaN. Raises DataError for a column of objects whose values are of several kinds, by row."""
    import pandas

    if isinstance(frame.columns, pandas.MultiIndex):
        raise UserError("the columns have several levels", where=name, todo="join their names", code="frame-unfit")
    columns = []
    for level, title in enumerate(frame.index.names):
        if title is not None:
            columns.append((str(title), pandas.Series(frame.index.get_level_values(level))))
    columns += [(str(title), frame.iloc[:, at]) for at, title in enumerate(frame.columns)]
    arrays = [_column(series, title, name, types.get(title)) for title, series in columns]
    return pa.Table.from_arrays(arrays, names=[title for title, _ in columns])


def _column(series: Any, title: str, name: str, type: pa.DataType | None) -> pa.Array:
    import pandas

    if series.dtype == object:
        if pandas.api.types.infer_dtype(series, skipna=True) in ("string", "empty"):
            return pa.array(series, pa.string(), from_pandas=True)
        return _objects(series, title, name, type)
    if isinstance(series.dtype, (pandas.PeriodDtype, pandas.IntervalDtype, pandas.SparseDtype)):
        raise UserError(
            f"column {title}: no other system has values of the type {series.dtype}",
            where=name,
            todo="turn it into dates, text or plain numbers: .dt.to_timestamp(), .astype(str), .sparse.to_dense()",
            code="frame-unfit",
        )
    try:
        return pa.array(series, from_pandas=True)
    except pa.ArrowException as error:
        raise UserError(
            f"column {title}: there is no Arrow type for {series.dtype}: {error}",
            where=name,
            todo="turn it into numbers, dates or text (.astype), or leave the column out",
            code="frame-unfit",
        ) from error


def _objects(series: Any, title: str, name: str, type: pa.DataType | None) -> pa.Array:
    import pandas

    values = [None if pandas.api.types.is_scalar(one) and pandas.isna(one) else one for one in series]
    found, met = Evidence(), 0
    try:
        for value in values:
            found.see(value)
            met += 1
        known = type or found.type()
        return array(values, pa.string() if pa.types.is_null(known) else known)
    except Unfit as error:
        row = error.args[1] if len(error.args) > 1 else met
        raise DataError(
            f"column {title} ({repr(values[row])[:80]}): {error.args[0]}",
            where=f"{name} row {row + 1}",
            todo="nothing was published; give the column values of one type (.astype), or pin it with types=",
            code="object-unfit",
        ) from error
