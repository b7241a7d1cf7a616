"""Types and columns: names that are not there, values that do not fit."""

from __future__ import annotations

from tests.errors.kit import Fault, sqlite

FAULTS = (
    Fault(
        "type-violated", "pinned a type that a value does not have",
        "copy orders.csv out.parquet --types zip=int64,amount=int64", "type-violated",
        place="orders.csv:2", value="00501", rule="int64", todo="--bad-rows", exit=1,
    ),
    Fault(
        "type-unknown", "mistyped a type", "copy orders.csv out.parquet --types amount=decimel", "type-unknown",
        place="types: amount", value="decimel", rule="type", todo="decimal",
    ),
    Fault(
        "decimal-malformed", "gave a decimal no room", "copy orders.csv out.parquet --types 'amount=decimal(2,5)'",
        "type-unknown", value="decimal(2,5)", rule="digits", todo="decimal(",
    ),
    Fault(
        "types-column-typo", "typed a column that is not there", "copy orders.csv out.parquet --types amout=text",
        "column-unknown", place="types", value="amout", rule="no column", todo="amount",
    ),
    Fault(
        "select-column-typo", "selected a column that is not there", "copy orders.csv out.parquet --select id,amont",
        "column-unknown", place="select", value="amont", rule="no column", todo="amount",
    ),
    Fault(
        "select-twice", "selected a column twice", "copy orders.csv out.parquet --select id,zip,id", "column-doubled",
        place="select", value="id", rule="twice", todo="once",
    ),
    Fault(
        "rename-column-typo", "renamed a column that is not there", "copy orders.csv out.parquet --rename zipp=code",
        "column-unknown", place="rename", value="zipp", rule="no column", todo="zip",
    ),
    Fault(
        "rename-collision", "gave two columns one name", "copy orders.csv out.parquet --rename zip=id",
        "column-doubled", place="rename", value="id", rule="two columns", todo="another name",
    ),
    Fault(
        "cast-column-typo", "cast a column that is not there", "copy orders.csv out.parquet --cast amonut=int64",
        "column-unknown", place="cast", value="amonut", rule="no column", todo="amount",
    ),
    Fault(
        "key-column-typo", "mistyped the key", "copy orders.csv duckdb:///shop.db#orders --mode merge --key di",
        "column-unknown", place="duckdb:///shop.db#orders", value="di", rule="no column", todo="id",
    ),
    Fault(
        "rule-column-typo", "made a rule about a column that is not there",
        "copy orders.csv out.parquet --rule 'not_null: zpi'", "column-unknown",
        place="rule not_null", value="zpi", rule="no column", todo="zip",
    ),
    Fault(
        "lossy-column-typo", "allowed a column to lose that is not there",
        "copy orders.csv out.parquet --allow-lossy amuont", "column-unknown",
        place="allow", value="amuont", rule="no column", todo="amount",
    ),
    Fault(
        "partition-column-typo", "partitioned by a column that is not there",
        "copy orders.csv out/ --to-format csv --partition-by zup", "column-unknown",
        place="out/", value="zup", rule="no column", todo="zip",
    ),
    Fault(
        "date-ambiguous", "pinned a date whose order is not known",
        "copy days.csv out.parquet --types at=date", "type-violated",
        place="days.csv:2", value="01/02/2024", rule="date", todo="--date-format", exit=1,
        files={"days.csv": "id,at\n1,01/02/2024\n2,03/04/2024\n"},
    ),
    Fault(
        "date-format-lacking", "left the year out of the format of dates",
        "copy orders.csv out.parquet --date-format %d/%m", "option-wrong",
        value="%d/%m", rule="year", todo="%d/%m/%Y",
    ),
    Fault(
        "decimal-overflow", "cast to a decimal that is too narrow",
        "copy orders.csv out.parquet --cast 'amount=decimal(3,2)'", "cast-inexact",
        place="orders.csv:3", value="12345.67", rule="decimal(3,2)", todo="--bad-rows", exit=1,
        files={"orders.csv": "id,amount\n1,1.50\n2,12345.67\n"},
    ),
    Fault(
        "cast-changes", "cast numbers with a fraction to whole ones",
        "copy orders.csv out.parquet --cast amount=int64", "cast-inexact",
        place="orders.csv:2", value="1.5", rule="int64", todo="--bad-rows", exit=1,
    ),
    Fault(
        "cast-impossible", "cast a date to a truth value", "copy orders.csv out.parquet --cast at=bool",
        "type-impossible", place="at", value="date", rule="bool", todo="text", exit=1,
    ),
    Fault(
        "nan-refused", "writes not-a-number into JSON",
        "copy orders.csv out.jsonl --sql \"select id, if(id = 2, 'nan', '1')::double as v from input\"",
        "value-refused", place="row 2", value="nan", rule="cannot hold", todo="--bad-rows", exit=1,
    ),
    Fault(
        "quotes-needed", "writes a comma without quotes", "copy notes.jsonl notes.csv --to-opt quote=", "value-refused",
        place="column note", value="a, b", rule="without quotes", todo="quote", exit=1,
        files={"notes.jsonl": '{"id": 1, "note": "fine"}\n{"id": 2, "note": "a, b"}\n'},
    ),
    Fault(
        "existing-column-narrower", "appends text to a table's column of numbers",
        "copy more.csv duckdb:///shop.db#orders --mode append", "type-violated",
        place="more.csv:2", value="many", rule="int64", todo="--bad-rows", exit=1,
        files={"orders.csv": "id,count\n1,5\n", "more.csv": "id,count\n2,many\n"},
        before=("copy orders.csv duckdb:///shop.db#orders",),
    ),
    Fault(
        "sqlite-value-foreign", "reads a SQLite column whose values are not of its type",
        "copy sqlite:///old.db#orders out.parquet", "type-violated",
        place="old.db", value="many", rule="INTEGER", todo="cast", exit=1,
        prepare=sqlite("old.db", "create table orders (id integer, n integer)",
                       "insert into orders values (1, 5), (2, 'many')"),
    ),
    Fault(
        "freeze-new-column", "loads a new column into a frozen table",
        "copy more.csv duckdb:///shop.db#orders --mode append --schema freeze", "schema-frozen",
        place="duckdb:///shop.db#orders", value="colour", rule="no column", todo="--schema evolve", exit=1,
        files={"more.csv": "id,zip,amount,at,colour\n4,10002,1,2026-01-05,red\n"},
        before=("copy orders.csv duckdb:///shop.db#orders",),
    ),
    Fault(
        "boolean-words-half", "named a word for true and none for false",
        "copy orders.csv out.parquet --true ja", "option-wrong",
        value="true", rule="without words for false", todo="--false",
    ),
    Fault(
        "timezone-unknown", "mistyped a time zone", "copy orders.csv out.parquet --timezone Europe/Berlni",
        "timezone-unknown", place="time zone", value="Europe/Berlni", rule="zone", todo="Europe/Berlin",
    ),
)  # fmt: skip
