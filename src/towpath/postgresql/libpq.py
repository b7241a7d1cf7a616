"""The libpq that psycopg has loaded, for calls that compiled.c makes of it with psycopg's own connections.

https://www.psycopg.org/psycopg3/docs/api/pq.html (PGconn.pgconn_ptr, libpq)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from ctypes.util import find_library
from functools import cache
from pathlib import Path

from psycopg import pq

_ONLY_LOADED = getattr(os, "RTLD_NOLOAD", None)
"""Where the system knows it: a library that this process has not loaded is not loaded now."""


@cache
def copy_calls() -> tuple[int, int, int] | None:
    """The addresses of PQgetCopyData, PQfreemem and PQconsumeInput; None where psycopg's libpq cannot be told from
    another one."""
    if _ONLY_LOADED is None:
        return None
    for path in _paths():
        try:
            library = ctypes.CDLL(path, mode=_ONLY_LOADED | os.RTLD_LAZY)
        except OSError:
            continue
        if library.PQlibVersion() == pq.version():
            calls = (library.PQgetCopyData, library.PQfreemem, library.PQconsumeInput)
            return tuple(map(_address, calls))  # type: ignore[return-value]
    return None


def _paths() -> Iterator[str]:
    if pq.__impl__ != "binary":
        found = find_library("pq")
        if found is not None:
            yield found
        return
    import psycopg_binary

    package = Path(psycopg_binary.__file__).parent
    for folder in (package.with_name("psycopg_binary.libs"), package / ".dylibs"):
        yield from map(str, sorted(folder.glob("libpq*")))


def _address(function: object) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
