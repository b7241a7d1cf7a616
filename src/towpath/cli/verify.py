"""tow verify: whether two places hold the same rows."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from towpath.cli import job_options
from towpath.cli.common import command, is_quiet, json_option, say


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "verify",
        "compare the content of two places; exit 1 when it differs",
        "tow verify flights.csv.gz flights.parquet --null NA",
        "tow verify orders.csv 'duckdb:///shop.db#orders' --key id",
    )
    parser.add_argument("a", metavar="A", help="what the rows should be")
    parser.add_argument("b", metavar="B", help="what they are; read with the types of A")
    parser.add_argument("--key", metavar="A,B", help="the columns that identify a row, to name the rows that differ")
    json_option(parser)
    option = parser.add_argument_group("how A is read").add_argument
    job_options.reading(option, zoned=False)
    option = parser.add_argument_group("how B is read").add_argument
    option("--to-format", metavar="F", help="the format, when the name does not say it")
    option("--to-opt", metavar="K=V", action="append", help="an option of its format or database (repeatable)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from towpath import assemble
    from towpath.job import InputSpec
    from towpath.nouns import Want
    from towpath.pipeline import here, shorthand
    from towpath.values import textform
    from towpath.verify import verify

    key = tuple(shorthand.names(args.key)) if args.key is not None else ()
    types = {name: textform.parse_type(text) for name, text in job_options.types(args).items()}
    b = InputSpec(args.b, args.to_format, shorthand.options(args.to_opt or (), "--to-opt"))
    connections = here.connections(args.a, args.b)
    verdict = verify(
        assemble.source(job_options.input_spec(args, args.a), connections),
        assemble.source(b, connections),
        key=key,
        want=Want(types=types, all_text=bool(args.all_text)),
    )
    if args.json:
        say(json.dumps(asdict(verdict), ensure_ascii=False), sys.stdout)
    elif not is_quiet(args):
        say("\n".join(verdict.lines()), sys.stdout)
    return 0 if verdict.equal else 1
