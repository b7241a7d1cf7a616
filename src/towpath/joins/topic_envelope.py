"""What stands beside the values of messages: key, partition, offset, time and headers as columns, where they are asked
for."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pyarrow as pa

from towpath.errors import UserError
from towpath.nouns import Want
from towpath.options import nearest
from towpath.seams.queue import ENVELOPE

NAMES = ("key", "partition", "offset", "time", "headers")
KEYS = ("text", "json", "raw")
_WHOLE: dict[bool | tuple[str, ...], tuple[str, ...]] = {True: NAMES, ("true",): NAMES, False: (), ("false",): ()}


@dataclass(frozen=True, slots=True)
class Envelope:
    """`names` are some of `NAMES`, whose columns have `_` before them. `key` says what a key is: text (UTF-8), json
    (its text, or where it is a string that string), or raw (bytes)."""

    names: tuple[str, ...] = ()
    key: str = "text"

    @property
    def schema(self) -> pa.Schema:
        types = {name: ENVELOPE.field(name).type for name in self.names}
        if "key" in types and self.key != "raw":
            types["key"] = pa.string()
        return pa.schema([(f"_{name}", type) for name, type in types.items()])

    def check(self, values: pa.Schema, shown: str) -> None:
        """Raises UserError when the values have a column of the same name."""
        for name in self.schema.names:
            if name in values.names:
                raise UserError(
                    f"the values have a column {name} themselves",
                    where=shown,
                    todo="leave it out of the envelope (--from-opt envelope=offset,time)",
                    code="column-doubled",
                )

    def values_of(self, want: Want) -> Want:
        """What is asked of the values alone."""
        own = set(self.schema.names)
        schema = None if want.schema is None else pa.schema([one for one in want.schema if one.name not in own])
        columns = None if want.columns is None else tuple(name for name in want.columns if name not in own)
        types = {name: type for name, type in want.types.items() if name not in own}
        # Without any column asked for, a batch could not say how many rows it has.
        return replace(want, types=types, schema=schema, columns=columns or None)

    def columns(self, messages: pa.RecordBatch) -> tuple[list[pa.Array], dict[int, str]]:
        """The columns of `schema`, and for each message whose key is not as it should be, why."""
        arrays, bad = [], dict[int, str]()
        for name in self.names:
            values = messages.column(name)
            if name == "key" and self.key != "raw":
                values, bad = _keys(values, self.key)
            arrays.append(values)
        return arrays, bad


def envelope(said: bool | str | tuple[str, ...], key: str, shown: str) -> Envelope:
    """The envelope that the options `envelope` and `key` ask for. Raises UserError."""
    if key not in KEYS:
        raise UserError(f"key={key} is none of {', '.join(KEYS)}{nearest(key, KEYS)}", where=shown, code="option-wrong")
    words = tuple(said.split(",")) if isinstance(said, str) else said
    names = _WHOLE.get(words, words)
    assert not isinstance(names, bool)
    for name in names:
        if name not in NAMES:
            raise UserError(
                f"the envelope has no {name!r}{nearest(name, NAMES)}",
                where=shown,
                todo=f"name some of {','.join(NAMES)}, or true, or false",
                code="option-wrong",
            )
    return Envelope(names, key)


def _keys(values: pa.Array, kind: str) -> tuple[pa.Array, dict[int, str]]:
    found: list[str | None] = []
    bad: dict[int, str] = {}
    for row, raw in enumerate(values.to_pylist()):
        found.append(None)
        if raw is None:
            continue
        try:
            text = raw.decode()
            found[-1] = _json(text) if kind == "json" else text
        except UnicodeDecodeError:
            bad[row] = "the key is not UTF-8 (--from-opt key=raw reads its bytes)"
        except ValueError:
            bad[row] = "the key is not JSON (--from-opt key=text reads it as it is)"
    return pa.array(found, pa.string()), bad


def _json(text: str) -> str:
    value = json.loads(text)
    return value if isinstance(value, str) else text.strip()
