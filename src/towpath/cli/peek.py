"""tow peek: the columns, figures and first rows of anything that can be read."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from towpath.cli import job_options
from towpath.cli.common import command, json_option, say


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "peek",
        "show the columns, their types and figures, and the first rows",
        "tow peek flights.csv.gz -n 5 --null NA",
        "tow peek 'duckdb:///shop.db#orders'",
        "tow peek flights.csv.gz --null NA --chart dep_delay --all",
    )
    parser.add_argument("address", metavar="ADDRESS", help="a file, a glob, a folder or a table")
    option = parser.add_argument_group("what is shown").add_argument
    option("-n", dest="rows", metavar="N", type=int, default=10, help="how many rows (default: 10)")
    option("--schema", action="store_true", help="only the columns and their types")
    option("--chart", metavar="COLUMN", help="only how the values of this column are spread, as a chart")
    option("--all", action="store_true", help="take the figures from all rows, not from the first 10,000")
    option("--wide", action="store_true", help="the rows as one table, however wide it is")
    json_option(parser)
    option = parser.add_argument_group("how the source is read").add_argument
    job_options.reading(option)
    option("--query", metavar="SQL", help="show what this query of the database gives")
    option("--table", metavar="T", help="show this table of the database")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from towpath.cli import charts, peek_view
    from towpath.look import peek, screen
    from towpath.pipeline import here

    seen = peek.peek(
        job_options.input_spec(args, args.address),
        0 if args.schema or args.chart else args.rows,
        job_options.types(args),
        connections=here.connections(args.address),
        all_text=bool(args.all_text),
        whole=args.all and not args.schema,
        figures=not args.schema,
        chart=args.chart,
    )
    most = screen.columns(sys.stdout)
    if args.json:
        lines = [json.dumps(seen.as_json(), ensure_ascii=False)]
    elif args.chart:
        width = screen.columns_or_80(sys.stdout)
        lines = peek_view.chart_lines(seen, args.chart, width, blocks=charts.has_blocks(sys.stdout))
    else:
        lines = peek_view.schema_lines(seen, most)
        if args.rows and not args.schema:
            lines += ["", *peek_view.row_lines(seen, None if args.wide else most)]
        lines += peek_view.bad_lines(seen)
    say("\n".join(lines), sys.stdout)
    return 0
