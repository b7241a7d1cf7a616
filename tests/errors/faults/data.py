"""Data that is broken: its text, its structure, its keys."""

from __future__ import annotations

from tests.errors.kit import CANARY, Fault, cut, gzipped, zipped

_MANY = "id,name\n" + "".join(f"{number},name {number * 7919 % 1000}\n" for number in range(2000))

FAULTS = (
    Fault(
        "field-count", "left a comma in a field without quotes", "copy orders.csv out.parquet", "record-malformed",
        place="orders.csv:3", value="Smith, Ann", rule="3 fields", todo="--bad-rows", exit=1,
        files={"orders.csv": "id,name\n1,Bob\n2,Smith, Ann\n3,Eve\n"},
    ),
    Fault(
        "quote-unclosed", "lost a closing quote", "copy orders.csv out.parquet", "record-malformed",
        place="orders.csv:3", value='"Ann', rule="quote", todo="quote", exit=1,
        files={"orders.csv": 'id,name\n1,Bob\n2,"Ann\n3,Eve\n'},
    ),
    Fault(
        "utf8-bad", "kept one byte of an old encoding", "copy orders.csv out.parquet", "text-undecodable",
        place="orders.csv:3", value="Andr", rule="no text", todo="encoding", exit=1,
        files={"orders.csv": b"id,name\n1,Bob\n2,Andr\xe9\n"},
    ),
    Fault(
        "encoding-wrong", "named an encoding that the file has not",
        "copy orders.csv out.parquet --from-opt encoding=ascii", "text-undecodable",
        place="orders.csv:3", value="é", rule="no text", todo="encoding", exit=1,
        files={"orders.csv": "id,name\n1,Bob\n2,André\n"},
    ),
    Fault(
        "json-broken", "cut a JSON line in the middle", "copy events.jsonl out.parquet", "json-malformed",
        place="events.jsonl:2", rule="JSON", todo="--bad-rows", exit=1,
        files={"events.jsonl": '{"id": 1}\n{"id": 2, "na\n{"id": 3}\n'},
    ),
    Fault(
        "json-key-twice", "wrote a key twice in one JSON object", "copy events.jsonl out.parquet", "json-malformed",
        place="events.jsonl:2", value="id", rule="twice", todo="--bad-rows", exit=1,
        files={"events.jsonl": '{"id": 1}\n{"id": 2, "id": 3}\n'},
    ),
    Fault(
        "json-nothing-readable", "reads a CSV file under the name of JSON Lines", "copy events.jsonl out.parquet",
        "json-malformed", place="events.jsonl:1", value="id,zip", rule="not JSON", todo="--bad-rows", exit=1,
        files={"events.jsonl": "id,zip\n1,00501\n"},
    ),
    Fault(
        "parquet-named-csv", "gave a Parquet file the ending of a CSV file", "copy wrong.csv out.jsonl",
        "text-undecodable", place="wrong.csv:1", value="Parquet", rule="no text", todo="--from-format parquet", exit=1,
        before=("copy orders.csv right.parquet",),
        between=lambda here: (here / "wrong.csv").write_bytes((here / "right.parquet").read_bytes()) and None,
    ),
    Fault(
        "escape-in-the-data", "reads a row whose text would paint the terminal", "copy orders.csv out.parquet",
        "record-malformed", place="orders.csv:2", value=r"1,\x1b[31mred", rule="3 fields", todo="--bad-rows", exit=1,
        files={"orders.csv": "id,name\n1,\x1b[31mred,x\n"},
    ),
    Fault(
        "json-no-array", "reads a number where an array of objects is meant", "copy one.json out.parquet",
        "json-malformed", place="one.json:1", value="7", rule="array", todo="jsonl", exit=1, files={"one.json": "7\n"},
    ),
    Fault(
        "json-scalar", "mixed plain values among JSON objects", "copy events.jsonl out.parquet", "json-malformed",
        place="events.jsonl:2", value="7", rule="object", todo="--bad-rows", exit=1,
        files={"events.jsonl": '{"id": 1}\n7\n'},
    ),
    Fault(
        "gzip-truncated", "reads half of a download (gzip)", "copy big.csv.gz out.parquet", "file-damaged",
        place="big.csv.gz", rule="truncated", todo="fetch", exit=1,
        files={"big.csv.gz": gzipped(_MANY)}, prepare=cut("big.csv.gz"),
    ),
    Fault(
        "zstd-truncated", "reads half of a download (zstd)", "copy big.csv.zst out.parquet", "file-damaged",
        place="big.csv.zst", rule="truncated", todo="fetch", exit=1,
        files={"big.csv": _MANY}, before=("copy big.csv big.csv.zst",), between=cut("big.csv.zst"),
    ),
    Fault(
        "parquet-truncated", "reads half of a download (Parquet)", "copy big.parquet out.csv", "file-damaged",
        place="big.parquet", rule="truncated", todo="fetch", exit=1,
        files={"big.csv": _MANY}, before=("copy big.csv big.parquet",), between=cut("big.parquet"),
    ),
    Fault(
        "arrow-truncated", "reads half of a download (Arrow)", "copy big.arrow out.csv", "file-damaged",
        place="big.arrow", rule="truncated", todo="fetch", exit=1,
        files={"big.csv": _MANY}, before=("copy big.csv big.arrow",), between=cut("big.arrow"),
    ),
    Fault(
        "not-a-zip", "named a CSV file like a zip", "copy orders.csv.zip out.parquet", "file-damaged",
        place="orders.csv.zip", rule="zip", todo="name", exit=1, files={"orders.csv.zip": "id\n1\n"},
    ),
    Fault(
        "not-a-parquet", "named a CSV file like a Parquet file", "copy orders.parquet out.csv", "file-damaged",
        place="orders.parquet", rule="parquet", todo="--from-format", exit=1, files={"orders.parquet": "id\n1\n"},
    ),
    Fault(
        "not-a-gzip", "named a CSV file like a gzip", "copy orders.csv.gz out.parquet", "file-damaged",
        place="orders.csv.gz", rule="gz", todo="name", exit=1, files={"orders.csv.gz": "id\n1\n"},
    ),
    Fault(
        "zip-of-several", "reads a zip of several files", "copy in.csv.zip out.parquet", "zip-unclear",
        place="in.csv.zip", value="b.csv", rule="exactly one", todo="unpack", exit=1,
        files={"in.csv.zip": zipped({"a.csv": "id\n1\n", "b.csv": "id\n2\n"})},
    ),
    Fault(
        "file-empty", "reads a file of no bytes", "copy empty.csv out.parquet", "columns-missing",
        place="empty.csv", rule="no columns", todo="header", exit=1, files={"empty.csv": ""},
    ),
    Fault(
        "header-twice", "has a column twice in the header", "copy twice.csv out.parquet", "header-wrong",
        place="twice.csv:1", value="id", rule="twice", todo="header", exit=1,
        files={"twice.csv": "id,name,id\n1,a,2\n"},
    ),
    Fault(
        "header-unnamed", "left a column without a name", "copy noname.csv out.parquet", "header-wrong",
        place="noname.csv:1", value="2", rule="no name", todo="header", exit=1,
        files={"noname.csv": "id,,zip\n1,a,2\n"},
    ),
    Fault(
        "key-null", "merges rows whose key is null", "copy more.csv duckdb:///s.db#orders --mode merge --key id",
        "key-null", place="duckdb:///s.db#orders", value="id", rule="null", todo="--where", exit=1,
        files={"more.csv": "id,n\n1,5\n,6\n"},
    ),
    Fault(
        "key-doubled", "merges two rows of one key", "copy more.csv duckdb:///s.db#orders --mode merge --key id",
        "key-doubled", place="duckdb:///s.db#orders", value="id = 1", rule="more than once", todo="--dedupe", exit=1,
        files={"more.csv": "id,n\n1,5\n1,6\n"},
    ),
    Fault(
        "dedupe-column-typo", "kept the latest by a column that is not there",
        "copy more.csv duckdb:///s.db#orders --mode merge --key id --dedupe 'latest updated'", "column-unknown",
        place="dedupe", value="updated", rule="no column", todo="updated_at",
        files={"more.csv": "id,updated_at\n1,2026-01-01\n1,2026-01-02\n"},
    ),
    Fault(
        "dedupe-unknown", "invented a way to keep one of several",
        "copy more.csv duckdb:///s.db#orders --mode merge --key id --dedupe newest", "dedupe-bad",
        place="dedupe", value="newest", rule="latest", todo="first",
        files={"more.csv": "id,updated_at\n1,2026-01-01\n"},
    ),
    Fault(
        "rule-broken", "has a value that a rule forbids",
        "copy orders.csv out.parquet --rule 'range: {amount: [0, null]}'", "rule-broken",
        place="orders.csv:4", value="-1", rule="less than 0", todo="--bad-rows", exit=1,
    ),
    Fault(
        "rule-pattern-broken", "has a value that does not match",
        "copy orders.csv out.parquet --rule 'pattern: {zip: \"^1\"}'", "rule-broken",
        place="orders.csv:2", value="00501", rule="^1", todo="--bad-rows", exit=1,
    ),
    Fault(
        "unique-broken", "has a value twice that must be unique",
        "copy orders.csv out.parquet --rule 'unique: id'", "rule-broken",
        place="orders.csv:4", value="1", rule="unique", todo="--bad-rows", exit=1,
        files={"orders.csv": "id,name\n1,a\n2,b\n1,c\n"},
    ),
    Fault(
        "bad-rows-exceeded", "allows one bad row, and there are two",
        "copy orders.csv out.parquet --types zip=date --bad-rows bad --max-bad 1", "bad-rows-exceeded",
        place="rows.jsonl", value="00501", rule="at most 1", todo="--max-bad", exit=1,
    ),
    Fault(
        "max-bad-wrong", "writes a share of bad rows that is none",
        "copy orders.csv out.parquet --bad-rows bad --max-bad 'a few'", "option-wrong",
        place="max_bad", value="a few", rule="no number of bad rows", todo="0.5%",
    ),
    Fault(
        "max-bad-alone", "allows bad rows, but names no place for them",
        "copy orders.csv out.parquet --max-bad 5", "option-missing",
        rule="max_bad", todo="--bad-rows DIR",
    ),
    Fault(
        "rule-kind-typo", "mistyped a rule", "copy orders.csv out.parquet --rule 'not_nul: id'", "yaml-wrong",
        place="--rule", value="not_nul", rule="no key", todo="not_null",
    ),
    Fault(
        "rule-limit-wrong", "compared numbers with a word",
        "copy orders.csv out.parquet --rule 'range: {amount: [low, high]}'", "rule-wrong",
        place="amount", value="low", rule="is no", todo="[0, null]",
    ),
    Fault(
        "rule-pattern-wrong", "wrote a pattern with an open bracket",
        "copy orders.csv out.parquet --rule 'pattern: {zip: \"[0-9\"}'", "rule-wrong",
        place="zip", value="[0-9", rule="regular expression", todo="]",
    ),
    Fault(
        "types-between-files", "reads files whose columns have different types", "copy 'in/*.parquet' out.csv",
        "columns-differ", place="in/b.parquet", value="id", rule="int64", todo="types: id", exit=1,
        files={"a.jsonl": '{"id": {"x": 1}}\n', "b.csv": "id\n1\n"},
        before=("copy a.jsonl in/a.parquet", "copy b.csv in/b.parquet"),
    ),
    Fault(
        "partition-value-wrong", "has a folder whose value is not of the pinned type",
        "copy in/ out.parquet --from-format csv --types year=int64", "type-violated",
        place="in/year=soon", value="soon", rule="int64", todo="type", exit=1,
        files={"in/year=2026/a.csv": "id\n1\n", "in/year=soon/b.csv": "id\n2\n"},
    ),
    Fault(
        "secret-in-the-data", "has a password in an environment that a message must not show",
        "copy ${env:TOW_SOURCE} out.parquet", "path-missing",
        place="***", rule="no such file", todo="check", exit=1,
        env={"TOW_SOURCE": f"exports/{CANARY}.csv"},
    ),
)  # fmt: skip
