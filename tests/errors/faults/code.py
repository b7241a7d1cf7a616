"""SQL and Python of the user's own."""

from __future__ import annotations

from tests.errors.kit import Fault

_PYTHON = {
    "steps.py": "def broken(rows):\n    return rows.select(['nope'])\n\n\n"
    "def nothing(rows):\n    return None\n\n\n"
    "def leaving(rows):\n    raise SystemExit(3)\n\n\n"
    "def shifting(rows):\n    return rows if rows.num_rows else rows.select(['id'])\n"
}


def _python(id: str, did: str, target: str, code: str, **owed: object) -> Fault:
    return Fault(id, did, f"copy orders.csv out.parquet --python {target}", code, files=_PYTHON, **owed)  # type: ignore[arg-type]


FAULTS = (
    _python("python-module-missing", "mistyped a module", "stpes:broken", "python-missing",
            value="stpes", rule="no module", todo="steps"),
    _python("python-function-missing", "mistyped a function", "steps:brokn", "python-missing",
            value="brokn", rule="no function", todo="broken"),
    _python("python-unnamed", "named a module and no function", "steps", "python-missing",
            value="steps", rule="module:function", todo="steps:"),
    _python("python-raises", "wrote a function that fails", "steps:broken", "python-failed",
            place="steps.py:2", value="nope", rule="KeyError", todo="correct", exit=1),
    _python("python-exits", "wrote a function that ends the process", "steps:leaving", "python-failed",
            place="steps.py:10", value="3", rule="SystemExit", todo="correct", exit=1),
    Fault("python-syntax", "mistyped Python", "copy orders.csv out.parquet --python wrong:run", "python-failed",
          place="wrong.py:1", value="wrong", rule="SyntaxError", todo="correct", files={"wrong.py": "def run(rows)\n"}),
    _python("python-returns-nothing", "forgot to return the rows", "steps:nothing", "python-result-wrong",
            place="steps:nothing", value="NoneType", rule="no frame", todo="pyarrow.Table"),
    _python("python-result-shifts", "returns other columns for no rows", "steps:shifting", "python-result-wrong",
            place="steps:shifting", value="id", rule="columns", todo="same columns", exit=1),
    Fault("sql-syntax", "mistyped SQL", "copy orders.csv out.parquet --sql 'selct * from input'", "sql-wrong",
          place="selct * from input", value="selct", rule="wrong", todo="input"),
    Fault("sql-column", "asked for a column that is not there",
          "copy orders.csv out.parquet --sql 'select amont from input'", "sql-wrong",
          place="select amont from input", value="amont", rule="not found", todo="amount"),
    Fault("sql-table", "asked for a table that is not there",
          "copy orders.csv out.parquet --sql 'select * from orders'", "sql-wrong",
          place="select * from orders", value="orders", rule="does not exist", todo="input"),
    Fault("sql-file", "asked for a file within SQL",
          "copy orders.csv out.parquet --sql \"select * from 'orders.csv'\"", "sql-wrong",
          place="select * from", value="orders.csv", rule="inputs alone", todo="from"),
    Fault("sql-no-query", "wrote a statement that gives no rows",
          "copy orders.csv out.parquet --sql 'drop table input'", "sql-wrong",
          place="drop table input", value="Table", rule="wrong", todo="input"),
    Fault("where-column", "filtered by a column that is not there",
          "copy orders.csv out.parquet --where 'amont > 1'", "sql-wrong",
          place="amont > 1", value="amont", rule="not found", todo="amount"),
    Fault("where-no-condition", "wrote a number for a condition", "copy orders.csv out.parquet --where 'id + 1'",
          "sql-wrong", place="id + 1", value="BIGINT", rule="true or false", todo=">"),
    Fault("sql-value", "divided text", "copy orders.csv out.parquet --sql 'select cast(zip as date) as d from input'",
          "sql-failed", place="select cast(zip", value="00501", rule="failed", todo="try_cast", exit=1),
    Fault("query-wrong", "mistyped a query of the database",
          "copy duckdb:///shop.db out.parquet --query 'select * from ordrs'", "sql-wrong",
          place="shop.db", value="ordrs", rule="does not exist", todo="orders",
          before=("copy orders.csv duckdb:///shop.db#orders",)),
    Fault("query-wrong-sqlite", "mistyped a query of SQLite",
          "copy sqlite:///shop.db out.parquet --query 'select * from ordrs'", "sql-wrong",
          place="shop.db", value="ordrs", rule="no such table", todo="select",
          before=("copy orders.csv sqlite:///shop.db#orders",)),
    Fault("query-of-a-file", "gave a database's query for a file",
          "copy orders.csv out.parquet --query 'select 1'", "options-conflict",
          place="orders.csv", rule="not a database", todo="--sql"),
)  # fmt: skip
