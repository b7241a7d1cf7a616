"""tow plan: what a copy or a pipeline would do."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from towpath.cli import job_options, pipeline_options
from towpath.cli.common import command, is_pipeline, json_option, say, show
from towpath.errors import Refused, TowError, UserError

if TYPE_CHECKING:
    from towpath.pipeline.load import Loaded

_OF_BOTH = ("since", "until", "limit", "sample")
"""Options of a copy that `tow run` has too."""


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "plan",
        "show what a copy or a pipeline would do, writing nothing",
        "tow plan flights.csv.gz flights.parquet",
        "tow plan tow.yaml flights",
        "tow plan --env prod",
    )
    parser.add_argument(
        "what",
        metavar="SRC DST | [TOW.YAML] [STEP...]",
        nargs="*",
        help="a copy, or a pipeline and steps of it (default: all steps of ./tow.yaml)",
    )
    pipeline_options.add(parser)
    job_options.add(parser)
    json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if not args.what or is_pipeline(args.what[0]) or _is_step(args.what):
        return _pipeline(args)
    if len(args.what) != 2:
        from towpath.receipt import count

        raise UserError(
            f"tow plan takes a source and a destination, not {count(len(args.what), 'word')}",
            todo="or a pipeline: tow plan [TOW.YAML] [STEP...]; several steps need the file's name before them",
            code="option-wrong",
        )
    if args.env or args.var:
        raise UserError("--env and --var belong to a pipeline", todo="tow plan tow.yaml", code="option-wrong")
    from towpath.planning import plan

    show(plan(job_options.spec(args, *args.what)), sys.stdout, as_json=args.json)
    return 0


def _is_step(words: Sequence[str]) -> bool:
    """Whether the words can only be a step of ./tow.yaml: a copy has a destination too."""
    return len(words) == 1 and os.path.exists(pipeline_options.DEFAULT)


def _pipeline(args: argparse.Namespace) -> int:
    from towpath.pipeline.order import order

    args.pipeline, steps = pipeline_options.parted(args.what)
    options = [name for name in job_options.given(args) if name not in _OF_BOTH]
    if options:
        raise UserError(
            f"--{options[0].replace('_', '-')} belongs to a copy",
            todo=f"write it into the step of {args.pipeline or pipeline_options.DEFAULT}",
            code="option-wrong",
        )
    loaded = pipeline_options.load_pipeline(args)
    return show_steps(loaded, order(loaded, steps), args)


def show_steps(loaded: Loaded, steps: Sequence[str], args: argparse.Namespace) -> int:
    """Prints the plan of each step; the exit code is that of the worst. What an earlier step has yet to write cannot be
    planned, and is no failure."""
    from towpath.pipeline.jobs import job
    from towpath.pipeline.order import needs
    from towpath.planning import plan

    part = pipeline_options.part(args)
    part.check(loaded, steps)
    wishes = {"full_refresh": getattr(args, "full_refresh", False), "accept_plan": getattr(args, "accept_plan", False)}
    before, worst = needs(loaded), 0
    for name in steps:
        shown = f"{loaded.pipeline.pipeline}/{name}"
        try:
            show(plan(part.of(job(loaded, name)), **wishes), sys.stdout, as_json=args.json)
        except TowError as error:
            why = str(error).removeprefix(f"{shown}: ")
            waits_for = sorted(before[name] & set(steps))
            if waits_for and isinstance(error, Refused):
                say(f"{shown}: can be planned once {', '.join(waits_for)} has run: {why}", sys.stderr)
            else:
                say(f"tow: {shown}: {why}", sys.stderr)
                worst = max(worst, error.exit_code)
    return worst
