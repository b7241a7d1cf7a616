"""JSON Lines: one object on each line."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import BinaryIO, ClassVar

import pyarrow as pa

from towpath.nouns import Stored, Want
from towpath.seams.format import InputFile, Inspected
from towpath.text import json_lines, json_read, json_write


class JSONLines:
    """Types come from the values: integers, doubles, exact decimals, text, lists and structs; dates stay text unless
    they are pinned. Values of a column that have no one type become their JSON text."""

    continues = True
    """More rows may be appended to a file as bytes."""

    GAPS: ClassVar[dict[str, str]] = json_write.GAPS

    def inspect(self, file: InputFile, want: Want, *, whole: bool) -> Inspected:
        return json_read.inspect(file, json_lines.cut, want, whole=whole)

    def read(self, file: InputFile, want: Want) -> AbstractContextManager[json_read.JSONReading]:
        return json_read.read(file, json_lines.cut, want)

    def stored(self, type: pa.DataType) -> Stored:
        return json_write.stored(type)

    def writer(self, sink: BinaryIO, schema: pa.Schema) -> JSONLinesWriter:
        return JSONLinesWriter(sink, schema)


class JSONLinesWriter:
    """Writes each row as an object and a newline, its keys in the schema's order, nulls as null."""

    def __init__(self, sink: BinaryIO, schema: pa.Schema) -> None:
        self._sink = sink
        self._renderer = json_write.Renderer(schema, "", "\n")

    def write(self, rows: pa.RecordBatch) -> None:
        for text in self._renderer.render(rows):
            self._sink.write(text)

    def close(self) -> None:
        self._sink.flush()
