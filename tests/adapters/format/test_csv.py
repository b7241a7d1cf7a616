"""CSV keeps every value and every bad row: types, quotes, encodings, line ends, and the way there and back."""

from __future__ import annotations

import datetime
import io
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath.adapters.format.csv import CSV, TSV
from towpath.badrows import BadRow
from towpath.errors import DataError, Refused, UserError
from towpath.nouns import Want
from towpath.options import build
from towpath.seams.format import InputFile, TypesTooNarrow


class Kept:
    def __init__(self) -> None:
        self.rows: list[BadRow] = []

    def add(self, bad: BadRow) -> None:
        self.rows.append(bad)


def file(data: bytes | str) -> InputFile:
    content = data.encode() if isinstance(data, str) else data
    return InputFile("f.csv", lambda: io.BytesIO(content))


def read(data: bytes | str, format: CSV | None = None, **want: Any) -> tuple[pa.Table, list[BadRow]]:
    """The good rows and the bad ones; the books must balance."""
    kept = Kept()
    with (format or CSV()).read(file(data), Want(bad=kept, **want)) as reading:
        table = pa.Table.from_batches([batch.rows for batch in reading], reading.schema)
    assert reading.given == table.num_rows + len(kept.rows)
    return table, kept.rows


def rows(data: bytes | str, format: CSV | None = None, **want: Any) -> list[dict[str, Any]]:
    table, bad = read(data, format, **want)
    assert not bad
    return table.to_pylist()


def whole(data: bytes | str, format: CSV | None = None, **want: Any) -> dict[str, pa.DataType]:
    found = (format or CSV()).inspect(file(data), Want(**want), whole=True)
    assert found.settled
    return {name: evidence.type() for name, evidence in found.columns.items()}


def written(batch: pa.RecordBatch, format: CSV | None = None) -> bytes:
    sink = io.BytesIO()
    writer = (format or CSV()).writer(sink, batch.schema)
    writer.write(batch)
    writer.close()
    return sink.getvalue()


def texts(**columns: list[str | None]) -> pa.RecordBatch:
    return pa.record_batch([pa.array(values, pa.string()) for values in columns.values()], names=list(columns))


# ---- types ----


@pytest.mark.parametrize(
    ("late", "type"),
    [("00501", pa.string()), ("123456789012345678901234567890", pa.decimal128(38, 0)), ("1e5", pa.string())],
)
@pytest.mark.parametrize("threads", [1, 3])
def test_a_late_value_asks_for_a_whole_scan_which_gives_the_wider_type(
    late: str, type: pa.DataType, threads: int
) -> None:
    data = "id,v\n" + "".join(f"{number},{number}\n" for number in range(5000)) + f"5000,{late}\n"
    with pytest.raises(TypesTooNarrow, match=rf"f\.csv:5002: column v: '{late}' is no int64"):
        read(data, batch_bytes=1000, threads=threads)
    assert whole(data, batch_bytes=1000, threads=threads) == {"id": pa.int64(), "v": type}
    found = rows(data, schema=pa.schema(whole(data)), batch_bytes=1000, threads=threads)
    assert len(found) == 5001
    assert str(found[-1]["v"]) == late


def test_the_first_value_of_a_column_that_began_with_nulls_asks_for_a_whole_scan() -> None:
    data = "a,b\n" + "x,\n" * 2000 + "y,5\n"
    with pytest.raises(TypesTooNarrow, match=r"f\.csv:2002: column b: '5' is no null"):
        read(data, batch_bytes=100)
    assert whole(data, batch_bytes=100) == {"a": pa.string(), "b": pa.int64()}
    assert read(data, batch_bytes=1 << 20)[0].schema.field("b").type == pa.int64()
    assert read("a,b\n" + "x,\n" * 2000, batch_bytes=100)[0].schema.field("b").type == pa.string()


def test_a_row_set_aside_says_nothing_about_types() -> None:
    data = "a,b\n1,2\nx,00501\n3,4\n"
    pinned = {"a": pa.int64()}
    table, bad = read(data, types=pinned)
    assert table.to_pylist() == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert [(row.column, row.value, str(row.place)) for row in bad] == [("a", "x", "f.csv:3")]
    assert whole(data, types=pinned) == {"a": pa.int64(), "b": pa.int64()}


