"""Every error that Towpath raises on purpose, told apart by what the caller can do about it.

A message says what happened, where (file:line, table, key), the value, and what to do next. The command prints it
without a traceback; anything that is not a `TowError` is a defect of ours and is shown whole.
"""

from __future__ import annotations

import os
import traceback
from itertools import takewhile
from typing import Any

from towpath.secrets.redact import clean

_VISIBLE = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}
"""Control characters, as messages show them: a terminal would obey those that a value or a name holds."""


class TowError(Exception):
    """What went wrong, where, and what to do next. Exit code 1: the data or a system said no.

    `code` names the kind of fault (`column-unknown`) and stands in brackets behind what happened; `tow explain CODE`
    shows its page (`towpath.errors_catalogue`)."""

    exit_code = 1
    code = "error"

    def __init__(self, what: str, *, where: str = "", todo: str = "", code: str = "") -> None:
        # A library's words may hold what it was given, a password for instance.
        self.what, self.where, self.todo = clean(what), clean(where), clean(todo)
        super().__init__(self.what, self.where, self.todo)
        self.code = code or type(self).code

    def _render_traceback_(self) -> list[str]:
        """What IPython and notebooks show: the line that called, and nothing of what happened within Towpath."""
        own = os.path.dirname(__file__)
        calls = [*takewhile(lambda one: not one.filename.startswith(own), traceback.extract_tb(self.__traceback__))]
        place = [line.rstrip() for line in traceback.format_list(calls[-1:])]
        return [*place, f"{type(self).__name__}: {self}"]

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is made anew of its arguments by default, and these go by name; worker processes send them.
        return _again, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f"\n  {self.todo}" if self.todo else ""
        return f"{place}{self.what} [{self.code}]{hint}".translate(_VISIBLE)


def _again(kind: type[TowError], args: tuple[Any, ...], held: dict[str, Any]) -> TowError:
    made = kind.__new__(kind, *args)
    made.__dict__.update(held)
    return made


class UserError(TowError):
    """The command, address, option or YAML is wrong. Exit code 2."""

    exit_code = 2
    code = "command-wrong"


class MissingLibrary(UserError):
    """An adapter's library is not installed; `todo` holds the command that installs it."""

    code = "library-missing"


class DataError(TowError):
    """A value or row of the source cannot be read, converted or validated; `where` names its place."""

    code = "data-bad"


class Refused(TowError):
    """A source or destination said no: it exists already, is locked, lacks space, offers a lesser guarantee."""

    code = "refused"


class Conflict(Refused):
    """The destination's state is not the one that this run started from: another run published first."""

    code = "conflict"


class SourceChanged(Refused):
    """The source changed while it was read; nothing was published."""

    code = "source-changed"


class TypeUnfit(SourceChanged):
    """A value is none of the type by which it was to be read. `because` says which."""

    def __init__(self, because: str, *, where: str, todo: str) -> None:
        super().__init__(
            f"a query gave other values than when it was run to find their types ({because})", where=where, todo=todo
        )
        self.because = because


class StepsStopped(TowError):
    """Some steps of a pipeline stopped; `receipts` holds those of all its steps."""

    code = "steps-stopped"

    def __init__(self, receipts: Any) -> None:
        self.receipts = receipts
        stopped = [one for one in receipts if one.status in ("stopped", "failed") and not one.ignored]
        reasons = "\n".join(f"  {one.step}: {one.reason().partition(chr(10))[0]}" for one in stopped)
        super().__init__(f"{len(stopped)} of {len(receipts)} steps stopped:\n{reasons}")


class BooksDoNotBalance(TowError):
    """Rows given are not rows accepted plus rows set aside. Nothing was published. A defect, ours or a library's."""

    code = "books-unbalanced"


class Transient(TowError):
    """A fault that the same call may survive later (connection lost, throttled). Only these are retried."""

    code = "transient"
