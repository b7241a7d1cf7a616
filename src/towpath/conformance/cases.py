"""Cases: values as data that every format, database and engine must carry unchanged or refuse. One JSON file a family.

A file holds `{"name": {"about": ..., "columns": {"column": {"type": ..., "values": [...]}}}}`, types by the names of
`towpath.values.textform.parse_type`, values in its text forms, null for null. The id of a case is `family/name`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pyarrow as pa

from towpath.values import textform


@dataclass(frozen=True, slots=True)
class Case:
    """A few rows of named columns; `about` says what they try."""

    id: str
    about: str
    columns: Mapping[str, Mapping[str, Any]]

    def rows(self) -> pa.RecordBatch:
        """The rows as Arrow values. Raises ValueError when a text is no value of its type."""
        types = {name: textform.parse_type(column["type"]) for name, column in self.columns.items()}
        schema = pa.schema(list(types.items()))
        return pa.record_batch([self._values(name, type) for name, type in types.items()], schema=schema)

    def _values(self, name: str, type: pa.DataType) -> pa.Array:
        texts = pa.array(self.columns[name]["values"], pa.string())
        values, bad = textform.read(texts, type)
        if len(bad):
            raise ValueError(f"case {self.id}: {texts[int(bad[0])].as_py()!r} is no {type}")
        return values


def _load() -> Iterator[Case]:
    folder = files(__package__) / "cases"
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        family, _, ending = file.name.rpartition(".")
        if ending == "json":
            for name, case in json.loads(file.read_text("utf-8")).items():
                yield Case(f"{family}/{name}", case["about"], case["columns"])


CASES = tuple(_load())
