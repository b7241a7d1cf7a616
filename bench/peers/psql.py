"""PostgreSQL's own client: `\\copy`. The connection comes from the environment (PGHOST ...)."""

from typing import Any

Spec = dict[str, Any]


def _psql(*commands: str) -> list[str]:
    return ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *(part for one in commands for part in ("-c", one))]


def csv_to_postgresql(spec: Spec) -> list[str]:
    return _psql(spec["ddl"], f"\\copy {spec['table']} from '{spec['csv']}' with (format csv, header)")


def postgresql_to_nowhere(spec: Spec) -> list[str]:
    return _psql(f"\\copy {spec['from_table']} to '/dev/null' with (format binary)")


def postgresql_to_postgresql(spec: Spec) -> list[str]:
    out = f"psql -X -q -v ON_ERROR_STOP=1 -c 'copy {spec['from_table']} to stdout with (format binary)'"
    into = f"psql -X -q -v ON_ERROR_STOP=1 -c '{spec['ddl']}' -c 'copy {spec['table']} from stdin with (format binary)'"
    return ["bash", "-c", f"set -o pipefail; {out} | {into}"]


def merge_postgresql(spec: Spec) -> list[str]:
    table, keys = spec["table"], ", ".join(spec["key"])
    sets = ", ".join(f"{column} = excluded.{column}" for column in spec["columns"] if column not in spec["key"])
    come = f"\\copy come from '{spec['csv']}' with (format csv, header)"
    return _psql(
        "begin", f"create temp table come (like {table})", come,
        f"insert into {table} select * from come on conflict ({keys}) do update set {sets}", "commit",
    )  # fmt: skip


def help(spec: Spec) -> list[str]:
    return ["psql", "--help"]
