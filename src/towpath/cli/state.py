"""tow state: show, set or rewind how far a step has read."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from towpath.cli import pipeline_options
from towpath.cli.common import command, json_option, output_options, show
from towpath.errors import UserError

if TYPE_CHECKING:
    from towpath.job import JobSpec


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "state",
        "show, set or rewind how far a step has read",
        "tow state show",
        "tow state set orders 2026-01-31",
        "tow state rewind orders --to 2026-01-01",
        "tow state rewind tow.yaml flights --file 'in/2026-01-*.csv'",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = _action(actions, "show", "show how far each step has read, or one of them", "[TOW.YAML] [STEP]")
    one.set_defaults(run=_show)
    one = _action(actions, "set", "let the next run go on from a value of the step's cursor", "[TOW.YAML] STEP VALUE")
    one.set_defaults(run=_set)
    one = _action(actions, "rewind", "forget how far a step has read: the next run reads everything", "[TOW.YAML] STEP")
    how = one.add_mutually_exclusive_group()
    how.add_argument("--to", metavar="VALUE", help="only back to this value of the step's cursor")
    how.add_argument("--file", metavar="GLOB", help="only the files whose names match, so that they are read again")
    one.set_defaults(run=_rewind)


def _action(actions: Any, name: str, sentence: str, words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=sentence, description=sentence[0].upper() + sentence[1:] + ".", allow_abbrev=False
    )
    also = ", and the value" if words.endswith("VALUE") else ""
    parser.add_argument(
        "words",
        metavar=words,
        nargs="*",
        help=f"the pipeline (default: ./tow.yaml), one of its steps{also}",
    )
    pipeline_options.add(parser)
    output_options(parser)
    json_option(parser)
    return parser


def _show(args: argparse.Namespace) -> int:
    from towpath import stateedit
    from towpath.pipeline.jobs import job
    from towpath.pipeline.order import order

    args.pipeline, steps = pipeline_options.parted(args.words)
    loaded = pipeline_options.load_pipeline(args)
    for name in order(loaded, steps):
        show(stateedit.show(job(loaded, name)), sys.stdout, as_json=args.json)
    return 0


def _set(args: argparse.Namespace) -> int:
    from towpath import stateedit

    spec, (value,) = _step(args, "STEP VALUE")
    show(stateedit.set_cursor(spec, value), sys.stdout, as_json=args.json)
    return 0


def _rewind(args: argparse.Namespace) -> int:
    from towpath import stateedit

    spec, _ = _step(args, "STEP")
    if args.to is not None:
        moved = stateedit.set_cursor(spec, args.to, backwards_only=True)
    elif args.file is not None:
        moved = stateedit.forget_files(spec, args.file)
    else:
        moved = stateedit.forget(spec)
    show(moved, sys.stdout, as_json=args.json)
    return 0


def _step(args: argparse.Namespace, wanted: str) -> tuple[JobSpec, list[str]]:
    """The job of the step that the words name, and the words behind it."""
    from towpath.pipeline.jobs import job
    from towpath.pipeline.order import order

    args.pipeline, words = pipeline_options.parted(args.words)
    if len(words) != len(wanted.split()):
        raise UserError(
            f"this takes {wanted}, not {' '.join(words) or 'nothing'}",
            todo="tow state show lists the steps",
            code="command-wrong",
        )
    loaded = pipeline_options.load_pipeline(args)
    order(loaded, words[:1])
    return job(loaded, words[0]), words[1:]
