"""What every command shares: how its parser looks, and where its results go."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from towpath.receipt import Receipt


class Shown(Protocol):
    """A result that people and programs can read."""

    def lines(self) -> list[str]: ...

    def as_json(self) -> dict[str, Any]: ...


def command(subparsers: Any, name: str, sentence: str, *examples: str) -> argparse.ArgumentParser:
    """The parser of one command; `sentence` says what it does, each example is one line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=sentence,
        description=sentence[0].upper() + sentence[1:] + ".",
        epilog="\n".join(("examples:", *(f"  {example}" for example in examples))),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    output_options(parser)
    return parser


def output_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command about what it says beside its result. Read them with `getattr`: a command within a
    command has them too, and what was not written is not there."""
    option = parser.add_argument_group("what is said on standard error").add_argument
    option(
        "-q",
        "--quiet",
        action="store_true",
        default=argparse.SUPPRESS,
        help="say nothing but errors, no receipt either",
    )
    option("-v", "--verbose", action="store_true", default=argparse.SUPPRESS, help="say more: whole receipts, and why")
    option(
        "--log", choices=("text", "json"), default=argparse.SUPPRESS,
        help="how log lines are written (default: text); json: `tow schema log` has its schema",
    )  # fmt: skip


def json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")


def is_quiet(args: argparse.Namespace) -> bool:
    """Whether only errors are wanted (--quiet, and no --json, which asks for the result)."""
    return getattr(args, "quiet", False) and not getattr(args, "json", False)


def is_verbose(args: argparse.Namespace) -> bool:
    return getattr(args, "verbose", False)


def beside(*destinations: str) -> TextIO:
    """Where words go: standard output, unless the data itself goes there."""
    return sys.stderr if "-" in destinations else sys.stdout


def say(text: str, file: TextIO) -> None:
    """Prints whole lines; progress that is on the screen makes room."""
    from towpath.cli import progress_bar

    with progress_bar.paused():
        print(text, file=file, flush=True)


def show(result: Shown, file: TextIO, *, as_json: bool) -> None:
    say(json.dumps(result.as_json(), ensure_ascii=False) if as_json else "\n".join(result.lines()), file)


def show_receipt(receipt: Receipt, file: TextIO, args: argparse.Namespace, *, short: bool = False) -> None:
    """A run's receipt as the options want it: in JSON, not at all, or as wide as the terminal; `short`: in one line
    where the run ended well and --verbose was not given."""
    from towpath.cli import logs
    from towpath.look import screen
    from towpath.receipt import ENDED_WELL

    most = screen.columns(file)
    if getattr(args, "json", False):
        show(receipt, file, as_json=True)
    elif (is_quiet(args) and receipt.status in ENDED_WELL) or (file is sys.stderr and logs.receipt(args, receipt)):
        return
    elif short and not is_verbose(args) and receipt.status in ("done", "unchanged"):
        say(receipt.line(most), file)
    else:
        say("\n".join(receipt.lines(most)), file)


def is_pipeline(text: str) -> bool:
    """Whether a first argument is a tow.yaml rather than data."""
    return text.lower().endswith((".yaml", ".yml"))
