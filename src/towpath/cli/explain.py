"""tow explain: explain an error by its code."""

from __future__ import annotations

import argparse
from typing import Any

from towpath.cli.common import command


def add(subparsers: Any) -> None:
    parser = command(subparsers, "explain", "explain an error by its code")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    raise NotImplementedError
