"""tow explain: an error's page, by its code."""

from __future__ import annotations

import argparse
from typing import Any

from towpath.cli.common import command


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "explain",
        "explain an error by its code: what it means, why tow stops there, what to do",
        "tow explain column-unknown",
        "tow explain",
    )
    parser.add_argument(
        "code", metavar="CODE", nargs="?", help="what stands in [brackets] in a message; default: list all"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from towpath import errors_catalogue

    lines = errors_catalogue.listed() if args.code is None else errors_catalogue.page(args.code)
    print("\n".join(lines))
    return 0
