"""tow run: the steps of a tow.yaml."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from towpath.cli import following, pipeline_options
from towpath.cli.common import command, is_quiet, json_option, say, show_receipt
from towpath.errors import UserError

if TYPE_CHECKING:
    from towpath.pipeline.load import Loaded
    from towpath.receipt import Receipt


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "run",
        "run a pipeline, or some of its steps",
        "tow run",
        "tow run tow.yaml flights weather --bad-rows bad/",
        "tow run --env prod --var day=2026-01-31",
        "tow run --failed",
    )
    parser.add_argument(
        "words",
        metavar="[TOW.YAML] [STEP...]",
        nargs="*",
        help="the pipeline (default: ./tow.yaml), whose relative paths start from its folder, and only these steps of "
        "it (default: all), not those before them",
    )
    pipeline_options.add(parser)
    option = parser.add_argument_group("which steps").add_argument
    option("--from", dest="begin", metavar="STEP", help="only this step and all that need it")
    option("--to", dest="end", metavar="STEP", help="only this step and all that it needs")
    option(
        "--failed", action="store_true", help="only the steps of the latest run that stopped, failed or were not run"
    )
    option("--parallel", metavar="N", type=int, help="how many steps run at the same time (default: the file's, or 1)")
    option("--dry-run", action="store_true", help="show the plan of each step instead, writing nothing")
    option = parser.add_argument_group("which part of the data").add_argument
    option("--full-refresh", action="store_true", help="read everything again and replace what exists")
    option("--accept-plan", action="store_true", help="go on from a checkpoint made for another plan")
    option("--since", metavar="V", help="read rows whose cursor is V or greater")
    option("--until", metavar="V", help="read rows whose cursor is less than V")
    option("--lookback", metavar="SPAN", help="read again from so far before the checkpoint on: 1h, 2d, or a number")
    option("--limit", metavar="N", type=int, help="stop each step after so many rows of its result")
    option("--sample", metavar="SHARE", help="keep this share of the rows read, such as 1%%; the same rows every time")
    option("--bad-rows", metavar="DIR", help="keep bad rows there, for the steps that name no folder")
    option(
        "--max-bad", metavar="N", help="stop a step with more bad rows than N, or N%% of those read, if it says none"
    )
    following.add(parser)
    json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    args.pipeline, args.steps = pipeline_options.parted(args.words)
    if args.parallel is not None and args.parallel < 1:
        raise UserError(f"--parallel {args.parallel}: at least one step must run", code="option-wrong")
    from towpath.pipeline.jobs import Part

    every = following.every(args)
    if args.follow and (args.failed or args.dry_run or args.full_refresh or pipeline_options.part(args) != Part()):
        raise UserError(
            "--follow goes on where each step ended, and leaves no room for --failed, --dry-run, --full-refresh or a "
            "part of the data",
            todo="run those once without it",
            code="options-conflict",
        )
    loaded = pipeline_options.load_pipeline(args)
    steps = _steps(loaded, args)
    if not steps:
        return 0
    if args.dry_run:
        from towpath.cli import plan

        return plan.show_steps(loaded, steps, args)
    return _follow(loaded, steps, args, every) if args.follow else _run(loaded, steps, args)


def _follow(loaded: Loaded, steps: list[str], args: argparse.Namespace, every: float) -> int:
    """Runs the steps again and again; what a later look cannot cure ends it."""
    from towpath.cli import logs
    from towpath.pipeline.run import failed, run_pipeline, total

    begun = time.perf_counter()
    moved: list[Receipt] = []

    def ended(receipt: Receipt) -> None:
        if receipt.status != "unchanged":
            show_receipt(receipt, _place(receipt, args.json), args, short=True)
        if receipt.status == "done":
            moved.append(receipt)

    lasting: list[Receipt] = []
    with logs.watching(args) as watch:
        while not failed(lasting) and not args.stop.is_set():
            receipts = run_pipeline(
                loaded, steps, accept_plan=args.accept_plan, bad_rows=args.bad_rows, max_bad=args.max_bad,
                parallel=args.parallel, ended=ended, watch=watch, quiet=True,
            )  # fmt: skip
            lasting = [one for one in receipts if one.run and "[transient]" not in one.why]
            if not failed(lasting):
                args.stop.wait(every)
    if not args.json and not is_quiet(args):
        say(total(moved, time.perf_counter() - begun), sys.stdout)
    return 1 if failed(lasting) else 0


def _steps(loaded: Loaded, args: argparse.Namespace) -> list[str]:
    """The steps to run; with --failed those of the latest run that did not end well."""
    from towpath.pipeline.order import order
    from towpath.pipeline.run import not_done

    if not args.failed:
        return order(loaded, args.steps, begin=args.begin, end=args.end)
    if args.steps or args.begin or args.end:
        raise UserError(
            "--failed finds the steps by itself", todo="leave the steps, --from and --to out", code="option-wrong"
        )
    steps = not_done(loaded)
    told = f"runs what did not end well: {', '.join(steps)}" if steps else "nothing failed in the latest run"
    if not is_quiet(args):
        say(f"{loaded.pipeline.pipeline}: {told}", sys.stderr if args.json else sys.stdout)
    return order(loaded, steps) if steps else []


def _run(loaded: Loaded, steps: list[str], args: argparse.Namespace) -> int:
    from towpath.cli import logs
    from towpath.look import screen
    from towpath.pipeline.run import failed, run_pipeline, total
    from towpath.receipt import table

    begun = time.perf_counter()
    with logs.watching(args) as watch:
        receipts = run_pipeline(
            loaded,
            steps,
            full_refresh=args.full_refresh,
            accept_plan=args.accept_plan,
            bad_rows=args.bad_rows,
            max_bad=args.max_bad,
            part=pipeline_options.part(args),
            parallel=args.parallel,
            ended=lambda receipt: show_receipt(receipt, _place(receipt, args.json), args, short=True),
            watch=watch,
        )
    if not args.json and not is_quiet(args):
        lines = table(receipts, screen.columns_or_80(sys.stdout)) if len(receipts) > 1 else []
        say("\n".join([*lines, total(receipts, time.perf_counter() - begun)]), sys.stdout)
    return 1 if failed(receipts) else 0


def _place(receipt: Receipt, as_json: bool) -> TextIO:
    """What stopped is an error and goes where errors go; a program reads all receipts in one place."""
    return sys.stderr if receipt.status in ("stopped", "failed") and not as_json else sys.stdout
