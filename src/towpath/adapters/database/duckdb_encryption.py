"""Encrypted DuckDB files: opened by their key, which no error tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from towpath.adapters.database import duckdb_types as types
from towpath.errors import Refused, TowError
from towpath.secrets import Secret

_RESERVED = ("main", "memory", "system", "temp")


def connect(
    path: Path, key: Secret, settings: dict[str, Any], *, read_only: bool, builtin: bool
) -> duckdb.DuckDBPyConnection:
    """A connection to an encrypted file, made if it is not there. Raises duckdb.Error, without the key in it."""
    connection = duckdb.connect(":memory:", config={**settings, "temp_file_encryption": True})
    try:
        if not read_only:
            connection.execute("set force_mbedtls_unsafe = true" if builtin else "load httpfs")
        failed = _attach(connection, path, key, read_only=read_only)
    except duckdb.Error as error:
        failed = error
    if failed is not None:
        connection.close()
        raise failed
    return connection


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, key: Secret, *, read_only: bool) -> duckdb.Error | None:
    """Attaches the file; what goes wrong comes back rather than up, so that no error carries another with the key."""
    name = types.quote(f"{path.stem}_" if path.stem.lower() in _RESERVED else path.stem)
    options = f"encryption_key {types.literal(key.reveal())}{', read_only' if read_only else ''}"
    try:
        connection.execute(f"attach {types.literal(str(path))} as {name} ({options})")
        connection.execute(f"use {name}")
    except duckdb.Error as error:
        told = str(error)
        for form in filter(None, (types.literal(key.reveal())[1:-1], key.reveal())):
            told = told.replace(form, "***")
        return type(error)(told)
    return None


def refusal(words: str, path: str) -> TowError | None:
    """DuckDB's words about a key, as an error of ours; None when they are about something else."""
    if "Wrong encryption key" in words:
        return Refused("the key is not that of the database", where=path, todo=_KEY, code="encryption-key-wrong")
    if "without a key" in words:
        return Refused("the database is encrypted", where=path, todo=_KEY, code="encryption-key-wrong")
    if "STRING -> BLOB" in words or "Not a valid key" in words:
        what = "the key is empty or has characters beyond ASCII, which DuckDB does not take as they are"
        return Refused(what, where=path, todo="write such a byte as \\xC3 in the key", code="encryption-key-wrong")
    if "A key is explicitly specified" in words:
        todo = "leave the option encryption_key out"
        return Refused("the database is not encrypted", where=path, todo=todo, code="encryption-key-wrong")
    if "httpfs" in words:
        return Refused(
            "DuckDB writes encrypted databases with its extension httpfs, which is not installed",
            where=path,
            todo="run `install httpfs` once in DuckDB, or give the option builtin_encryption=true (less secure)",
            code="library-missing",
        )
    return None


_KEY = "give its key as a reference: option encryption_key=${env:NAME}"
