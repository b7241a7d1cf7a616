"""Source: the contract of everything that rows come from. The mover knows this and `Destination`, nothing below."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

import pyarrow as pa

from towpath.nouns import Checkpoint, Description, Want
from towpath.stream import Batch


class Reading(Protocol):
    """One pass over a source, from an earlier checkpoint to the bound frozen when it was opened."""

    schema: pa.Schema
    """Every batch has exactly this schema."""

    settled: bool
    """False while types come from a sample; iterating may then raise `towpath.nouns.Restart`, once."""

    given: int
    """Records met so far, counted apart from the batches (by framing, metadata or count(*)): the left side of the
    read edge's equation. Final once the iteration ended."""

    def __iter__(self) -> Iterator[Batch]:
        """The batches, in the source's order. Bad rows go to `want.bad`, in order; it may raise to stop the reading.
        Raises DataError, Transient, Restart. Called once."""
        ...

    def checkpoint(self) -> Checkpoint | None:
        """How far this pass went; called after the last batch. None when the source cannot say (standard input).
        Raises SourceChanged when what was read is no longer what was described at the opening."""
        ...


class ReadsAgain(Protocol):
    """A Reading that takes up changed files anew."""

    instead: tuple[str, ...]
    """The files (as `Batch.file` names them) whose rows of earlier loads have to make way for those of this pass."""


@runtime_checkable
class TellsRows(Protocol):
    """A Reading that knows when it is opened how many rows it will give."""

    expected: int


class TellsConsumed(Protocol):
    """A Reading that knows how far it is."""

    consumed: int
    """Bytes of `Description.size` that were taken in so far."""


class Source(Protocol):
    """Anything that can be read from. `shown` is its address for messages, without secrets."""

    shown: str

    def describe(self, want: Want) -> Description:
        """Schema, size and bound. No side effects: it may read a sample, it consumes nothing.
        Raises UserError (bad address or option), Refused (not there, not allowed), DataError (unreadable)."""
        ...

    def open(self, since: Checkpoint | None, want: Want) -> AbstractContextManager[Reading]:
        """Begins one pass over what is newer than `since` (None: all). The upper bound is frozen here. Leaving the
        context closes every file and connection, also when the iteration was not finished."""
        ...


@runtime_checkable
class Settles(Protocol):
    """A Source that finds its types in a cheaper way than by a pass over its rows."""

    def settle(self, want: Want) -> pa.Schema:
        """The type of every column that holds all of its values, as `Want.schema` takes it."""
        ...


class ReadsFiles(Protocol):
    """A Source whose checkpoint names files."""

    def misfit(self, since: Checkpoint) -> str:
        """What a checkpoint was made for, when that is another set of files than this source names; else empty."""
        ...

    def has_news(self, since: Checkpoint) -> bool:
        """Whether there is a file that was not read by then, or has changed."""
        ...

    def reread(self, since: Checkpoint) -> tuple[str, ...]:
        """The files that changed since, and whose earlier rows would have to make way: see `ReadsAgain`. Raises Refused
        for a changed file whose rows nobody could tell."""
        ...
