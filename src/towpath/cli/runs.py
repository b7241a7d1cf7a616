"""tow runs: the run history."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from towpath.cli.common import command, json_option, show

if TYPE_CHECKING:
    from towpath.receipt import Receipt


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "runs",
        "list the latest runs, or show the receipt of one",
        "tow runs -n 5",
        "tow runs 3f2a --json",
    )
    parser.add_argument("id", metavar="ID", nargs="?", help="a run's id, or how it begins")
    parser.add_argument("-n", dest="count", metavar="N", type=int, default=20, help="how many (default: 20)")
    json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from towpath import history

    if args.id is not None:
        show(history.find(args.id), sys.stdout, as_json=args.json)
        return 0
    for receipt in history.latest(args.count):
        if args.json:
            show(receipt, sys.stdout, as_json=True)
        else:
            print(_line(receipt))
    return 0


def _line(receipt: Receipt) -> str:
    started = receipt.started[:19].replace("T", " ")
    what = receipt.step or "copy"
    way = f"{receipt.source} -> {receipt.destination}"
    return f"{receipt.run}  {started}  {receipt.status:<9}  {receipt.rows:>12,} rows  {what}  {way}"
