"""JSON: one array of objects, or one object, which is one row; printed on one line or many."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import BinaryIO, ClassVar

import pyarrow as pa

from towpath.errors import Refused
from towpath.nouns import Stored, Want
from towpath.seams.format import InputFile, Inspected
from towpath.text import json_array, json_evidence, json_read, json_write


class JSON:
    """Types come from the values, as for JSON Lines. A row's place is the line on which its object begins."""

    continues = False
    """The closing bracket ends the file: nothing can be appended."""

    GAPS: ClassVar[dict[str, str]] = json_write.GAPS

    def inspect(self, file: InputFile, want: Want, *, whole: bool) -> Inspected:
        return json_read.inspect(file, json_array.cut, want, whole=whole)

    def check_old_rows(self, schema: pa.Schema) -> None:
        for field in schema:
            if json_evidence.is_mixed(field.type):
                raise Refused(
                    f"the values of column {field.name} are of several kinds, and would all be written again as text",
                    todo="append to JSON Lines (.jsonl), which leaves old rows as they stand, or choose --mode replace",
                    code="type-impossible",
                )

    def read(self, file: InputFile, want: Want) -> AbstractContextManager[json_read.JSONReading]:
        return json_read.read(file, json_array.cut, want)

    def stored(self, type: pa.DataType) -> Stored:
        return json_write.stored(type)

    def writer(self, sink: BinaryIO, schema: pa.Schema) -> JSONWriter:
        return JSONWriter(sink, schema)


class JSONWriter:
    """Writes an array with each row as an object on a line of its own."""

    def __init__(self, sink: BinaryIO, schema: pa.Schema) -> None:
        self._sink = sink
        self._renderer = json_write.Renderer(schema, ",\n", "")
        self._begun = False

    def write(self, rows: pa.RecordBatch) -> None:
        if rows.num_rows:
            for text in self._renderer.render(rows):
                self._sink.write(text if self._begun else b"[" + text.removeprefix(b","))
                self._begun = True

    def close(self) -> None:
        self._sink.write(b"\n]\n" if self._begun else b"[\n]\n")
        self._sink.flush()
