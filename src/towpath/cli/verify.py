"""tow verify: whether two places hold the same rows."""

from __future__ import annotations

import argparse
from typing import Any

from towpath.cli.common import command


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "verify",
        "compare the content of two places; exit 1 when it differs",
        "tow verify flights.csv.gz flights.parquet",
        "tow verify orders.csv 'duckdb:///shop.db#orders' --key id",
    )
    parser.add_argument("a", metavar="A", help="what the rows should be")
    parser.add_argument("b", metavar="B", help="what they are; read with the types of A")
    parser.add_argument("--key", metavar="A,B", help="the columns that identify a row, to name the rows that differ")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from towpath import assemble
    from towpath.job import InputSpec
    from towpath.pipeline import shorthand
    from towpath.verify import verify

    key = tuple(shorthand.names(args.key)) if args.key is not None else ()
    verdict = verify(assemble.source(InputSpec(args.a)), assemble.source(InputSpec(args.b)), key=key)
    print("\n".join(verdict.lines()))
    return 0 if verdict.equal else 1
