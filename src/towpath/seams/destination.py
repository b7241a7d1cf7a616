"""Destination: the contract of everything that rows go to, and the publish protocol that its promises rest on.

The order of calls: `recover` (before anything else) - `describe` - `offer` - `begin` - `write`... - `publish`.
`plan` calls only `describe`, `offer` and `state`, none of which changes anything. `put_state` is called on its own, by
`tow state` and by a run that finds nothing new under a plan that was accepted.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

import pyarrow as pa

from towpath.nouns import Existing, Mode, Offer, Published, State
from towpath.stream import Batch


class Load(Protocol):
    """One load under way. Leaving its context without `publish` discards it: readers never saw it."""

    def write(self, batch: Batch) -> None:
        """Takes rows of `offer.schema`, invisible to readers. Raises Refused (no space, not allowed), Transient."""
        ...

    def publish(self, expected: State | None, new: State | None) -> Published:
        """Makes the load visible: the only visible act, all or nothing. Rows and `new` are committed as the offer's
        guarantee says. If the committed state of `new.step` is not `expected` any more, raises Conflict and changes
        nothing. `new` None (a copy without a name) keeps no state; the destination must then still be as the offer
        found it (a created one still absent), or Conflict. Idempotent per load id."""
        ...


@runtime_checkable
class Completes(Protocol):
    """A load that keeps rows back until it has all."""

    def complete(self) -> None:
        """Writes what is kept back, after the last `write`; `publish` does it where nobody did."""
        ...


class Destination(Protocol):
    """Anything that can be written to. `shown` is its address for messages, without secrets."""

    shown: str

    def describe(self) -> Existing | None:
        """What stands there now, or None. No side effects."""
        ...

    def state(self, step: str) -> State | None:
        """The committed state of a step. No side effects: an unfinished load is neither finished nor discarded."""
        ...

    def offer(self, schema: pa.Schema, mode: Mode, key: tuple[str, ...]) -> Offer:
        """What a load of `schema` would do. No side effects. Raises UserError when the mode does not fit (create on
        what exists: the message names the choices; merge without a key), Refused when a column can find no way."""
        ...

    def recover(self, step: str | None) -> State | None:
        """Finishes or discards what a dead run left, and clears its leftovers (never those of a living run); returns
        the committed state of `step`. Called before anything else of a run that writes."""
        ...

    def put_state(self, step: str, expected: State | None, new: State | None) -> None:
        """Moves a step's committed state by hand, or (None) forgets it; rows stay as they are. Raises Conflict when it
        is not `expected` any more, Refused where no state can be kept."""
        ...

    def begin(self, offer: Offer, load_id: str) -> AbstractContextManager[Load]:
        """Opens a load. Everything it leaves, if killed, carries `load_id` in its name."""
        ...


class ReplacesRows(Protocol):
    """A destination that can make room for rows in the act that publishes them."""

    def instead(self, offer: Offer, column: str, values: tuple[str, ...]) -> Offer:
        """The offer of a load before whose rows those disappear that have one of these values in `column`. No side
        effects. Raises Refused when the destination has no such column."""
        ...


@runtime_checkable
class JudgesRows(Protocol):
    """A destination that may refuse rows for what no type tells: such a row stops the load, also where bad rows are
    kept."""

    def judges(self) -> str:
        """What may refuse them, in a few words. No side effects."""
        ...


class HoldsSteps(Protocol):
    """A destination that can tell whose rows it holds."""

    def steps(self) -> list[str]:
        """The steps whose loads are committed here (in this table, file or folder), sorted."""
        ...
