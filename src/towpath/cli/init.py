"""tow init: write a first tow.yaml."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from towpath.cli.common import command, is_quiet
from towpath.errors import Refused, UserError


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "init",
        "write a commented tow.yaml from a look at a source: one step, or one for each table of a database",
        "tow init orders.csv",
        "tow init duckdb:///shop.db out/ -o shop.yaml",
    )
    parser.add_argument(
        "source", metavar="ADDRESS", help="a file, a glob, a folder, a table, or a database (all of its tables)"
    )
    parser.add_argument(
        "destination",
        metavar="DST",
        nargs="?",
        help="a table, a database, a file or a folder/ (default: the DuckDB file warehouse.duckdb)",
    )
    parser.add_argument("-o", dest="file", metavar="FILE", default="tow.yaml", help="what to write (default: tow.yaml)")
    parser.add_argument("--from-format", metavar="F", help="the format, when the name does not say it: csv, csv.gz ...")
    parser.add_argument("--from-opt", metavar="K=V", action="append", help="an option of its format (repeatable)")
    parser.add_argument("--force", action="store_true", help="overwrite the file if it exists")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    file = Path(args.file)
    _refuse_existing(file, args.force)
    from towpath.job import InputSpec
    from towpath.pipeline import scaffold, shorthand

    options = shorthand.options(args.from_opt or (), "--from-opt")
    found = scaffold.look(InputSpec(args.source, args.from_format, options))
    _write(file, scaffold.text(found, args.destination, file.parent), force=args.force)
    if not is_quiet(args):
        print(f"wrote {file} with {len(found)} step{'' if len(found) == 1 else 's'}; look through it, then:")
        shown = "" if args.file == "tow.yaml" else f" {file}"
        print(f"  tow lint{shown}\n  tow plan{shown}\n  tow run{shown}")
    return 0


def _refuse_existing(file: Path, force: bool) -> None:
    if file.exists() and not force:
        raise UserError(
            "exists already", where=str(file), todo="name another with -o, or overwrite it with --force",
            code="destination-exists",
        )  # fmt: skip


def _write(file: Path, text: str, *, force: bool) -> None:
    try:
        with open(file, "w" if force else "x", encoding="utf-8") as made:
            made.write(text)
    except FileExistsError:
        _refuse_existing(file, force=False)
    except OSError as error:
        raise Refused(f"cannot be written: {error.strerror}", where=str(file), code="permission-denied") from error
