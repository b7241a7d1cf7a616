"""The command line's parser: argparse whose mistakes name what was probably meant."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

_OPTION = re.compile(r"--[^=]+|-[A-Za-z]")
_OF_COMMANDS = ("-q", "--quiet", "-v", "--verbose", "--log", "--json", "--env", "--var")
_WORDS = (
    (re.compile(r"the following arguments are required: (.*)"), r"needs \1", "argument-missing"),
    (re.compile(r"argument ([^:]*): expected one argument"), r"\1 needs a value", "argument-missing"),
    (re.compile(r"argument ([^:]*): expected at least one argument"), r"\1 needs a value", "argument-missing"),
    (re.compile(r"argument ([^:]*): invalid int value: (.*)"), r"\1 takes a whole number, not \2", "option-wrong"),
    (
        re.compile(r"unrecognized arguments: (.*)"),
        r"there are too many words: \1; a pattern, or a value with blanks, stands in quotes",
        "argument-unknown",
    ),
    (re.compile(r"(there is no option .*)"), r"\1", "option-unknown"),
    (re.compile(r"(there is no command .*)"), r"\1", "command-unknown"),
    (re.compile(r"argument ([^:]*): (.*)"), r"\1: \2", "option-wrong"),
    (re.compile(r"(.*)", re.DOTALL), r"\1", "option-wrong"),
)


class Parser(argparse.ArgumentParser):
    """Mistakes end with a message on standard error and exit code 2. Options are never guessed from beginnings."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        # Before anything else: a missing argument is often only the value of an option that does not exist.
        if args is not None:
            self._know_options(args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        told = ((pattern.fullmatch(message), words, code) for pattern, words, code in _WORDS)
        found, words, code = next(one for one in told if one[0])
        self.exit(2, f"{self.prog}: {found.expand(words) if found else message} [{code}]\n  see {self.prog} --help\n")

    def _know_options(self, args: Sequence[str]) -> None:
        for word in args:
            if word == "--" or (self._subparsers is not None and not word.startswith("-")):
                return  # what follows is no option, or belongs to a command
            found = None if " " in word else _OPTION.match(word)  # with a blank it is a value, as argparse sees it
            if found and found[0] not in self._option_string_actions:
                self.error(f"there is no option {found[0]}{self._meant(found[0])}")

    def _meant(self, name: str) -> str:
        if self._subparsers is not None and name in _OF_COMMANDS:
            return f" before the command; write it behind, such as `tow copy SRC DST {name}`"
        known = [option for option in self._option_string_actions if option.startswith("--")]
        longer = [option for option in known if option.startswith(name)] if len(name) > len("--x") else []
        return meant(name, longer or known)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(choice) for choice in action.choices]
        if isinstance(action, argparse._SubParsersAction):
            raise argparse.ArgumentError(None, f"there is no command {value!r}{meant(str(value), known, quoted=True)}")
        name = "/".join(action.option_strings) or action.metavar
        raise argparse.ArgumentError(None, f"{name} takes {', '.join(known)}, not {value!r}{meant(str(value), known)}")


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of a parser by name; {} when it has none."""
    found = parser._subparsers
    return {} if found is None else dict(found._group_actions[0].choices or {})


def meant(name: str, known: Iterable[str], *, quoted: bool = False) -> str:
    """`; did you mean --types?` for the most similar known name, or an empty string."""
    import difflib

    bare = {one.lstrip("-"): one for one in known}  # dashes that all of them have would make them alike
    close = [bare[one] for one in difflib.get_close_matches(name.lstrip("-"), list(bare), n=1, cutoff=0.5)]
    return f"; did you mean {close[0]!r}?" if close and quoted else f"; did you mean {close[0]}?" if close else ""
