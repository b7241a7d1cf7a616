"""Destinations that say no."""

from __future__ import annotations

from tests.errors.kit import Fault, folder, mode, sqlite, write

_BIG = "id,name\n" + "".join(
    f"{number},{number * 2654435761 % 2**32:x}-{number * 40503 % 65521:x}\n" for number in range(20000)
)

FAULTS = (
    Fault(
        "file-exists", "copies to a file that is there", "copy orders.csv out.parquet", "destination-exists",
        place="out.parquet", rule="exists", todo="--mode", before=("copy orders.csv out.parquet",),
    ),
    Fault(
        "table-exists", "copies to a table that is there", "copy orders.csv duckdb:///shop.db#orders",
        "destination-exists", place="duckdb:///shop.db#orders", value="3 rows", rule="exists", todo="--mode merge",
        before=("copy orders.csv duckdb:///shop.db#orders",),
    ),
    Fault(
        "duckdb-locked", "writes a DuckDB file that another program holds", "copy orders.csv duckdb:///shop.db#more",
        "database-locked", place="shop.db", value="process", rule="locked", todo="wait", exit=1,
        before=("copy orders.csv duckdb:///shop.db#orders",), hold="duckdb:shop.db",
    ),
    Fault(
        "sqlite-locked", "writes a SQLite file in another program's transaction",
        "copy orders.csv sqlite:///shop.db#more", "database-locked",
        place="shop.db", rule="locked", todo="wait", exit=1,
        before=("copy orders.csv sqlite:///shop.db#orders",), hold="sqlite:shop.db",
    ),
    Fault(
        "not-a-database", "named a CSV file as a database", "copy orders.csv duckdb:///notes.db#orders",
        "file-damaged", place="notes.db", rule="not a", todo="check", exit=1,
        files={"notes.db": "these are notes, and no database at all\n" * 400},
    ),
    Fault(
        "not-a-sqlite-database", "named a text file as a SQLite database",
        "copy sqlite:///notes.db#orders out.csv", "file-damaged", place="notes.db", rule="not a", todo="check", exit=1,
        files={"notes.db": "these are notes, and no database at all\n" * 400},
    ),
    Fault(
        "folder-read-only", "writes into a folder of somebody else", "copy orders.csv vault/out.parquet",
        "permission-denied", place="vault", rule="permission", todo="change its permissions", exit=1,
        prepare=folder("vault", 0o555), nobody=True,
    ),
    Fault(
        "database-read-only", "writes a database without the right to",
        "copy orders.csv duckdb:///shop.db#more", "permission-denied",
        place="shop.db", rule="permission", todo="permissions", exit=1, nobody=True,
        before=("copy orders.csv duckdb:///shop.db#orders",), between=mode("shop.db", 0o444),
    ),
    Fault(
        "folder-in-place-of-a-file", "writes a file where a folder is", "copy orders.csv out.csv", "path-kind-wrong",
        place="out.csv", rule="folder", todo="another name", exit=1, prepare=folder("out.csv"),
    ),
    Fault(
        "file-in-place-of-a-folder", "writes a folder where a file is", "copy orders.csv out/ --to-format csv",
        "path-kind-wrong", place="out/", rule="file, not a folder", todo="another name", exit=1,
        prepare=write("out", "a file\n"),
    ),
    Fault(
        "disk-full", "writes more than the disk has left", "copy big.csv out/all.csv", "disk-full",
        place="out/all.csv", rule="no space", todo="free", exit=1, files={"big.csv": _BIG}, full=True,
    ),
    Fault(
        "disk-full-database", "loads a database more than the disk has left",
        "copy big.csv sqlite:///out/all.db#orders", "disk-full",
        place="out/all.db", rule="full", todo="free", exit=1, files={"big.csv": _BIG}, full=True,
    ),
    Fault(
        "disk-full-output", "sends rows to a full device", "copy orders.csv - --to-format csv", "disk-full",
        place="-", rule="no space", todo="free", exit=1, stdout="/dev/full",
    ),
    Fault(
        "file-too-large", "writes a file beyond the system's limit", "copy big.csv out.csv", "disk-full",
        place="out.csv", rule="large", todo="ulimit", exit=1, files={"big.csv": _BIG}, largest=50_000,
    ),
    Fault(
        "file-too-large-duckdb", "loads a DuckDB file beyond the system's limit",
        "copy big.csv duckdb:///all.db#orders", "disk-full",
        place="all.db", rule="larger than the system allows", todo="ulimit", exit=1, files={"big.csv": _BIG},
        largest=50_000,
    ),
    Fault(
        "foreign-files", "replaces a folder with files of somebody else",
        "copy orders.csv out/ --to-format csv --mode replace", "folder-foreign",
        place="out/", value="notes.txt", rule="did not write", todo="empty folder", exit=1,
        prepare=write("out/notes.txt", "mine\n"),
    ),
    Fault(
        "folder-other-format", "appends another format to a folder",
        "copy orders.csv out/ --to-format csv --mode append", "format-differs",
        place="out/", value="parquet", rule="csv", todo="--to-format parquet", exit=1,
        before=("copy orders.csv out/ --to-format parquet",),
    ),
    Fault(
        "file-other-columns", "appends rows with other columns to a file", "copy more.csv out.csv --mode append",
        "columns-differ", place="out.csv", value="colour", rule="columns", todo="--mode replace", exit=1,
        files={"more.csv": "id,colour\n4,red\n"}, before=("copy orders.csv out.csv",),
    ),
    Fault(
        "required-column-missing", "leaves a column out that the table needs",
        "copy more.csv sqlite:///shop.db#orders --mode append", "column-required",
        place="sqlite:///shop.db#orders", value="customer", rule="not null", todo="default", exit=1,
        files={"more.csv": "id\n1\n"},
        prepare=sqlite("shop.db", "create table orders (id integer, customer text not null)"),
    ),
    Fault(
        "constraint-violated", "loads a row that the table's own rule forbids",
        "copy more.csv sqlite:///shop.db#orders --mode append", "constraint-violated",
        place="shop.db", value="n", rule="CHECK", todo="nothing was published", exit=1,
        files={"more.csv": "id,n\n1,-5\n"},
        prepare=sqlite("shop.db", "create table orders (id integer, n integer check (n > 0))"),
    ),
    Fault(
        "primary-key-violated", "appends a row that is there already",
        "copy more.csv sqlite:///shop.db#orders --mode append", "constraint-violated",
        place="shop.db", value="orders.id", rule="UNIQUE", todo="nothing was published", exit=1,
        files={"more.csv": "id,n\n1,5\n"},
        prepare=sqlite("shop.db", "create table orders (id integer primary key, n integer)",
                       "insert into orders values (1, 4)"),
    ),
    Fault(
        "output-as-a-step", "let a step write to standard output", "run tow.yaml", "mode-impossible",
        place="p/a", rule="standard output", todo="file or a table", exit=1, out=True,
        files={"tow.yaml": "pipeline: p\nsteps:\n  a: {from: orders.csv, to: {address: '-', format: csv}}\n"},
    ),
    Fault(
        "state-table-as-destination", "loads into the table where tow keeps its state",
        "copy orders.csv duckdb:///shop.db#_towpath_state", "name-impossible",
        place="duckdb:///shop.db#_towpath_state", rule="state", todo="another name",
    ),
    Fault(
        "case-twins", "loads two columns that SQL takes for one", "copy twins.csv duckdb:///shop.db#twins",
        "column-doubled", place="duckdb:///shop.db#twins", value="'Id'", rule="one name", todo="--rename", exit=1,
        files={"twins.csv": "id,Id\n1,2\n"},
    ),
    Fault(
        "csv-append-utf16", "appends to a file in UTF-16",
        "copy orders.csv out.csv --to-opt encoding=utf-16 --mode append",
        "mode-impossible", place="out.csv", value="utf-16", rule="appended", todo="--mode replace", exit=1,
        before=("copy orders.csv out.csv --to-opt encoding=utf-16",),
    ),
    Fault(
        "before-sql-wrong", "mistyped the statement to run first",
        "copy orders.csv duckdb:///shop.db#orders --before-sql 'drop tabel x'", "sql-failed",
        place="before-sql 1", value="tabel", rule="syntax", todo="nothing was published",
    ),
    Fault(
        "parquet-level-wrong", "asked for a level that the codec has not",
        "copy orders.csv out.parquet --to-opt compression=zstd --to-opt compression_level=99", "option-wrong",
        value="99", rule="zstd", todo="22",
    ),
    Fault(
        "partition-everything", "partitioned by every column",
        "copy ids.csv out/ --to-format csv --partition-by id", "partition-wrong",
        place="out/", rule="every column", todo="fewer", files={"ids.csv": "id\n1\n"},
    ),
)  # fmt: skip
