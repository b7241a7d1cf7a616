"""Values that a destination refuses although their type fits: NaN, infinities, -0.0, text with U+0000."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.values.logical import Kind, elements, fields, kind

_NAMES = {"nan": "NaN", "inf": "infinity", "minus-zero": "-0.0", "nul": "text with U+0000"}
_BY_KIND = {Kind.FLOAT: ("nan", "inf", "minus-zero"), Kind.TEXT: ("nul",)}


def refusing(source: Any, target: Any, refuses: Set[str]) -> str:
    """The refused values that a column of `source` could bring to `target`, in words; empty when there are none."""
    possible = _reaching(source, target) & refuses
    return " or ".join(words for name, words in _NAMES.items() if name in possible)


def _reaching(source: Any, target: Any) -> set[str]:
    have, want = kind(source), kind(target)
    if have is not want:
        return set()
    if have is Kind.STRUCT:
        inner = {field.name: field.type for field in fields(source)}
        return set().union(*(_reaching(inner[field.name], field.type) for field in fields(target)))
    if have is Kind.LIST:
        return _reaching(source.value_type, target.value_type)
    if have is Kind.MAP:
        return _reaching(source.key_type, target.key_type) | _reaching(source.item_type, target.item_type)
    return set(_BY_KIND.get(have, ()))


def refused_rows(values: pa.Array, refuses: Set[str]) -> np.ndarray:
    """The ascending numbers of the rows that hold a refused value, however deep."""
    if not refuses:
        return np.empty(0, np.int64)
    return np.flatnonzero(_refused(values, refuses))


def _refused(values: pa.Array, refuses: Set[str]) -> np.ndarray:
    found = kind(values.type)
    if found is Kind.STRUCT:
        parts = [_refused(child, refuses) for child in values.flatten()]
        return np.logical_or.reduce([np.zeros(len(values), bool), *parts])
    if found in (Kind.LIST, Kind.MAP):
        child, lengths = elements(values)
        gone = np.zeros(len(values), bool)
        gone[np.repeat(np.arange(len(values)), lengths)[_refused(child, refuses)]] = True
        return gone
    if found is Kind.TEXT and "nul" in refuses:
        return _mask(pc.match_substring(values, "\0"))
    if found is Kind.FLOAT:
        wide = pc.cast(values, pa.float64())
        odd = np.zeros(len(values), bool)
        if "nan" in refuses:
            odd |= _mask(pc.is_nan(wide))
        if "inf" in refuses:
            odd |= _mask(pc.is_inf(wide))
        if "minus-zero" in refuses:
            plain = pc.fill_null(wide, 1.0).to_numpy(zero_copy_only=False)
            odd |= (plain == 0) & np.signbit(plain)
        return odd
    return np.zeros(len(values), bool)


def _mask(flags: pa.Array) -> np.ndarray:
    return np.asarray(pc.fill_null(flags, False).to_numpy(zero_copy_only=False))
