"""MariaDB's own client: `load data local`, and `select`. The connection comes from an option file in the folder."""

from pathlib import Path
from typing import Any

Spec = dict[str, Any]


def _client(spec: Spec, sql: str) -> list[str]:
    file = Path(spec["folder"], "client.cnf")
    file.touch(0o600)
    file.write_text(spec["client"])
    return ["mariadb", f"--defaults-extra-file={file}", "--local-infile=1", "--quick", "--batch", "lab", "-e", sql]


def csv_to_mariadb(spec: Spec) -> list[str]:
    load = (
        f"load data local infile '{spec['csv']}' into table {spec['table']} character set utf8mb4"
        r" fields terminated by ',' optionally enclosed by '\"' lines terminated by '\n' ignore 1 lines"
    )
    return _client(spec, f"{spec['ddl']}; {load}")


def mariadb_to_nowhere(spec: Spec) -> list[str]:
    command = _client(spec, f"select * from {spec['from_table']}")
    return ["bash", "-c", 'exec "$@" > /dev/null', "bash", *command]
