"""tow doctor: look at what is installed and what was left behind."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from towpath.cli.common import command, is_quiet, json_option, say


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "doctor",
        "look at what is installed and what was left behind",
        "tow doctor",
        "tow doctor out/ --clean",
    )
    parser.add_argument(
        "folders",
        metavar="FOLDER",
        nargs="*",
        help="look for leftovers of dead runs here too, and below (always: this folder and those in it, where recent "
        "runs wrote, the state folder, the folder for temporary files)",
    )
    parser.add_argument(
        "--clean",
        action="store_true",
        help="remove what dead runs left, and settle their unfinished loads as the next run would; what living runs "
        "write is never touched",
    )
    json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from pathlib import Path

    from towpath.doctor import examine
    from towpath.look import screen

    report = examine([Path(one) for one in args.folders], clean=args.clean)
    if args.json:
        say(json.dumps(report.as_json(), ensure_ascii=False), sys.stdout)
    else:
        lines = report.lines(screen.columns_or_80(sys.stdout), quiet=is_quiet(args))
        if lines:
            say("\n".join(lines), sys.stdout)
    return report.exit_code