def test_pinned_types_are_read_by_the_text_convention() -> None:
    pinned = {"a": pa.int32(), "b": pa.decimal128(12, 2), "c": pa.binary()}
    assert read("a,b,c\n5,1.5,aGk=\n", types=pinned)[0].schema == pa.schema(pinned)
    table, bad = read("a,b,c\n5000000000,1.5,aGk=\n6,1.505,aGk=\n7,1.50,aGk=\n", types=pinned)
    assert table.num_rows == 1
    assert [(row.place.line, row.column, row.value) for row in bad] == [(2, "a", "5000000000"), (3, "b", "1.505")]


def test_columns_are_projected_in_the_asked_order() -> None:
    table, _ = read("a,b,c\n1,x,2.5\n", columns=("c", "z", "a"))
    assert table.to_pylist() == [{"c": 2.5, "a": 1}]
    assert table.schema.names == ["c", "a"]


def test_no_columns_still_count_rows() -> None:
    with CSV().read(file("a,b\n1,2\n3,4\n"), Want(columns=())) as reading:
        assert [len(batch) for batch in reading] == [2]
    assert reading.given == 2


def test_null_is_nothing_and_quoted_nothing_is_empty_text() -> None:
    assert rows('a,b\n,""\n"",x\nNA,y\n') == [{"a": None, "b": ""}, {"a": "", "b": "x"}, {"a": "NA", "b": "y"}]
    assert rows('a,b\n"x",') == [{"a": "x", "b": None}]


def test_words_for_null_are_null_only_unquoted() -> None:
    assert rows('a,b\nNA,1\n"NA",-\n', CSV(null=("NA", "-"))) == [{"a": None, "b": 1}, {"a": "NA", "b": None}]


def test_decimal_comma_and_date_format_read_a_german_file() -> None:
    format = CSV(decimal=",", date_format="%d.%m.%Y")
    assert rows("preis;tag;summe\n12,5;01.02.2024;1.234,50\n", format) == [
        {"preis": 12.5, "tag": datetime.date(2024, 2, 1), "summe": "1.234,50"}
    ]
    assert rows("tag\n01/02/2024\n") == [{"tag": "01/02/2024"}]


def test_a_comma_may_be_the_delimiter_and_the_decimal_sign_of_quoted_numbers() -> None:
    format = CSV(decimal=",")
    assert rows('zip,preis\n00501,"1,50"\n94110,"2,25"\n', format) == [
        {"zip": "00501", "preis": 1.5},
        {"zip": "94110", "preis": 2.25},
    ]
    assert rows("1,5;2,5\n3,25;4,5\n", CSV(decimal=",", header=False)) == [
        {"c1": 1.5, "c2": 2.5},
        {"c1": 3.25, "c2": 4.5},
    ]
    assert rows("preis\n1,5\n", format) == [{"preis": 1.5}]


def test_grouped_numbers_are_read_where_their_sign_is_named() -> None:
    german = CSV(decimal=",", thousands=".")
    assert rows("a;b\n1.234,5;1.234\n2;x\n", german) == [{"a": 1234.5, "b": "1.234"}, {"a": 2.0, "b": "x"}]
    assert rows('a,b\n"1,234",5\n', CSV(thousands=",")) == [{"a": 1234, "b": 5}]
    assert rows('a,b\n"1,234",5\n') == [{"a": "1,234", "b": 5}]


def test_one_column_may_have_a_date_format_of_its_own() -> None:
    format = CSV(date_format=("%d.%m.%Y", "born=%m/%d/%Y"))
    day = datetime.date(2024, 2, 1)
    assert rows("paid;born;iso\n01.02.2024;02/01/2024;2024-02-01\n", format) == [
        {"paid": day, "born": day, "iso": "2024-02-01"}
    ]
    assert rows("born;iso\n02/01/2024;2024-02-01\n", CSV(date_format="born=%m/%d/%Y")) == [{"born": day, "iso": day}]


