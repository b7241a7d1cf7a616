"""tow plan: what a copy or a pipeline would do."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from towpath.cli import job_options
from towpath.cli.common import command, is_pipeline, json_option, show
from towpath.errors import Refused, TowError, UserError


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "plan",
        "show what a copy or a pipeline would do, writing nothing",
        "tow plan flights.csv.gz flights.parquet",
        "tow plan tow.yaml flights",
    )
    parser.add_argument(
        "what", metavar="SRC DST | TOW.YAML [STEP...]", nargs="+", help="a copy, or steps of a pipeline"
    )
    job_options.add(parser)
    json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if is_pipeline(args.what[0]):
        return _pipeline(args)
    if len(args.what) != 2:
        raise UserError(f"tow plan takes a source and a destination, not {len(args.what)} addresses")
    from towpath.plan import plan

    show(plan(job_options.spec(args, *args.what)), sys.stdout, as_json=args.json)
    return 0


def _pipeline(args: argparse.Namespace) -> int:
    from towpath.pipeline.load import load
    from towpath.pipeline.order import needs, order

    path, *steps = args.what
    options = job_options.given(args)
    if options:
        raise UserError(f"--{options[0].replace('_', '-')} belongs to a copy", todo=f"write it into the step of {path}")
    loaded = load(Path(path))
    before, chosen = needs(loaded), order(loaded, steps)
    codes = [_step(loaded, name, before[name] & set(chosen), args.json) for name in chosen]
    return max(codes)


def _step(loaded: Any, name: str, waits_for: set[str], as_json: bool) -> int:
    """Plans one step. What an earlier step has yet to write cannot be planned, and is no failure."""
    from towpath.pipeline.jobs import job
    from towpath.plan import plan

    try:
        show(plan(job(loaded, name)), sys.stdout, as_json=as_json)
        return 0
    except TowError as error:
        shown = f"{loaded.pipeline.pipeline}/{name}"
        if waits_for and isinstance(error, Refused):
            print(f"{shown}: can be planned once {', '.join(sorted(waits_for))} has run: {error}", file=sys.stderr)
            return 0
        print(f"tow: {shown}: {error}", file=sys.stderr)
        return error.exit_code
