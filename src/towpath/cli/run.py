"""tow run: the steps of a tow.yaml."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from towpath.cli.common import command, json_option, show

if TYPE_CHECKING:
    from towpath.receipt import Receipt


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "run",
        "run a pipeline, or some of its steps",
        "tow run tow.yaml",
        "tow run tow.yaml flights weather --bad-rows bad/",
    )
    parser.add_argument("pipeline", metavar="TOW.YAML", help="the pipeline; its relative paths start from its folder")
    parser.add_argument(
        "steps", metavar="STEP", nargs="*", help="only these steps (default: all), not those before them"
    )
    parser.add_argument("--full-refresh", action="store_true", help="read everything again and replace what exists")
    parser.add_argument("--accept-plan", action="store_true", help="go on from a checkpoint made for another plan")
    parser.add_argument("--bad-rows", metavar="DIR", help="keep bad rows there, for the steps that name no folder")
    json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from towpath.pipeline.run import run_pipeline, total

    receipts = run_pipeline(
        Path(args.pipeline),
        args.steps,
        full_refresh=args.full_refresh,
        accept_plan=args.accept_plan,
        bad_rows=args.bad_rows,
        ended=lambda receipt: show(receipt, _place(receipt, args.json), as_json=args.json),
    )
    if not args.json:
        print(total(receipts))
    return 1 if any(receipt.status == "stopped" for receipt in receipts) else 0


def _place(receipt: Receipt, as_json: bool) -> TextIO:
    """What stopped is an error and goes where errors go; a program reads all receipts in one place."""
    return sys.stderr if receipt.status == "stopped" and not as_json else sys.stdout
