"""The command `tow`: finds the command, runs it, and turns what went wrong into a line and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import textwrap
import traceback
from collections.abc import Sequence

from towpath import __version__, pandas_later
from towpath.cli import following, interrupts
from towpath.cli.parsing import Parser, commands
from towpath.errors import TowError
from towpath.secrets import redact

GROUPS = {
    "move data": ("copy", "run", "replay"),
    "look first": ("plan", "peek", "adapters"),
    "prove what happened": ("verify", "runs", "state"),
    "set up": ("init", "lint", "schema", "connections", "secrets", "lab", "doctor", "explain", "completion"),
}
"""Every command, as `tow --help` shows them: by what one does. Each is the module of its name."""
COMMANDS = tuple(name for names in GROUPS.values() for name in names)

_COMPLETE = "__complete"
"""By this word a shell asks what may stand next: `tow __complete WORD... WORD`, the last being what is typed so far."""
_DEFECT = "tow: this is a defect of Towpath or of a library it uses: please report it with the lines above"
_SHORT = """\
tow moves data between any two systems, and proves that nothing was lost.

  tow peek flights.csv.gz                        look at it
  tow copy flights.csv.gz flights.parquet        move it
  tow verify flights.csv.gz flights.parquet      prove it

tow --help lists all commands, tow help COMMAND explains one."""


class _Tow(Parser):
    """The parser of `tow` itself, whose help shows the commands in groups."""

    def format_help(self) -> str:
        told = {name: one.description for name, one in commands(self).items()}
        lines = [f"usage: {self.prog} COMMAND ...", "", str(self.description)]
        for title, names in GROUPS.items():
            lines += ["", f"{title}:", *(_entry(name, str(told[name])) for name in names)]
        lines += ["", "tow help COMMAND explains a command, tow --version says which version this is."]
        return "\n".join([*lines, str(self.epilog), ""])


def _entry(name: str, sentence: str) -> str:
    """A command in the help, within 80 columns."""
    words = f"{name:<12} {sentence[0].lower()}{sentence[1:].removesuffix('.')}"
    return textwrap.fill(words, 79, initial_indent="  ", subsequent_indent=" " * 15)


def parser(names: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The command line of these commands (default: of all); building it imports no third-party package."""
    made = _Tow(
        prog="tow",
        description="Move data between any two systems: planned beforehand, nothing lost.",
        epilog="Exit codes: 0 done, 1 the data or a system said no, 2 the command is wrong.",
    )
    made.add_argument("--version", action="version", version=f"tow {__version__}", help="show the version and exit")
    subparsers = made.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True, parser_class=Parser
    )
    for name in names:
        importlib.import_module(f"towpath.cli.{name}").add(subparsers)
    return made


def _needed(words: Sequence[str]) -> Sequence[str]:
    """The one command that the words begin with, so that the others need not be imported; else all."""
    return words[:1] if words[0] in COMMANDS else COMMANDS


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; a wrong command line raises SystemExit(2) as argparse does."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a letter that the terminal cannot show must not end a run
            stream.reconfigure(errors="backslashreplace")
    if not words:
        print(_SHORT, file=sys.stderr)
        return 2
    if words[0] == _COMPLETE:
        from towpath.cli.completion import complete

        return complete(parser(_needed(words[1:-1] or words)), words[1:])
    if words[0] == "help":
        words = [*words[1:], "--help"]
    try:
        with interrupts.heard(), redact.streams(), following.stopping(words) as stop:
            if words[0] in COMMANDS:
                from towpath.secrets import plain

                plain.note(words)
            args = parser(_needed(words)).parse_args(words)
            args.stop = stop
            from towpath.cli import logs

            with logs.on_stderr(args):
                return _run(args)
    except TowError as error:  # what is said before there are options to say it by, such as help onto a full disk
        print(f"tow: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:  # before the command began, or when it had ended
        print(f"tow: {interrupts.TOLD}", file=sys.stderr)
        return interrupts.exit_code()


def _run(args: argparse.Namespace) -> int:
    from towpath.cli import logs

    try:
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except TowError as error:
        if not logs.error(args, str(error), error.code):
            print(f"tow: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        if not logs.error(args, interrupts.TOLD, None):
            print(f"tow: {interrupts.TOLD}", file=sys.stderr)
        return interrupts.exit_code()
    except BrokenPipeError:
        # Whoever read our output had enough; the interpreter's own flush at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        if not logs.error(args, traceback.format_exc() + _DEFECT, "defect"):
            traceback.print_exc()
            print(_DEFECT, file=sys.stderr)
        return 1


def program() -> int:
    """`tow`, a process of its own."""
    pandas_later.begin()
    try:
        return main()
    finally:
        # While the interpreter takes itself apart an interrupt would be a traceback: what the command did is told.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # who has it ignored goes on so
            signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(program())
