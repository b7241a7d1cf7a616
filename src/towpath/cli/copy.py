"""tow copy: one move, described by options."""

from __future__ import annotations

import argparse
from typing import Any

from towpath.cli import job_options
from towpath.cli.common import beside, command, json_option, show_receipt


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "copy",
        "copy data from one place to another",
        "tow copy flights.csv.gz flights.parquet",
        "tow copy 'in/**/*.csv' 'duckdb:///shop.db#orders' --mode merge --key id",
        "tow copy 'duckdb:///shop.db#orders' orders.jsonl.zst --select id,amount --where 'amount > 100'",
    )
    parser.add_argument("source", metavar="SRC", help="a file, a glob, a folder, a table, or - for standard input")
    parser.add_argument("destination", metavar="DST", help="a file, a folder/, a table, or - for standard output")
    job_options.add(parser)
    json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from towpath import move
    from towpath.cli import logs

    with logs.watching(args) as watch:
        receipt = move.run(job_options.spec(args, args.source, args.destination), progress=watch())
    show_receipt(receipt, beside(args.destination), args)
    return 0
