"""tow secrets: keep secrets in the keyring, or in an encrypted file."""

from __future__ import annotations

import argparse
from typing import Any

from towpath.cli.common import command


def add(subparsers: Any) -> None:
    parser = command(subparsers, "secrets", "keep secrets in the keyring, or in an encrypted file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    raise NotImplementedError
