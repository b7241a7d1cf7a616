"""CSV and TSV: delimited text, read and written by pyarrow within our own framing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, ClassVar

import pyarrow as pa

from towpath.badrows import shorten
from towpath.errors import Refused, UserError
from towpath.nouns import Stored, Want
from towpath.ordered import ordered
from towpath.seams.format import Evidence, InputFile, Inspected, TypesTooNarrow
from towpath.stream import Batch
from towpath.text import lines
from towpath.text.columns import Columns, Parser, record_batch
from towpath.text.conventions import Conventions, conventions
from towpath.text.csv_writer import DelimitedWriter
from towpath.text.decode import Decoded, known
from towpath.text.dialect import DELIMITERS, SNIFF_BYTES, column_names, sniff
from towpath.text.numerals import Numerals
from towpath.text.optimistic import Pinned, TextEvidence
from towpath.text.records import Block, Records
from towpath.text.scan import LONGEST_QUOTED_LINES, Grammar
from towpath.values import textform

_LINE_ENDINGS = {"lf": "\n", "crlf": "\r\n"}


class CSV:
    """Comma-separated text. Reading finds `,` `;` tab or `|` when no delimiter is given; writing takes `,`.

    `encoding`: UTF-8, or as the byte order mark says, when not given. `header=false`: columns are c1, c2, ...
    `null`: words that mean null when unquoted, beside nothing at all; `""` is always empty text. When writing, null is
    the first of these words, and text that equals one is quoted.

    Of reading alone: `decimal` is the sign before a number's fraction, `.` or `,`; `thousands` one that may part its
    digits in threes (`1.234,5`; without it such a number stays text). `date_format` (strptime) says how dates or
    timestamps are written, in all columns or as `NAME=FORMAT` in one; all other forms stay text. What is also a number
    (20260131) is a date in columns named so, or pinned, alone. `true` and `false` are the words of bool columns, in
    just this case, given together; without them these are true, True, TRUE and false, False, FALSE. A column is of
    bools only when all its values are among the words. What is quoted for `quoted_lines` lines or more is taken for a
    field whose quote was not closed.

    Of writing alone: `line_ending` is lf or crlf, and `quote_all` puts all values but nulls in quotes.
    """

    continues: ClassVar[bool] = True
    """Bytes of a second file without a header may follow those of a first."""

    own_delimiter: ClassVar[str | None] = None

    def __init__(
        self,
        delimiter: str | None = None,
        quote: str = '"',
        encoding: str | None = None,
        header: bool = True,
        null: tuple[str, ...] = (),
        decimal: str = ".",
        thousands: str | None = None,
        date_format: str | tuple[str, ...] | None = None,
        true: tuple[str, ...] = (),
        false: tuple[str, ...] = (),
        quoted_lines: int = LONGEST_QUOTED_LINES,
        line_ending: str = "lf",
        quote_all: bool = False,
    ) -> None:
        self._delimiter = _delimiter(delimiter) or self.own_delimiter
        self._quote = _quote(quote, self._delimiter)
        self._encoding = None if encoding is None else known(encoding)
        self._header = header
        self._null = null
        self._conventions = conventions(
            numerals=Numerals(decimal, thousands), date_format=date_format, true=true, false=false, null=null
        )
        self._quoted_lines = quoted_lines
        if quoted_lines < 1:
            raise UserError(f"quoted_lines must be at least 1, not {quoted_lines}", code="option-wrong")
        self._quote_all = quote_all
        if line_ending not in _LINE_ENDINGS:
            raise UserError(
                f"the line ending is lf or crlf, not {line_ending!r}", todo="option line_ending", code="option-wrong"
            )
        self._line_ending = _LINE_ENDINGS[line_ending]

    def inspect(self, file: InputFile, want: Want, *, whole: bool) -> Inspected:
        with closing(file.open()) as stream:
            opened = self._opened(file, stream, want)
            parser, records = opened.parser, opened.records
            found: dict[str, Evidence] = {name: TextEvidence() for name in parser.names if name in parser.wanted}
            found.update({name: Pinned(type) for name, type in parser.pinned.items() if name in found})
            blocks = records.blocks(len(parser.names))
            rows = 0
            sample = blocks if whole else islice(blocks, 1)
            with closing(ordered(sample, self._evidence(parser), want.threads)) as parts:
                for count, part in parts:
                    rows += count
                    found.update({name: found[name].merge(evidence) for name, evidence in part.items()})
            settled = whole or records.exhausted
        return Inspected(found, settled or all(name in parser.pinned for name in found), rows if settled else None)

    @contextmanager
    def read(self, file: InputFile, want: Want) -> Iterator[CSVReading]:
        """As the contract says. Without `want.schema`, the first value of a column whose sample was all null raises
        TypesTooNarrow: its type would otherwise depend on the sample's length."""
        schema, unknown = want.schema, frozenset[str]()
        if schema is None:
            sample = self.inspect(file, want, whole=False)
            schema = pa.schema({name: evidence.type() for name, evidence in sample.columns.items()})
            if not sample.settled:
                unknown = frozenset(name for name, found in sample.columns.items() if found == TextEvidence())
        with closing(file.open()) as stream:
            opened = self._opened(file, stream, want)
            types = {name: _type(name, opened.parser.pinned, schema, file.name) for name in opened.parser.wanted}
            reading = CSVReading(pa.schema(types), opened, self._conventions, want, unknown)
            try:
                yield reading
            finally:
                reading.close()

    def stored(self, type: pa.DataType) -> Stored:
        """Text, in the convention of `towpath.values.textform`, which the writer makes of some types itself."""
        textform.write(pa.nulls(0, type))
        is_native = lines.is_native(type)
        return Stored(type if is_native else pa.string(), "text", as_text=is_native)

    def check_names(self, names: Sequence[str]) -> None:
        """A header names every column."""
        if self._header and "" in names:
            raise Refused(
                "'' cannot be the name of a column: no header could be read back with it",
                todo="rename it (--rename), or write no header (option header=false)",
                code="name-impossible",
            )

    def writer(self, sink: BinaryIO, schema: pa.Schema) -> DelimitedWriter:
        if self._conventions != Conventions():
            raise UserError(
                "decimal, thousands, date_format, true and false say how a file is read, not how it is written",
                todo="leave them out; numbers are written with a point, dates as YYYY-MM-DD, bools as true and false",
                code="option-wrong",
            )
        return DelimitedWriter(
            sink,
            schema.names,
            delimiter=self._delimiter or DELIMITERS[0],
            quote=self._quote,
            header=self._header,
            null=self._null,
            encoding=self._encoding or "utf-8",
            line_ending=self._line_ending,
            quote_all=self._quote_all,
        )

    def following(self, file: InputFile) -> CSV:
        """The format of rows whose bytes are to follow those of `file`: its delimiter and encoding, no header.

        Raises Refused for an encoding whose line ends are not single bytes."""
        with closing(file.open()) as stream:
            opened = self._opened(file, stream, Want())
        encoding = opened.decoded.encoding
        if encoding.startswith(("utf-16", "utf-32")):
            raise Refused(
                f"text in {encoding} cannot be appended to",
                where=file.name,
                todo="choose --mode replace, or write another file",
                code="mode-impossible",
            )
        return CSV(
            chr(opened.parser.grammar.delimiter),
            self._quote or "",
            encoding,
            header=False,
            null=self._null,
            line_ending=next(name for name, ending in _LINE_ENDINGS.items() if ending == self._line_ending),
            quote_all=self._quote_all,
        )

    def _opened(self, file: InputFile, stream: BinaryIO, want: Want) -> _Opened:
        decoded = Decoded(stream, self._encoding)
        begin, part = b"", b"-"
        while part and len(begin) < SNIFF_BYTES:
            part = decoded.read(SNIFF_BYTES)
            begin += part
        decoded.unread(begin)
        decimal = self._conventions.common.numerals.decimal
        delimiter = self._delimiter or sniff(begin, not part, self._quote, decimal)
        grammar = Grammar(delimiter, self._quote, self._quoted_lines)
        records = Records(decoded, grammar, file.name, want.batch_bytes)
        head, line = records.head(consume=self._header)
        names = [f"c{number}" for number in range(1, len(head) + 1)]
        if self._header:
            names = column_names(head, f"{file.name}:{line}")
        self._conventions.check_columns(names, file.name)
        wanted = names if want.columns is None else [name for name in want.columns if name in names]
        parser = Parser(
            file.name,
            tuple(names),
            tuple(wanted),
            {**dict.fromkeys(names if want.all_text else (), pa.string()), **want.types},
            grammar,
            self._null,
            self._conventions,
            decoded.original,
            _head(names, records.header, grammar, decoded),
        )
        return _Opened(decoded, records, parser)

    def _evidence(self, parser: Parser) -> Callable[[Block], tuple[int, dict[str, TextEvidence]]]:
        def evidence(block: Block) -> tuple[int, dict[str, TextEvidence]]:
            rows = parser(block).rows
            free = [name for name in rows.schema.names if name not in parser.pinned]
            return rows.num_rows, {name: self._conventions.of(name).evidence(rows.column(name)) for name in free}

        return evidence


