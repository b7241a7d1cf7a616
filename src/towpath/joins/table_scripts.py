"""SQL of the user's own around a load: statements that run in the transaction that publishes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from towpath.badrows import shorten
from towpath.errors import TowError, UserError
from towpath.seams.database import Session

_WITHIN = (
    "alter", "analyze", "call", "comment", "create", "delete", "drop", "grant", "insert", "lock", "merge", "refresh",
    "replace", "revoke", "select", "truncate", "update", "values", "with",
)  # fmt: skip
"""What a statement may begin with: all that a transaction can take back. COMMIT, ATTACH, PRAGMA, SET are not."""

_ENDING = ("alter", "analyze", "comment", "create", "drop", "grant", "lock", "refresh", "revoke", "truncate")
"""Those of them that end the transaction where it cannot take back what they do."""

_PIECES = re.compile(
    r"(?P<text>(?<!\w)[eE]'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'|\"(?:\"\"|[^\"])*\"|`[^`]*`|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<end>;)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Script:
    """Statements that run in their order; `name` is their option's (`before-sql`). `ddl`: whether the transaction can
    take back changes of tables."""

    name: str
    statements: tuple[str, ...]
    shown: str
    ddl: bool = True

    def __post_init__(self) -> None:
        for number, statement in enumerate(self.statements, 1):
            self._check(statement, self._place(number))

    def lines(self) -> tuple[str, ...]:
        """The statements for the plan."""
        return tuple(f"{one.strip()}  -- {self.name} {number}" for number, one in enumerate(self.statements, 1))

    def run(self, session: Session) -> None:
        """Runs the statements. Raises the database's error with the number of the statement."""
        for number, statement in enumerate(self.statements, 1):
            try:
                session.execute(statement)
            except TowError as error:
                raise type(error)(
                    error.what,
                    where=self._place(number),
                    todo="nothing was published; correct the statement, or what it stands on",
                    code="sql-failed",
                ) from error

    def _place(self, number: int) -> str:
        return f"{self.shown} {self.name} {number}"

    def _check(self, statement: str, where: str) -> None:
        found = _parted(statement)
        if len(found) != 1:
            raise UserError(
                "it holds no statement" if not found else f"it holds {len(found)} statements",
                where=where,
                todo=f"give one statement each; --{self.name} may be given several times",
                code="sql-wrong",
            )
        word = found[0].split()[0]
        if not self.ddl and word.lower() in _ENDING:
            raise UserError(
                f"{shorten(word.upper())} would commit what the transaction did so far, and nothing could undo it",
                where=where,
                todo="use insert, update, delete or the like; run anything else outside of tow",
                code="sql-wrong",
            )
        if word.lower() not in _WITHIN:
            raise UserError(
                f"{shorten(word.upper())} does not belong in the transaction that publishes the rows",
                where=where,
                todo="use insert, update, delete, create, alter, drop or the like; run anything else outside of tow",
                code="sql-wrong",
            )


def _parted(text: str) -> Sequence[str]:
    """The statements of a text, without comments."""
    parts, at = [""], 0
    for piece in _PIECES.finditer(text):
        parts[-1] += text[at : piece.start()]
        at = piece.end()
        if piece["end"]:
            parts.append("")
        else:
            parts[-1] += piece["text"] or " "
    parts[-1] += text[at:]
    return [part.strip() for part in parts if part.strip()]
