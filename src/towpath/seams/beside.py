"""What may be left to another thread while the next rows are read, and how it is ended there."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class WritesBeside(Protocol):
    """A store, or a load, that may be written to in another thread than the one that reads."""

    @property
    def writes_beside(self) -> bool:
        """Whether a write waits for nobody, or gives up when it is told to (`GivesUp`), so that who interrupts the run
        does not wait for long either."""
        ...


@runtime_checkable
class GivesUp(Protocol):
    """A staged object, or a load, whose writes in another thread may have to wait: for a server, say."""

    def give_up(self, *, abandon: bool = False) -> None:
        """Ends what another thread's write waits for, if it does; called again until that has ended. `abandon`: it is
        not waited for, and what it uses must not be touched any more."""
        ...


class GivenUp(Exception):
    """What a write ends with that was given up: nobody is told of it but the one who gave it up."""


def writes_beside(other: object) -> bool:
    """Whether a store or a load says so."""
    return isinstance(other, WritesBeside) and other.writes_beside
