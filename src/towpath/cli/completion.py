"""tow completion: print the shell completion for bash, zsh or fish."""

from __future__ import annotations

import argparse
from typing import Any

from towpath.cli.common import command


def add(subparsers: Any) -> None:
    parser = command(subparsers, "completion", "print the shell completion for bash, zsh or fish")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    raise NotImplementedError
