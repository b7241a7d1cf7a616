"""tow copy: one move, described by options."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from towpath.cli import following, job_options
from towpath.cli.common import beside, command, is_quiet, json_option, say, show_receipt

if TYPE_CHECKING:
    from towpath.job import JobSpec


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
    following.add(parser)
    parser.add_argument("--step", metavar="NAME", help="keep how far it has read under this name, and go on from there")
    json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from towpath import move
    from towpath.cli import logs

    every = following.every(args)
    spec = job_options.spec(args, args.source, args.destination).with_(step=args.step)
    if args.follow:
        return _follow(spec, every, args)
    with logs.watching(args) as watch:
        receipt = move.run(spec, progress=watch())
    show_receipt(receipt, beside(args.destination), args)
    return 0


def _follow(spec: JobSpec, every: float, args: argparse.Namespace) -> int:
    from towpath.cli import logs
    from towpath.follow import follow
    from towpath.follow import following as named

    file = beside(args.destination)
    with logs.watching(args) as watch:
        total = follow(
            named(spec),
            every,
            args.stop,
            ended=lambda receipt: show_receipt(receipt, file, args, short=True),
            watch=watch,
        )
    if not args.json and not is_quiet(args):
        say(total.line(), file)
    return 0