class TSV(CSV):
    """Tab-separated text; all else as CSV."""

    own_delimiter: ClassVar[str | None] = "\t"


@dataclass(frozen=True, slots=True)
class _Opened:
    decoded: Decoded
    records: Records
    parser: Parser


@dataclass(frozen=True, slots=True)
class _Typed:
    """A block in its types. `narrow`: the first row with a value that its unpinned column's type does not admit."""

    given: int
    columns: Columns
    rows: pa.RecordBatch | None
    narrow: _Narrow | None


@dataclass(frozen=True, slots=True)
class _Narrow:
    line: int
    why: str


class CSVReading:
    """One pass over one file, block by block."""

    def __init__(
        self, schema: pa.Schema, opened: _Opened, conventions: Conventions, want: Want, unknown: frozenset[str]
    ) -> None:
        self.schema = schema
        self.given = 0
        self._opened = opened
        self._conventions = conventions
        self._want = want
        self._unknown = unknown
        self._blocks: Generator[_Typed, None, None] | None = None

    def __iter__(self) -> Iterator[Batch]:
        blocks = self._opened.records.blocks(len(self._opened.parser.names))
        self._blocks = ordered(blocks, self._typed, self._want.threads)
        for block in self._blocks:
            self.given += block.given
            for bad in block.columns.bad:
                if block.narrow is None or (bad.place.line or 0) < block.narrow.line:
                    self._want.bad.add(bad)
            if block.narrow is not None:
                raise TypesTooNarrow(block.narrow.why)
            if block.rows is not None and block.rows.num_rows:
                yield Batch(block.rows, block.columns.origin)

    def close(self) -> None:
        """Waits for the threads' work under way and ends it."""
        if self._blocks is not None:
            self._blocks.close()

    def _typed(self, block: Block) -> _Typed:
        parser = self._opened.parser
        given = len(block.starts) + len(block.broken)
        columns = parser(block, {field.name: field.type for field in self.schema if field.name not in self._unknown})
        done: dict[str, pa.Array] = {}
        narrow: _Narrow | None = None
        for field, values in zip(self.schema, columns.rows.columns, strict=True):
            done[field.name] = values
            if field.name in parser.pinned or values.type == field.type != pa.string():
                continue
            # a column of which the sample had only nulls admits only nulls
            expected = pa.null() if field.name in self._unknown else field.type
            converted, row = self._conventions.of(field.name).admit(values, expected)
            done[field.name] = converted if field.name not in self._unknown else values
            if row is not None:
                place = columns.origin.place(row)
                if narrow is None or (place.line or 0) < narrow.line:
                    value = shorten(values[row].as_py())
                    why = f"{place}: column {field.name}: {value!r} is no {textform.type_name(expected)}"
                    narrow = _Narrow(place.line or 0, why)
        rows = None if narrow else record_batch(done, columns.rows.num_rows)
        return _Typed(given, columns, rows, narrow)


