"""tow peek: the schema and the first rows of anything that can be read."""

from __future__ import annotations

import argparse
import shutil
import sys
from typing import Any

from towpath.cli import job_options
from towpath.cli.common import command


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "peek",
        "show the columns, their types and the first rows",
        "tow peek flights.csv.gz -n 5 --from-opt null=NA",
        "tow peek 'duckdb:///shop.db#orders'",
    )
    parser.add_argument("address", metavar="ADDRESS", help="a file, a glob, a folder or a table")
    parser.add_argument("-n", dest="rows", metavar="N", type=int, default=10, help="how many rows (default: 10)")
    job_options.reading(parser.add_argument)
    parser.add_argument("--query", metavar="SQL", help="show what this query of the database gives")
    parser.add_argument("--table", metavar="T", help="show this table of the database")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from towpath import peek

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    peeked = peek.peek(job_options.input_spec(args, args.address), args.rows, job_options.types(args))
    print("\n".join(peeked.lines(width)))
    return 0
