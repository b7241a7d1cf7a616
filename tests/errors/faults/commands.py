"""A wrong command line: words that tow does not know, or that do not go together."""

from __future__ import annotations

from tests.errors.kit import ORDERS, Fault, write

_DATABASE = ("copy orders.csv duckdb:///shop.db#orders",)

FAULTS = (
    Fault(
        "command-typo", "mistyped the command", "cpoy orders.csv out.parquet", "command-unknown",
        value="cpoy", rule="no command", todo="copy",
    ),
    Fault(
        "option-typo", "mistyped an option", "copy orders.csv out.parquet --slect id", "option-unknown",
        place="tow copy", value="--slect", rule="no option", todo="--select",
    ),
    Fault(
        "argument-missing", "forgot where to", "copy orders.csv", "argument-missing",
        place="tow copy", value="DST", rule="needs", todo="tow copy --help",
    ),
    Fault(
        "argument-too-many", "let the shell expand a pattern", "copy a.csv b.csv out.parquet", "argument-unknown",
        value="out.parquet", rule="too many", todo="quotes",
    ),
    Fault(
        "option-without-value", "left an option's value out", "copy orders.csv out.parquet --select",
        "argument-missing", place="--select", rule="a value", todo="tow copy --help",
    ),
    Fault(
        "mode-unknown", "invented a mode", "copy orders.csv out.parquet --mode upsert", "option-wrong",
        place="--mode", value="upsert", rule="create, append, replace", todo="merge",
    ),
    Fault(
        "number-wrong", "wrote a word for a number", "copy orders.csv out.parquet --limit ten", "option-wrong",
        place="--limit", value="ten", rule="whole number",
    ),
    Fault(
        "number-negative", "asked for fewer than no rows", "peek orders.csv -n -1", "option-wrong",
        value="-1", rule="rows", todo="-n",
    ),
    Fault(
        "format-unknown", "mistyped a format", "copy orders.csv out.dat --to-format parqet", "adapter-unknown",
        value="parqet", rule="no format", todo="parquet",
    ),
    Fault(
        "format-untold", "wrote to a name that says no format", "copy orders.csv orders.xyz", "format-unclear",
        place="orders.xyz", rule="format", todo="--to-format",
    ),
    Fault(
        "scheme-unknown", "wrote to a system that tow does not know", "copy orders.csv duckbd:///shop.db#orders",
        "adapter-unknown", value="duckbd", rule="no", todo="duckdb",
    ),
    Fault(
        "slashes-two", "wrote two slashes for a local database", "copy orders.csv duckdb://shop.db#orders",
        "address-wrong", place="duckdb://shop.db#orders", value="shop.db", rule="host", todo="duckdb:///shop.db",
    ),
    Fault(
        "table-unnamed", "named a database and no table", "copy duckdb:///shop.db out.parquet", "table-unnamed",
        place="duckdb:///shop.db", rule="table", todo="--table", before=_DATABASE,
    ),
    Fault(
        "table-empty", "wrote # and no table behind it", "copy orders.csv duckdb:///shop.db#", "table-unnamed",
        place="duckdb:///shop.db#", rule="no table", todo="duckdb:///shop.db#TABLE",
    ),
    Fault(
        "option-like-none", "mistyped an option that is like no other", "peek orders.csv --limt 3", "option-unknown",
        value="--limt", rule="no option", todo="--help",
    ),
    Fault(
        "table-typo", "mistyped a table's name", "copy duckdb:///shop.db#order out.parquet", "table-missing",
        place="duckdb:///shop.db#order", rule="no such table", todo="orders", exit=1, before=_DATABASE,
    ),
    Fault(
        "database-typo", "mistyped a database's name", "copy duckdb:///shpo.db#orders out.parquet", "path-missing",
        place="shpo.db", rule="no such database", todo="shop.db", exit=1, before=_DATABASE,
    ),
    Fault(
        "table-of-a-file", "gave a table's name for a file", "copy orders.csv out.parquet --table orders",
        "address-wrong", place="orders.csv", value="orders", rule="not a database", todo="--table",
    ),
    Fault(
        "format-of-a-table", "gave a format for a table", "copy orders.csv duckdb:///shop.db#orders --to-format csv",
        "options-conflict", place="duckdb:///shop.db#orders", value="csv", rule="format", todo="leave",
    ),
    Fault(
        "merge-without-key", "merges without saying what identifies a row",
        "copy orders.csv duckdb:///shop.db#orders --mode merge", "key-missing",
        rule="merge needs a key", todo="--key",
    ),
    Fault(
        "merge-into-a-file", "merges into a file", "copy orders.csv out.parquet --mode merge --key id",
        "mode-impossible", place="out.parquet", rule="no keys", todo="duckdb:///",
    ),
    Fault(
        "where-and-sql", "gave a condition and a query",
        "copy orders.csv out.parquet --where 'id > 1' --sql 'select * from input'", "options-conflict",
        rule="which comes first", todo="into the sql",
    ),
    Fault(
        "size-wrong", "wrote a size that is none", "copy orders.csv out.parquet --memory much", "option-wrong",
        place="--memory", value="much", rule="size", todo="1GB",
    ),
    Fault(
        "share-wrong", "asked for more than everything", "copy orders.csv out.parquet --sample 200%", "option-wrong",
        place="--sample", value="200%", rule="share", todo="1%",
    ),
    Fault(
        "types-list-wrong", "left the type out", "copy orders.csv out.parquet --types zip", "option-wrong",
        place="--types", value="zip", rule="name=value", todo="zip=text",
    ),
    Fault(
        "types-twice", "typed a column twice", "copy orders.csv out.parquet --types zip=text,zip=int64", "option-wrong",
        place="--types", value="zip", rule="twice", todo="once",
    ),
    Fault(
        "list-with-a-hole", "left a name out of a list", "copy orders.csv out.parquet --select id,,zip", "option-wrong",
        place="id,,zip", rule="empty name", todo="comma",
    ),
    Fault(
        "adapter-option-typo", "mistyped an option of the format",
        "copy orders.csv out.parquet --from-opt delimeter=;", "option-unknown",
        place="csv", value="delimeter", rule="no option", todo="delimiter",
    ),
    Fault(
        "adapter-option-value", "gave an option's value of the wrong kind",
        "copy orders.csv out.parquet --from-opt header=perhaps", "option-wrong",
        place="header", value="perhaps", rule="takes", todo="true",
    ),
    Fault(
        "codec-unknown", "asked for a compression that Parquet has not",
        "copy orders.csv out.parquet --to-opt compression=zstandart", "option-wrong",
        value="zstandart", rule="no compression", todo="zstd",
    ),
    Fault(
        "guarantee-lacking", "required more than the destination can promise",
        "copy orders.csv out.csv --require atomic", "guarantee-lacking",
        place="out.csv", value="recoverable", rule="atomic", todo="--require", exit=1,
    ),
    Fault(
        "wildcard-as-destination", "wrote to a pattern", "copy orders.csv 'out/*.csv'", "address-wrong",
        place="out/*.csv", rule="wildcard", todo="folder",
    ),
    Fault(
        "step-option-of-a-pipeline", "gave a copy's option to a pipeline", "plan tow.yaml --mode merge",
        "option-wrong", value="--mode", rule="copy", todo="step",
        files={"tow.yaml": "pipeline: p\nsteps:\n  a: {from: orders.csv, to: a.csv}\n"},
    ),
    Fault(
        "encoding-unknown", "invented a text encoding", "copy orders.csv out.parquet --from-opt encoding=utf-9",
        "option-wrong", value="utf-9", rule="encoding", todo="utf-8",
    ),
    Fault(
        "delimiter-too-long", "wrote a delimiter of two letters",
        "copy orders.csv out.parquet --from-opt delimiter=||", "option-wrong",
        value="||", rule="one ASCII character", todo="for example",
    ),
    Fault(
        "cursor-of-a-file", "reads a file onwards by a column", "run tow.yaml", "cursor-missing",
        place="orders.csv", rule="cursor", todo="leave", exit=1, out=True,
        files={"tow.yaml": "pipeline: p\nsteps:\n  a: {from: orders.csv, to: a.csv, cursor: id}\n"},
    ),
    Fault(
        "library-missing", "wrote to a system whose library is not installed",
        "copy orders.csv out.parquet --where 'id > 1'", "library-missing",
        value="duckdb", rule="needs the package", todo="pip install", hide="duckdb",
    ),
    Fault(
        "explain-typo", "mistyped an error's code", "explain colum-unknown", "code-unknown",
        value="colum-unknown", rule="no error", todo="column-unknown",
    ),
    Fault(
        "runs-unknown", "asked for a run that is not in the history", "runs beef", "run-unknown",
        value="beef", rule="no run", todo="tow runs", before=("copy orders.csv out.csv",),
    ),
    Fault(
        "replay-nothing", "replays a folder that is not there", "replay bda", "path-missing",
        place="bda", rule="no such folder", todo="--bad-rows", exit=1,
    ),
    Fault(
        "replay-foreign", "replays a folder that holds something else", "replay bad", "bad-rows-missing",
        place="bad", rule="no bad rows", todo="--bad-rows", exit=1, prepare=write("bad/orders.csv", ORDERS),
    ),
    Fault(
        "verify-key-typo", "mistyped the key to compare by", "verify orders.csv out.parquet --key di",
        "column-unknown", place="orders.csv", value="di", rule="no column", todo="id",
        before=("copy orders.csv out.parquet",),
    ),
)  # fmt: skip
