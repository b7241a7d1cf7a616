"""tow lint: all that can be said of a tow.yaml without touching data."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from towpath.cli import pipeline_options
from towpath.cli.common import command, is_quiet, json_option

if TYPE_CHECKING:
    from towpath.pipeline.lint import Finding


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "lint",
        "find the mistakes of a tow.yaml, and what in it is seldom meant, without touching data; exit 2 for mistakes",
        "tow lint",
        "tow lint tow.yaml --env prod --strict",
    )
    parser.add_argument("pipeline", metavar="TOW.YAML", nargs="?", help="the pipeline (default: ./tow.yaml)")
    pipeline_options.add(parser)
    parser.add_argument("--strict", action="store_true", help="exit 1 when there are warnings")
    json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    findings = _findings(args)
    for one in findings:
        print(json.dumps(asdict(one), ensure_ascii=False) if args.json else str(one))
    mistakes = sum(one.level == "mistake" for one in findings)
    warnings = len(findings) - mistakes
    if not args.json and not is_quiet(args):
        print(
            f"{args.pipeline or pipeline_options.DEFAULT}: {_count(mistakes, 'mistake')}, {_count(warnings, 'warning')}"
        )
    return 2 if mistakes else 1 if warnings and args.strict else 0


def _findings(args: argparse.Namespace) -> list[Finding]:
    from towpath.pipeline.lint import Finding, lint
    from towpath.pipeline.yamltext import Mistakes

    try:
        return lint(pipeline_options.load_pipeline(args))
    except Mistakes as error:
        return [Finding("mistake", error.code, one.file, one.line, one.column, one.what) for one in error.found]


def _count(number: int, thing: str) -> str:
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"