def _head(names: list[str], header: bytes | None, grammar: Grammar, decoded: Decoded) -> bytes:
    """What must stand before records for a file to hold them alone: the header as it was, or one that says the same."""
    said = chr(grammar.delimiter).join(names).encode() + b"\n" if header is None else header
    return decoded.mark + decoded.original(said)


def _type(name: str, pinned: Mapping[str, pa.DataType], schema: pa.Schema, file: str) -> pa.DataType:
    if name in pinned:
        return pinned[name]
    if name not in schema.names:
        raise TypesTooNarrow(f"{file}: the column {name} was not expected")
    return schema.field(name).type


def _delimiter(text: str | None) -> str | None:
    sign = {"tab": "\t", "\\t": "\t"}.get(text or "", text)
    if sign is not None and (len(sign) != 1 or not sign.isascii() or sign in "\r\n\0"):
        raise UserError(
            f"a delimiter is one ASCII character, not {text!r}", todo="for example ; or tab", code="option-wrong"
        )
    return sign


def _quote(text: str, delimiter: str | None) -> str | None:
    if text and (len(text) != 1 or not text.isascii() or text in "\r\n\0" or text == delimiter):
        raise UserError(
            f"a quote is one ASCII character other than the delimiter, not {text!r}",
            todo="give nothing for no quotes",
            code="option-wrong",
        )
    return text or None
