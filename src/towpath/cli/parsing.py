"""The command line's parser: argparse whose mistakes are one line that names what was probably meant."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

_OPTION = re.compile(r"--[^=]+|-[A-Za-z]")
_WORDS = (
    (re.compile(r"the following arguments are required: (.*)"), r"needs \1"),
    (re.compile(r"argument ([^:]*): expected one argument"), r"\1 needs a value"),
    (re.compile(r"argument ([^:]*): expected at least one argument"), r"\1 needs a value"),
    (re.compile(r"argument ([^:]*): invalid int value: (.*)"), r"\1 takes a whole number, not \2"),
    (re.compile(r"unrecognized arguments: (.*)"), r"there are too many words: \1"),
    (re.compile(r"argument ([^:]*): (.*)"), r"\1: \2"),
)


class Parser(argparse.ArgumentParser):
    """Mistakes end with one line on standard error and exit code 2. Options are never guessed from their beginnings."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        # Before anything else: a missing argument is often only the value of an option that does not exist.
        if args is not None and self._subparsers is None:
            self._know_options(args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        for pattern, words in _WORDS:
            found = pattern.fullmatch(message)
            if found:
                message = found.expand(words)
                break
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def _know_options(self, args: Sequence[str]) -> None:
        for word in args:
            if word == "--":
                return
            found = None if " " in word else _OPTION.match(word)  # with a blank it is a value, as argparse sees it
            if found and found[0] not in self._option_string_actions:
                self.error(f"there is no option {found[0]}{self._meant(found[0])}")

    def _meant(self, name: str) -> str:
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

    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close and quoted else f"; did you mean {close[0]}?" if close else ""
