"""Writes columns as delimited lines of text, quoted only where needed, without a Python step per row."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from towpath.errors import DataError, UserError
from towpath.text import lines
from towpath.text.dialect import DELIMITERS
from towpath.text.lines import Lines, Rules, Style
from towpath.values import textform

_MOST_BYTES = 256 << 20  # of one batch: Arrow's text offsets end at 2 GB


class DelimitedWriter:
    """Null is nothing, or the first word of `null`; empty text is a quoted nothing, and text that equals a word of
    `null` is quoted. `quote_all`: so are all other values. Raises UserError for what could not be read back."""

    def __init__(
        self,
        sink: BinaryIO,
        names: list[str],
        *,
        delimiter: str,
        quote: str | None,
        header: bool,
        null: tuple[str, ...],
        encoding: str,
        line_ending: str,
        quote_all: bool = False,
    ) -> None:
        self._sink = sink
        self._names = names
        self._delimiter = delimiter
        self._quote = quote
        self._ending = line_ending
        self._quote_all = quote_all
        self._null = null[0] if null else ""
        self._encoding = encoding
        self._encoder = None if encoding == "utf-8" else codecs.getincrementalencoder(encoding)()
        words = "|".join(re.escape(word) for word in ("", *null))
        signs = f"{delimiter}{quote or ''}\r\n\ufeff"
        if re.search(f"[{re.escape(signs + ''.join(DELIMITERS))}]", self._null):
            raise UserError(
                f"null cannot be written as {self._null!r}, which holds a delimiter, a quote or a line end",
                todo="choose another word for null",
                code="option-wrong",
            )
        if quote_all and quote is None:
            raise UserError("quote_all needs a quote", todo="leave the option quote out", code="option-wrong")
        # other delimiters in the first line are quoted too, so that none is taken for the file's own
        first = f"^(?:{words})$|[{re.escape(signs + ''.join(DELIMITERS))}]"
        self._needs_quotes = f"^(?:{words})$|[{re.escape(signs)}]" if header else first
        self._lines: Lines | None = None
        if lines.is_compiled() and quote is not None and names:
            rules = Rules(signs if header else signs + "".join(DELIMITERS), ("", *null), quote, quote_all)
            before = [b"", *[delimiter.encode()] * (len(names) - 1)]
            ending, word = line_ending.encode(), self._null.encode()
            self._lines = Lines(before, ending, Style.DELIMITED, word, textform.write, rules)
        if header:
            self._put([self._quoted(name, pa.array([name], pa.string()), first) for name in names])

    def write(self, rows: pa.RecordBatch) -> None:
        if rows.nbytes > _MOST_BYTES and rows.num_rows > 1:
            half = rows.num_rows // 2
            self.write(rows.slice(0, half))
            self.write(rows.slice(half))
        elif rows.num_rows and self._lines is not None:
            for text in self._lines.render(rows):
                self._sink.write(text if self._encoder is None else self._encode(text.decode()))
        elif rows.num_rows:
            texts = (values if pa.types.is_string(values.type) else textform.write(values) for values in rows.columns)
            columns = zip(self._names, texts, strict=True)
            self._put([self._quoted(name, values, self._needs_quotes) for name, values in columns])

    def close(self) -> None:
        self._sink.flush()

    def _quoted(self, name: str, values: pa.Array, needs_quotes: str) -> pa.Array:
        needed = values.is_valid() if self._quote_all else pc.match_substring_regex(values, needs_quotes)
        if not pc.any(needed).as_py():
            return values
        if self._quote is None:
            value = values.filter(needed)[0].as_py()
            raise DataError(
                f"column {name}: {value!r} cannot be written without quotes",
                todo="name a quote character (option quote)",
                code="value-refused",
            )
        doubled = pc.replace_substring(values, self._quote, self._quote * 2)
        return pc.if_else(needed, pc.binary_join_element_wise(self._quote, doubled, self._quote, ""), values)

    def _put(self, columns: list[pa.Array]) -> None:
        options = {"null_handling": "replace", "null_replacement": self._null}
        lines = pc.binary_join_element_wise(*columns, self._delimiter, **options)
        ended = pc.binary_join_element_wise(lines, self._ending, "")
        _, offsets, data = ended.buffers()
        size = int(np.frombuffer(offsets, np.int32)[len(ended)])
        text = data.slice(0, size)
        self._sink.write(text if self._encoder is None else self._encode(text.to_pybytes().decode()))

    def _encode(self, text: str) -> bytes:
        assert self._encoder is not None
        try:
            return self._encoder.encode(text)
        except UnicodeEncodeError as error:
            raise DataError(
                f"{self._encoding} has no {error.object[error.start]!r}",
                todo="write utf-8 (option encoding)",
                code="value-refused",
            ) from error
