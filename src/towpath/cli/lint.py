"""tow lint: check a tow.yaml without touching any data."""

from __future__ import annotations

import argparse
from typing import Any

from towpath.cli.common import command


def add(subparsers: Any) -> None:
    parser = command(subparsers, "lint", "check a tow.yaml without touching any data")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    raise NotImplementedError
