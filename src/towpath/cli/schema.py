"""tow schema: print the JSON Schema of tow.yaml, for editors."""

from __future__ import annotations

import argparse
from typing import Any

from towpath.cli.common import command


def add(subparsers: Any) -> None:
    parser = command(subparsers, "schema", "print the JSON Schema of tow.yaml, for editors")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    raise NotImplementedError
