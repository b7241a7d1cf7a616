"""tow adapters: the catalogue."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from typing import Any

from towpath.cli.common import command

SEAMS = ("database", "engine", "format", "store")


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "adapters",
        "list the adapters: what can be read and written, and by which library",
        "tow adapters",
        "tow adapters format",
    )
    parser.add_argument("seam", metavar="SEAM", nargs="?", choices=SEAMS, help=f"only one of: {', '.join(SEAMS)}")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from towpath import registry

    table = [("SEAM", "NAME", "LIBRARY", "INSTALLED", "CODE", "WHAT IT IS")]
    for row in registry.rows(args.seam):
        code = row.target.partition(":")[0].replace(".", "/") + ".py"
        installed = "yes" if row.library is None or find_spec(row.library) is not None else "no"
        table.append((row.seam, row.name, row.library or "core", installed, code, row.line))
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return 0
