"""tow replay: sends bad rows on, once what was wrong is put right."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from towpath.cli import job_options
from towpath.cli.common import command, json_option, show_receipt


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "replay",
        "load the rows that were set aside, after they were corrected",
        "tow replay bad/",
        "tow replay bad/ --types zip=text --from-opt null=NA",
    )
    parser.add_argument("folder", metavar="DIR", help="the folder that --bad-rows named")
    parser.add_argument("--types", metavar="COL=TYPE,...", action="append", help="other types for these columns")
    parser.add_argument("--from-opt", metavar="K=V", action="append", help="other options of the source (repeatable)")
    json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from towpath import letterbox, replay
    from towpath.cli import logs
    from towpath.errors import UserError
    from towpath.pipeline import shorthand
    from towpath.url import shown

    if letterbox.is_address(args.folder):
        raise UserError(
            f"{shown(args.folder)} is no folder; the messages of a topic of bad rows are the records themselves",
            todo="mend what was wrong, then send them on: tow copy 'kafka://host:9092#orders.dead' DESTINATION "
            "--mode append --step mended",
            code="command-wrong",
        )
    options = shorthand.options(args.from_opt or (), "--from-opt")
    with logs.watching(args) as watch:
        receipts = replay.replay(Path(args.folder), types=job_options.types(args), options=options, progress=watch)
    for receipt in receipts:
        show_receipt(receipt, sys.stdout, args)
    return 0
