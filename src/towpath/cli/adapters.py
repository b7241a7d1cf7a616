"""tow adapters: the catalogue."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from towpath.cli.common import command, json_option

SEAMS = ("database", "engine", "format", "store")


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "adapters",
        "list the adapters: what is read and written, by which library",
        "tow adapters",
        "tow adapters format",
    )
    parser.add_argument("seam", metavar="SEAM", nargs="?", choices=SEAMS, help=f"only one of: {', '.join(SEAMS)}")
    json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from importlib.util import find_spec

    from towpath import registry
    from towpath.look import screen

    head = ("SEAM", "NAME", "LIBRARY", "INSTALLED", "CODE", "WHAT IT IS")
    rows = []
    for row in registry.rows(args.seam):
        code = row.target.partition(":")[0].replace(".", "/") + ".py"
        installed = "yes" if row.library is None or find_spec(row.library) is not None else "no"
        rows.append((row.seam, row.name, row.library or "core", installed, code, row.line))
    if args.json:
        names = [name.lower().replace(" ", "_") for name in head]
        print("\n".join(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows))
        return 0
    most = screen.columns(sys.stdout)
    if most is not None:  # the code is long, and least looked for: on a terminal it stands last
        rows = [(*row[:4], row[5], row[4]) for row in rows]
        head = (*head[:4], head[5], head[4])
    for line in screen.table([head, *rows]):
        print(line if most is None else screen.cut(line, most))
    return 0
