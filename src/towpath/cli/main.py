"""The command `tow`: finds the command, runs it, and turns what went wrong into a line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from towpath.cli import (
    adapters,
    completion,
    connections,
    copy,
    doctor,
    explain,
    init,
    lint,
    peek,
    plan,
    replay,
    run,
    runs,
    schema,
    secrets,
    state,
    verify,
)
from towpath.errors import TowError

COMMANDS = (
    copy, plan, run, peek, verify, replay, runs, state, init, lint, schema, connections, secrets, adapters, doctor,
    explain, completion,
)  # fmt: skip
"""In the order of `tow --help`: what people do first comes first."""

_INTERRUPTED = 130
_DEFECT = "tow: this is a defect of Towpath or of a library it uses: please report it with the lines above"


class _Version(argparse.Action):
    """Looks the version up only when asked for: package metadata is slow to read."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        from importlib.metadata import version

        print(f"tow {version('towpath')}")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """The whole command line; building it imports no third-party package."""
    made = argparse.ArgumentParser(
        prog="tow",
        description="Move data between any two systems: planned beforehand, nothing lost, every run provable.",
        epilog="exit codes: 0 done, 1 the data or a system said no, 2 the command is wrong",
        allow_abbrev=False,
    )
    made.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    subparsers = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(subparsers)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; a wrong command line raises SystemExit(2) as argparse does."""
    args = parser().parse_args(arguments)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except TowError as error:
        print(f"tow: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("tow: interrupted: what was not published yet is not visible to anybody", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output had enough; the interpreter's own flush at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        traceback.print_exc()
        print(_DEFECT, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