def test_a_date_format_for_no_column_of_the_file_is_refused() -> None:
    with pytest.raises(UserError, match="no column 'bron'; did you mean 'born'"):
        rows("born\n02/01/2024\n", CSV(date_format="bron=%m/%d/%Y"))


def test_a_date_format_keeps_its_commas_as_an_option_of_text() -> None:
    made = build(CSV, {"date_format": "%b %d, %Y", "true": "ja,yes", "false": ["no, thanks"]}, "csv")
    assert rows("a;b\nFeb 01, 2024;ja\nFeb 02, 2024;no, thanks\n", made) == [
        {"a": datetime.date(2024, 2, 1), "b": True},
        {"a": datetime.date(2024, 2, 2), "b": False},
    ]


def test_words_of_bools_are_bools_when_all_values_are_among_them() -> None:
    format = CSV(true=("yes", "Y"), false=("no", "N"), null=("NA",))
    assert rows("a,b,c\nyes,yes,true\nN,maybe,false\nNA,no,true\n", format) == [
        {"a": True, "b": "yes", "c": "true"},
        {"a": False, "b": "maybe", "c": "false"},
        {"a": None, "b": "no", "c": "true"},
    ]
    assert rows('a\n"yes"\n"no"\n', format) == [{"a": True}, {"a": False}]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"true": ("yes",)}, "for true are given without words for false"),
        ({"false": ("no",)}, "for false are given without words for true"),
        ({"true": ("yes",), "false": ("yes",)}, "'yes' has two meanings"),
        ({"true": ("yes",), "false": ("NA",), "null": ("NA",)}, "'NA' has two meanings"),
        ({"true": ("",), "false": ("no",)}, "nothing at all is null"),
    ],
)
def test_words_of_bools_that_say_too_little_or_too_much_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        CSV(**options)


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "null": st.sampled_from([("NA",), ("-", "1")]),
        "decimal": st.just(","),
        "thousands": st.sampled_from(["'", " "]),
        "date_format": st.sampled_from(["%d.%m.%Y", ("%d.%m.%Y %H:%M", "b=%Y/%m/%d")]),
        "words": st.sampled_from([(("ja",), ("nein",)), (("0",), ("2",))]),
    },
)
VALUES = st.sampled_from(
    ["", "NA", "-", "0", "1", "2", "1,5", "1.5", "1'234", "1 234,5", "12'34", "ja", "nein", "true", "01.02.2024",
     "2024-02-01", "2024/02/01", "01.02.2024 10:00", "00501", "x"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(OPTIONS, st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=12), st.data())
def test_with_any_options_types_depend_on_the_values_alone(
    options: dict[str, Any], lines: list[tuple[str, str]], data: st.DataObject
) -> None:
    true, false = options.pop("words", ((), ()))
    format = CSV(delimiter=";", true=true, false=false, **options)
    content = "a;b\n" + "".join(f"{one};{two}\n" for one, two in lines)
    types = whole(content, format)
    shuffled = data.draw(st.permutations(lines))
    assert whole("a;b\n" + "".join(f"{one};{two}\n" for one, two in shuffled), format, batch_bytes=1) == types
    table, bad = read(content, format, schema=pa.schema(types), batch_bytes=data.draw(st.integers(1, 40)))
    pinned, misfits = read(content, format, types=types)
    assert (bad, misfits) == ([], [])
    assert table.equals(pinned)
    as_text, _ = read(content, format, all_text=True)
    nulls = {"", *format._null}
    assert as_text.to_pylist() == [
        {name: None if value in nulls else value for name, value in zip("ab", line, strict=True)} for line in lines
    ]


# ---- layout ----


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    data = "a,b;c|d\n1,5;x|\n".replace(",", "\0").replace("\0", "-").replace(";", delimiter).replace("|", delimiter)
    assert rows(data) == [{"a-b": "1-5", "c": "x", "d": None}]


def test_a_delimiter_in_quotes_does_not_count() -> None:
    assert rows('"a,b,c";d\n"1,2,3";4\n') == [{"a,b,c": "1,2,3", "d": 4}]


def test_a_given_delimiter_and_quote_are_taken() -> None:
    assert rows("a:b\n'x:y':1\n", CSV(delimiter=":", quote="'")) == [{"a": "x:y", "b": 1}]
    assert rows('a\tb\n"x\t1\n', TSV(quote="")) == [{"a": '"x', "b": 1}]
    assert rows("a,x\tb\n1,2\t3\n", TSV()) == [{"a,x": "1,2", "b": 3}]
    assert rows("a\tb\n1\t3\n", CSV(delimiter="tab")) == [{"a": 1, "b": 3}]


def test_without_a_header_columns_are_numbered() -> None:
    assert rows("1,x\n2,y\n", CSV(header=False)) == [{"c1": 1, "c2": "x"}, {"c1": 2, "c2": "y"}]


@pytest.mark.parametrize(
    ("header", "message"),
    [("a,b,a", "'a' is there twice"), ("a,,c", "column 2 of 3 has no name"), ('a,"",c', "column 2")],
)
def test_a_header_with_repeated_or_empty_names_is_an_error(header: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"f\.csv:2: .*{message}(.|\n)*header=false"):
        read(f"\n{header}\n1,2,3\n")


@pytest.mark.parametrize("data", [b"", b"\n\r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_has_no_columns_and_no_rows(data: bytes) -> None:
    table, _ = read(data)
    assert (table.num_columns, table.num_rows) == (0, 0)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r"])
def test_a_header_alone_has_columns_and_no_rows(end: str) -> None:
    table, _ = read(f"a,b{end}")
    assert table.schema == pa.schema({"a": pa.string(), "b": pa.string()})


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_and_a_missing_last_one_will_do(end: str) -> None:
    assert rows(end.join(["a,b", "1,x", "", '2,"y\nz"', "3,w"])) == [
        {"a": 1, "b": "x"},
        {"a": 2, "b": "y\nz"},
        {"a": 3, "b": "w"},
    ]


def test_a_blank_line_of_a_one_column_file_is_null() -> None:
    assert rows('a\nx\n\n""\n\n') == [{"a": "x"}, {"a": None}, {"a": ""}, {"a": None}]


def test_nul_and_odd_characters_are_text() -> None:
    assert rows("a,b\nx\0y,\u2028\n") == [{"a": "x\0y", "b": "\u2028"}]


def test_a_quote_within_a_field_is_text() -> None:
    assert rows('a,b\n5" pipe,"x"\n') == [{"a": '5" pipe', "b": "x"}]


def test_a_quoted_field_may_have_a_thousand_lines() -> None:
    long = "\n".join(["line"] * 1000)
    assert rows(f'a,b\n1,"{long}"\n2,x\n', batch_bytes=100) == [{"a": 1, "b": long}, {"a": 2, "b": "x"}]


def test_a_quoted_field_has_as_many_lines_as_are_named() -> None:
    long = "line\n" * 1000
    assert [bad.line for bad in (one.place for one in read(f'a,b\n1,"{long}"\n2,x\n')[1])] == [2]
    assert rows(f'a,b\n1,"{long}"\n2,x\n', CSV(quoted_lines=1001), batch_bytes=100)[0] == {"a": 1, "b": long}
    with pytest.raises(UserError, match="quoted_lines"):
        CSV(quoted_lines=0)


def test_a_quoted_field_of_few_lines_may_have_megabytes() -> None:
    long = "x" * 2_000_000
    assert rows(f'a,b\n1,"{long}"\n2,x\n', batch_bytes=100_000)[0] == {"a": 1, "b": long}


# ---- encodings ----


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_names_the_encoding(encoding: str) -> None:
    assert rows("ä,b\nü,😀\n".encode(encoding), batch_bytes=3) == [{"ä": "ü", "b": "😀"}]
    assert rows("ä,b\nü,😀\n".encode(encoding), CSV(encoding=encoding)) == [{"ä": "ü", "b": "😀"}]


def test_a_byte_order_mark_that_is_not_the_files_is_a_value_wherever_a_block_begins() -> None:
    mark = "\ufeff"
    text = "a,b\n" + f"{mark}x,1\n" * 5
    for size in (1, 9, 10_000):
        assert rows(text, batch_bytes=size) == [{"a": f"{mark}x", "b": 1}] * 5
    assert rows(f"{mark}{mark}x,1\n", CSV(header=False)) == [{"c1": f"{mark}x", "c2": 1}]
    _, bad = read(b"\x80\r\xef\xbb\xbf", CSV(header=False), all_text=True)
    assert [row.place.line for row in bad] == [1]


def test_other_encodings_are_read_by_option() -> None:
    assert rows("ä,b\nü,1\n".encode("latin-1"), CSV(encoding="latin-1"), batch_bytes=2) == [{"ä": "ü", "b": 1}]
    with pytest.raises(UserError, match="no text encoding 'latin-99'"):
        CSV(encoding="latin-99")


def test_bytes_that_are_no_text_make_bad_rows() -> None:
    data = b"a,b\n1,x\n2,\xff\n3,z\n4\n"
    table, bad = read(data)
    assert table.column("a").to_pylist() == [1, 3]
    assert [(row.place.line, row.place.raw) for row in bad] == [(3, b"2,\xff"), (5, b"4")]
    with pytest.raises(DataError, match=r"f\.csv:3: its bytes are no text"):
        CSV_first_bad(data)


def CSV_first_bad(data: bytes) -> None:  # noqa: N802
    with CSV().read(file(data), Want()) as reading:
        list(reading)


def test_a_bad_row_keeps_the_bytes_of_its_own_encoding() -> None:
    data = "a,b\nä,1\nö\n".encode("utf-16-le") + b"\x00\xd8,\x00" + "x\nü,2\n".encode("utf-16-le")
    table, bad = read(b"\xff\xfe" + data)
    assert table.column("a").to_pylist() == ["ä", "ü"]
    assert [row.place.raw for row in bad] == ["ö".encode("utf-16-le"), b"\x00\xd8,\x00x\x00"]
    table, bad = read(b"a,b\nx,1\n\x81,2\n", CSV(encoding="cp1252"))
    assert [row.place.raw for row in bad] == [b"\x81,2"]


# ---- bad rows ----


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("batch_bytes", [1, 64, 1 << 20])
def test_rows_with_another_number_of_fields_are_set_aside_in_order(threads: int, batch_bytes: int) -> None:
    lines = [f"{number},x" for number in range(1000)]
    lines[10], lines[500], lines[700], lines[999] = "10", "500,x,y", '700,"x"y', "999,x,"
    table, bad = read("id,v\n" + "\n".join(lines), batch_bytes=batch_bytes, threads=threads)
    assert table.column("id").to_pylist() == [number for number in range(1000) if number not in (10, 500, 700, 999)]
    assert [(row.place.line, row.place.raw) for row in bad] == [
        (12, b"10"),
        (502, b"500,x,y"),
        (702, b'700,"x"y'),
        (1001, b"999,x,"),
    ]
    assert [row.reason for row in bad][:2] == ["it has 1 fields instead of 2", "it has 3 fields instead of 2"]


def test_an_unclosed_quote_in_a_large_file_sets_one_stretch_aside() -> None:
    lines = [f'{number},"name, {number}",x' for number in range(100_000)]
    lines[40_000] = '40000,"name, x'
    table, bad = read("id,name,v\n" + "\n".join(lines), batch_bytes=1 << 18)
    assert table.num_rows == 99_999
    assert table.column("id").to_pylist() == [number for number in range(100_000) if number != 40_000]
    assert [(row.place.line, row.place.raw) for row in bad] == [(40_002, b'40000,"name, x')]


def test_a_row_knows_its_line_though_others_were_set_aside() -> None:
    data = 'a,b\n1,"x\ny"\n\n2\nz,w\n3,\xff\n4,v\n'.encode("latin-1")
    with CSV().read(file(data), Want(bad=Kept(), types={"a": pa.int64()})) as reading:
        (batch,) = list(reading)
    places = [batch.origin.place(row) for row in range(len(batch))]
    assert [(str(place), place.raw) for place in places] == [("f.csv:2", b'1,"x\ny"'), ("f.csv:8", b"4,v")]


def test_bad_rows_before_a_value_too_wide_come_first() -> None:
    data = "a,b\n1,2\n3\n00501,4\n5\n"
    kept = Kept()
    with CSV().read(file(data), Want(bad=kept, schema=pa.schema({"a": pa.int64(), "b": pa.int64()}))) as reading:  # noqa: SIM117
        with pytest.raises(TypesTooNarrow, match=r"f\.csv:4"):
            list(reading)
    assert [row.place.line for row in kept.rows] == [3]


# ---- writing ----


def test_only_what_needs_quotes_is_quoted() -> None:
    batch = texts(a=["x", "a,b", 'say "so"', " pad ", "", None], b=["1", "l\nm", "r\rs", ";", "5", ""])
    assert written(batch).decode() == ('a,b\nx,1\n"a,b","l\nm"\n"say ""so""","r\rs"\n pad ,;\n"",5\n,""\n')


def test_one_column_tells_null_from_empty_text() -> None:
    assert written(texts(a=["", None, "x"])) == b'a\n""\n\nx\n'


def test_rows_without_a_header_may_follow_those_with_one() -> None:
    first = written(texts(a=["x"], b=["1"]), CSV(delimiter=";"))
    format = CSV().following(file(first))
    assert rows(first + written(texts(a=["y;"], b=["2"]), format)) == [{"a": "x", "b": 1}, {"a": "y;", "b": 2}]
    with pytest.raises(Refused, match="utf-16-le"):
        CSV().following(file("a,b\n".encode("utf-16")))


def test_line_ends_and_encodings_are_written_by_option() -> None:
    assert written(texts(a=["ä"], b=["1"]), CSV(line_ending="crlf", encoding="latin-1")) == b"a,b\r\n\xe4,1\r\n"
    twice = CSV(encoding="utf-16")
    assert rows(written(texts(a=["ä"], b=["1"]), twice)) == [{"a": "ä", "b": 1}]
    with pytest.raises(DataError, match="latin-1|iso8859-1"):
        written(texts(a=["😀"]), CSV(encoding="latin-1"))
    with pytest.raises(UserError, match="line ending"):
        CSV(line_ending="\n")


def test_what_needs_quotes_is_refused_without_them() -> None:
    assert written(texts(a=["x"]), CSV(quote="")) == b"a\nx\n"
    for value in ("a,b", "", "x\n"):
        with pytest.raises(DataError, match="column a: .* cannot be written without quotes"):
            written(texts(a=[value]), CSV(quote=""))


def test_words_for_null_are_written_in_quotes() -> None:
    format = CSV(null=("NA",))
    assert rows(written(texts(a=["NA", None]), format), format) == [{"a": "NA"}, {"a": None}]


def test_null_is_written_as_its_first_word_and_read_back() -> None:
    format = CSV(null=("NA", "-"))
    batch = texts(a=["NA", None, "-", ""], b=["x", None, "NAN", "-1"])
    assert written(batch, format) == b'a,b\n"NA",x\nNA,NA\n"-",NAN\n"",-1\n'
    assert rows(written(batch, format), format, types=dict.fromkeys("ab", pa.string())) == batch.to_pylist()


def test_a_number_that_equals_the_word_for_null_is_quoted() -> None:
    format = CSV(null=("0",))
    batch = pa.record_batch({"a": [0, None, 10]})
    assert written(batch, format) == b'a\n"0"\n0\n10\n'
    assert rows(written(batch, format), format) == batch.to_pylist()


@pytest.mark.parametrize("word", ["N,A", 'N"A', "N\nA", "N;A", "\ufeff"])
def test_a_word_for_null_that_could_not_be_read_back_is_refused(word: str) -> None:
    with pytest.raises(UserError, match="null cannot be written as"):
        written(texts(a=["x"]), CSV(null=(word,)))


def test_text_that_equals_the_word_for_null_is_refused_where_nothing_is_quoted() -> None:
    with pytest.raises(DataError, match="'NA' cannot be written without quotes"):
        written(texts(a=["NA"]), CSV(null=("NA",), quote=""))


def test_all_values_but_nulls_are_quoted_on_request() -> None:
    batch = pa.record_batch({"a": [1, None], "b": ["x", 'y"']})
    assert written(batch, CSV(quote_all=True)) == b'"a","b"\n"1","x"\n,"y"""\n'
    assert rows(written(batch, CSV(quote_all=True))) == batch.to_pylist()
    with pytest.raises(UserError, match="quote_all needs a quote"):
        written(batch, CSV(quote_all=True, quote=""))


def test_empty_text_stays_quoted_beside_words_for_null() -> None:
    format = CSV(null=("NA",))
    assert rows(written(texts(a=["", None], b=["x", "y"]), format), format) == [
        {"a": "", "b": "x"},
        {"a": None, "b": "y"},
    ]


def test_a_name_with_another_delimiter_does_not_mislead_the_reader() -> None:
    assert rows(written(texts(**{"a;b": ["x;y", "z;w"]}))) == [{"a;b": "x;y"}, {"a;b": "z;w"}]


def test_quotes_around_names_tell_the_delimiter_that_they_hide() -> None:
    batch = texts(**{"a": [","], '",b': ["x"]})
    assert rows(written(batch, CSV(delimiter=";"))) == batch.to_pylist()


def test_options_for_reading_are_refused_for_writing() -> None:
    with pytest.raises(UserError, match="how a file is read"):
        CSV(decimal=",").writer(io.BytesIO(), pa.schema({"a": pa.string()}))


@pytest.mark.parametrize(
    "options", [{"delimiter": ",,"}, {"delimiter": "é"}, {"quote": "\n"}, {"delimiter": "'", "quote": "'"}]
)
def test_a_delimiter_and_a_quote_are_single_characters(options: dict[str, str]) -> None:
    with pytest.raises(UserError, match="one ASCII character"):
        CSV(**options)  # type: ignore[arg-type]


SIGNS = st.characters(exclude_categories=("Cs",)) | st.sampled_from(",;\t|\"'\r\n \ufeff\0😀-0159e.")
CELLS = st.none() | st.text(SIGNS, max_size=8) | st.sampled_from(["", '"', "\r\n", "NA", "00501"])


FORMATS = [
    CSV(), TSV(), CSV(delimiter=";"), CSV(line_ending="crlf"), CSV(quote_all=True), CSV(null=("NA",)),
    CSV(null=("0", "NA"), quote_all=True), CSV(delimiter=";", null=("-",), header=False),
]  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.data(), st.integers(1, 4), st.sampled_from(FORMATS))
def test_every_text_comes_back_as_it_was_written(data: st.DataObject, width: int, format: CSV) -> None:
    names = data.draw(st.lists(st.text(SIGNS, min_size=1, max_size=5), min_size=width, max_size=width, unique=True))
    lines = data.draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6))
    columns = [pa.array([line[at] for line in lines], pa.string()) for at in range(width)]
    batch = pa.record_batch(columns, names=names)
    types = dict.fromkeys(names, pa.string())
    batch_bytes = data.draw(st.sampled_from([1, 9, 1 << 20]))
    if not format._header:
        batch = batch.rename_columns([f"c{number + 1}" for number in range(width)])
        types = dict.fromkeys(batch.schema.names, pa.string())
    plain = CSV(null=format._null, header=format._header)
    table, bad = read(written(batch, format), plain if width > 1 else format, types=types, batch_bytes=batch_bytes)
    assert not bad
    if len(batch) or format._header:
        assert table.to_pylist() == batch.to_pylist()
        assert table.schema.names == batch.schema.names


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(['"', '""', ",", "\n", "\r\n", "\r", "a", "é", "1", '"x"', ',"', '"\n']), max_size=60),
    st.data(),
)
def test_rows_and_bad_rows_do_not_depend_on_blocks_and_threads(signs: list[str], data: st.DataObject) -> None:
    content = "a,b\n1,x\n" + "".join(signs)
    types = {"a": pa.string(), "b": pa.string()}
    want = {"batch_bytes": data.draw(st.integers(1, 30)), "threads": data.draw(st.integers(1, 3)), "types": types}
    one, other = read(content, types=types), read(content, **want)
    assert one[0].to_pylist() == other[0].to_pylist()
    assert one[1] == other[1]
