"""What every command shares: how its parser looks, and where its results go."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Protocol, TextIO


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
        allow_abbrev=False,
    )
    return parser


def json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")


def beside(*destinations: str) -> TextIO:
    """Where words go: standard output, unless the data itself goes there."""
    return sys.stderr if "-" in destinations else sys.stdout


def show(result: Shown, file: TextIO, *, as_json: bool) -> None:
    text = json.dumps(result.as_json(), ensure_ascii=False) if as_json else "\n".join(result.lines())
    print(text, file=file, flush=True)


def is_pipeline(text: str) -> bool:
    """Whether a first argument is a tow.yaml rather than data."""
    return text.lower().endswith((".yaml", ".yml"))
