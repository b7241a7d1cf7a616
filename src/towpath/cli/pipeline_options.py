"""The options that say which tow.yaml is meant, and in which profile: all commands about pipelines have the same."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from towpath.cli.common import is_pipeline
from towpath.errors import UserError

if TYPE_CHECKING:
    from towpath.pipeline.jobs import Part
    from towpath.pipeline.load import Loaded

DEFAULT = "tow.yaml"


def add(parser: argparse.ArgumentParser) -> None:
    """Adds `--env` and `--var`."""
    option = parser.add_argument_group("which pipeline").add_argument
    option("--env", metavar="PROFILE", help="the profile of the tow.yaml to use (default: $TOW_ENV, else none)")
    option("--var", metavar="NAME=VALUE", action="append", help="the value of a variable of the tow.yaml (repeatable)")


def parted(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """`[TOW.YAML] [STEP...]` as the file (None: ./tow.yaml) and the steps."""
    if words and is_pipeline(words[0]):
        return words[0], list(words[1:])
    return None, list(words)


def load_pipeline(args: argparse.Namespace) -> Loaded:
    """The pipeline that `args.pipeline` (None: ./tow.yaml), `--env` and `--var` name, checked whole. Raises UserError
    for a file that is not there and for every mistake in it."""
    from pathlib import Path

    from towpath.pipeline import load, shorthand

    path = Path(args.pipeline or DEFAULT)
    if args.pipeline is None and not path.exists():
        raise UserError(
            "there is no tow.yaml in this folder",
            todo="name the file, or let `tow init ADDRESS` write one",
            code="path-missing",
        )
    env = args.env or os.environ.get("TOW_ENV") or None
    return load.load(path, env=env, given=shorthand.options(args.var or (), "--var"))


def part(args: argparse.Namespace) -> Part:
    """The part of the data that --since, --until, --limit, --sample and --lookback name."""
    from towpath.pipeline import shorthand
    from towpath.pipeline.jobs import Part

    if args.limit is not None and args.limit < 0:
        raise UserError(f"--limit {args.limit}: rows cannot be fewer than none", code="option-wrong")
    sample = shorthand.share(args.sample) if args.sample else None
    return Part(args.since, args.until, args.limit, sample, getattr(args, "lookback", None))
