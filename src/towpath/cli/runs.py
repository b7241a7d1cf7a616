"""tow runs: the run history."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from towpath.cli.common import command, json_option, say, show
from towpath.errors import UserError

if TYPE_CHECKING:
    from towpath.receipt import Receipt

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SHORT_ID = 8


def add(subparsers: Any) -> None:
    parser = command(
        subparsers,
        "runs",
        "list the latest runs, or show the receipt of one",
        "tow runs --failed --since 7d",
        "tow runs --step shop/orders --chart",
        "tow runs 3f2a --json",
    )
    parser.add_argument("id", metavar="ID", nargs="?", help="a run's id, or how it begins")
    parser.add_argument("-n", dest="count", metavar="N", type=int, default=20, help="how many (default: 20)")
    parser.add_argument("--step", metavar="STEP", help="only runs of this step (pipeline/step, or the step alone)")
    parser.add_argument("--failed", action="store_true", help="only runs that stopped or failed")
    parser.add_argument(
        "--since", metavar="WHEN", help="only runs from then on: 2026-01-31, 2026-01-31T12:00, 3h or 7d"
    )
    parser.add_argument("--chart", action="store_true", help="draw the rows of each run, step by step")
    json_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from towpath import history

    if args.id is not None:
        from towpath.look import screen

        receipt = history.find(args.id)
        if args.json:
            show(receipt, sys.stdout, as_json=True)
        else:
            say("\n".join(receipt.lines(screen.columns(sys.stdout))), sys.stdout)
        return 0
    since = None if args.since is None else _moment(args.since)
    receipts = history.latest(args.count, step=args.step, failed=args.failed, since=since)
    if args.json:
        for receipt in receipts:
            show(receipt, sys.stdout, as_json=True)
        return 0
    lines = _chart(receipts) if args.chart else _list(receipts)
    say("\n".join(lines) or "no runs", sys.stdout)
    return 0


def _list(receipts: list[Receipt]) -> list[str]:
    """The newest first, as wide as the terminal; what is no terminal gets whole ids and addresses."""
    from towpath.look import screen

    if not receipts:
        return []
    most = screen.columns(sys.stdout)
    rows = [("RUN", "STARTED", "STATUS", "ROWS", "SECONDS", "STEP OR WAY")]
    for one in receipts:
        run_id = one.run if most is None else one.run[:_SHORT_ID]
        rows.append((run_id, _local(one), one.status, f"{one.rows:,}", f"{one.seconds:.2f}", ""))
    room = None if most is None else most - max(map(screen.width, screen.table(rows, right=(3, 4)))) + len(rows[0][-1])
    way = [one.step or f"{one.source} -> {one.destination}" for one in receipts]
    shown = way if room is None else [screen.cut_middle(text, room) for text in way]
    named = [(*row[:-1], text) for row, text in zip(rows[1:], shown, strict=True)]
    lines = screen.table([rows[0], *named], right=(3, 4))
    return lines if most is None else [screen.cut(line, most) for line in lines]


def _chart(receipts: list[Receipt]) -> list[str]:
    """For each step the rows of its runs, the oldest first."""
    from towpath.cli import charts
    from towpath.look import screen
    from towpath.receipt import count

    groups: dict[str, list[Receipt]] = {}
    for one in reversed(receipts):
        groups.setdefault(one.step or f"{one.source} -> {one.destination}", []).append(one)
    most, blocks = screen.columns_or_80(sys.stdout), charts.has_blocks(sys.stdout)
    lines: list[str] = []
    for name, runs in groups.items():
        rows = [
            (_local(one), float(one.rows), f"{_outcome(one)}{count(one.rows, 'row'):>9}  {one.seconds:7.2f} s")
            for one in runs
        ]
        lines += [*([""] if lines else []), screen.cut_middle(name, most), *charts.bars(rows, most, blocks=blocks)]
    return lines


def _outcome(receipt: Receipt) -> str:
    return "" if receipt.status == "done" else f"{receipt.status}  "


def _local(receipt: Receipt) -> str:
    return f"{datetime.fromisoformat(receipt.started).astimezone():%Y-%m-%d %H:%M}"


def _moment(text: str) -> str:
    """The moment that --since names, as receipts write it. Raises UserError."""
    number, unit = text[:-1], text[-1:]
    try:
        if unit in _UNITS and number.isdigit():
            moment = datetime.now(UTC) - timedelta(**{_UNITS[unit]: int(number)})
        else:
            moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UserError(
            f"--since: {text!r} is no moment",
            todo="write a day (2026-01-31), a moment (2026-01-31T12:00) or how long ago (30m, 3h, 7d, 2w)",
            code="option-wrong",
        ) from error
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
