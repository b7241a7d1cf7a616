"""Hostile texts and bytes, and their layouts."""

from __future__ import annotations

import pyarrow as pa

from towpath.conformance.hostile import Hostile

_TEXTS: dict[str, tuple[str, list[str | None]]] = {
    "text_empty": ("the empty text is not null", ["", None, "a", "", None]),
    "text_only_empty": ("nothing but empty texts", ["", "", ""]),
    "text_quotes": ("quotes", ['"', '""', "'", "''", 'say "so" it\'s', '"a","b"', "`", '\\"', '"\n"', None]),
    "text_separators": ("separators and comments", [",", ";", "\t", "|", "a,b", "#", "# x", "--", "/*", "//", None]),
    "text_newlines": ("line ends of each kind", ["\n", "\r", "\r\n", "a\nb", "a\rb\r\nc", "a\n", "\na", "\n\n", None]),
    "text_breaks": ("what some take for line ends", ["a\x0bb", "a\x0cb", "a\x1cb", "a\x85b", "a\u2028b", "a\u2029b"]),
    "text_controls": ("control characters", ["\x01", "\x07", "\x08", "\x1a", "a\x1bb", "\x7f", "\x1e", "\x1f", None]),
    "text_nul": ("U+0000, which C ends a text with", ["\0", "a\0b", "a\0", "\0a", "a", None]),
    "text_bom": ("a byte order mark at the start", ["\ufeff", "\ufeffa", "a\ufeffb", "a", None]),
    "text_emoji": (
        "characters beyond 16 bits",
        ["\U0001f6a3", "\U0001f469\u200d\U0001f469", "\U0010ffff", "\U0001d518"],
    ),
    "text_combining": (
        "a letter composed and combined",
        ["\u00e9", "e\u0301", "\u212b", "\u00c5", "A\u030a", "\ufb01", "fi"],
    ),
    "text_zero_width": (
        "what one cannot see",
        ["\u200b", "\u00a0", "\u00ad", "\u202ea", "a\u2060b", "\ufffd", "\uffff"],
    ),
    "text_backslashes": (
        "lone backslashes",
        ["\\", "\\\\", "\\n", "\\N", "\\.", "a\\", "\\x41", "\\u0041", "C:\\new", None],
    ),
    "text_spaces": ("spaces at the ends", [" ", "  ", " a", "a ", " a ", "\t", "\ta", "a\t", "a", None]),
    "text_like_null": (
        "words for null",
        ["null", "NULL", "NA", "N/A", "\\N", "nan", "None", "nil", "-", "?", "<null>", None],
    ),
    "text_like_bool": ("words for bools", ["true", "false", "t", "f", "yes", "no", "0", "1", "TRUE", None]),
    "text_like_number": (
        "numbers spelled so",
        ["00501", "1e5", "+5", "-0", "1.0", "0x1A", "1_000", "1,5", ".5", "5.", None],
    ),
    "text_long_digits": ("ids of thirty digits", ["123456789012345678901234567890", "0" * 30, "1" + "0" * 29, None]),
    "text_only_zips": ("codes with a leading zero", ["00501", "00502", "10001", None]),
    "text_only_integers": ("a text column of integers", ["1", "2", "-3", None]),
    "text_only_floats": ("a text column of floats", ["1.50", "2.0", "1e5", None]),
    "text_only_dates": ("a text column of dates", ["2024-01-02", "2024-02-29", None]),
    "text_only_bools": ("a text column of bools", ["true", "false", None]),
    "text_like_json": ("texts that are JSON", ["[1]", "{}", '{"a":1}', '"x"', "null", "[", "{", None]),
    "text_like_sql": ("texts that are SQL", ["'; drop table t; --", "$1", "?", "%s", "{}", ":a", "=1+1", "@x", None]),
    "text_html": ("markup", ["<a>&amp;</a>", "]]>", "&#0;", "<![CDATA[", None]),
    "text_case": ("texts that differ by case alone", ["a", "A", "\u00df", "SS", "\u0130", "i", "I", "\u0131", None]),
}

_BYTES = [b"", b"\0", b"\xff\xfe", b"a\0b", b"\x80", bytes(range(256)), b"\\x41", b"text", b"\n", None]


def columns() -> list[Hostile]:
    texts = [Hostile(name, pa.array(values, pa.string()), why) for name, (why, values) in _TEXTS.items()]
    return [*texts, *_layouts(), *_bytes(), *_dictionaries(), *_extensions()]


def _layouts() -> list[Hostile]:
    words: list[str | None] = ["", "a", None, "\U0001f6a3", "longer than the twelve bytes of a view", "a"]
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3, 6], pa.int32()), pa.array(["x", None, ""]))
    return [
        Hostile("text_null", pa.array([None, None], pa.string()), "all null"),
        Hostile("text_large", pa.array(words, pa.large_string()), "offsets of 64 bits"),
        Hostile("text_view", pa.array(words, pa.string_view()), "views"),
        Hostile("text_runs", runs, "runs"),
        Hostile("text_sliced", pa.array(["no", *words, "no"]).slice(1, 5), "a slice: other rows lie around it"),
        Hostile("null", pa.nulls(3), "a column without a type"),
    ]


def _bytes() -> list[Hostile]:
    fixed = [b"\0" * 4, b"\xff" * 4, b"ab\0\0", b"    ", None]
    return [
        Hostile("binary", pa.array(_BYTES, pa.binary()), "every byte; empty beside null"),
        Hostile("binary_null", pa.array([None, None], pa.binary()), "all null"),
        Hostile("binary_large", pa.array(_BYTES, pa.large_binary()), "offsets of 64 bits"),
        Hostile("binary_view", pa.array(_BYTES, pa.binary_view()), "views"),
        Hostile("binary_fixed", pa.array(fixed, pa.binary(4)), "zeros and spaces at the end"),
        Hostile("binary_fixed_0", pa.array([b"", None], pa.binary(0)), "a fixed width of nothing"),
    ]


def _dictionaries() -> list[Hostile]:
    index = pa.array([0, 1, None, 0, 2], pa.int8())
    times = pa.array([0, 10**18 + 1], pa.timestamp("ns", "UTC"))
    make = pa.DictionaryArray.from_arrays
    return [
        Hostile("dictionary", make(index, pa.array(["b", "a", ""])), "a dictionary"),
        Hostile("dictionary_ordered", make(index, pa.array(["b", "a", "c"]), ordered=True), "an ordered one"),
        Hostile("dictionary_null", make(index, pa.array(["b", None, ""])), "null in the dictionary"),
        Hostile("dictionary_double", make(index, pa.array(["a", "a", "b"])), "a word twice in the dictionary"),
        Hostile("dictionary_times", make(pa.array([1, 0, None], pa.int32()), times), "a dictionary of instants"),
    ]


def _extensions() -> list[Hostile]:
    ids = pa.array([b"\0" * 16, b"\xff" * 16, bytes(range(16)), None], pa.binary(16))
    jsons = pa.array(['{"b":1, "a":1.0}', "null", '"\\u00e9"', "[1e5]", None], pa.string())
    return [
        Hostile("uuid", pa.ExtensionArray.from_storage(pa.uuid(), ids), "UUIDs"),
        Hostile("json", pa.ExtensionArray.from_storage(pa.json_(pa.string()), jsons), "JSON, spelled as it is"),
        Hostile(
            "bool8", pa.ExtensionArray.from_storage(pa.bool8(), pa.array([0, 1, None], pa.int8())), "bools in bytes"
        ),
    ]
