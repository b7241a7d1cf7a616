"""Destinations that break a promise each. Not collected by itself: `test_mutants.py` runs it and counts what fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from towpath.conformance import DestinationSuite
from towpath.nouns import Offer, Published, State
from towpath.seams.destination import Destination, Load
from towpath.stream import Batch


class Wrapped:
    """A destination or load that passes everything on, until a subclass replaces a method."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class IgnoresTheExpectedState(Wrapped):
    """Keeps the rows, and publishes them over whatever there is by then."""

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[Load]:
        destination, kept = self.inner, []

        class Careless:
            def write(self, batch: Batch) -> None:
                kept.append(batch)

            def publish(self, expected: State | None, new: State | None) -> Published:
                now = destination.offer(offer.source, offer.mode, offer.key)
                with destination.begin(now, load_id) as load:
                    for batch in kept:
                        load.write(batch)
                    return load.publish(destination.state(new.step) if new else None, new)

        yield Careless()


class PublishesAtFirstWrite(Wrapped):
    """Each write is a load of its own."""

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[Load]:
        destination = self.inner

        class Eager(Wrapped):
            def write(self, batch: Batch) -> None:
                with destination.begin(offer, f"{load_id}x") as first:
                    first.write(batch)
                    first.publish(None, None)

        with destination.begin(offer, load_id) as load:
            yield Eager(load)


class LeavesTemporaryFiles(Wrapped):
    folder: Path

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[Load]:
        (self.folder / f".orders.{load_id}.left").touch()
        with self.inner.begin(offer, load_id) as load:
            yield load


class PublishesWhatFailed(Wrapped):
    """Leaving the load, however, publishes what it has."""

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[Load]:
        with self.inner.begin(offer, load_id) as load:
            try:
                yield load
            except KeyError:
                load.publish(self.inner.state("shop/orders"), None)
                raise


class ForgetsTheState(Wrapped):
    def state(self, step: str) -> State | None:
        return None


class CountsWhatItWasGiven(Wrapped):
    """Says that every row was inserted."""

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[Load]:
        class Boasting(Wrapped):
            def publish(self, expected: State | None, new: State | None) -> Published:
                done = self.inner.publish(expected, new)
                return replace(done, inserted=done.accepted, updated=0, unchanged=0)

        with self.inner.begin(offer, load_id) as load:
            yield Boasting(load)


class ClearsInState(Wrapped):
    """Asking for the state already clears up."""

    def state(self, step: str) -> State | None:
        self.inner.recover(step)
        return self.inner.state(step)


class DestroysBeforeItWrites(Wrapped):
    """Removes the old rows when the load begins."""

    folder: Path

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[Load]:
        with self.inner.begin(offer, load_id) as load:
            (self.folder / "orders.parquet").unlink(missing_ok=True)
            yield load


class PublishesInTwoSteps(Wrapped):
    """Takes the old rows away, then brings the new ones."""

    folder: Path

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[Load]:
        folder = self.folder

        class Stumbling(Wrapped):
            def publish(self, expected: State | None, new: State | None) -> Published:
                path = folder / "orders.parquet"
                kept = path.read_bytes() if path.exists() else None
                path.unlink(missing_ok=True)
                if kept is not None:
                    path.write_bytes(kept)
                return self.inner.publish(expected, new)

        with self.inner.begin(offer, load_id) as load:
            yield Stumbling(load)


class CommitsTheCheckpointFirst(Wrapped):
    """Commits how far was read, then the rows."""

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[Load]:
        destination = self.inner

        class Hasty(Wrapped):
            def publish(self, expected: State | None, new: State | None) -> Published:
                if new is None or destination.state(new.step) == new:
                    return self.inner.publish(expected, new)
                early = replace(new, load_id=f"{new.load_id}-early")
                destination.put_state(new.step, expected, early)
                return self.inner.publish(early, new)

        with destination.begin(offer, load_id) as load:
            yield Hasty(load)


class CommitsTheCheckpointLater(Wrapped):
    """Publishes the rows, then commits how far was read."""

    @contextmanager
    def begin(self, offer: Offer, load_id: str) -> Iterator[Load]:
        destination = self.inner

        class Late(Wrapped):
            def publish(self, expected: State | None, new: State | None) -> Published:
                done = self.inner.publish(None, None)
                if new is not None:
                    destination.put_state(new.step, expected, new)
                return done

        with destination.begin(offer, load_id) as load:
            yield Late(load)


class ParquetSuite(DestinationSuite):
    address = "{folder}/orders.parquet"
    GAPS = {"mode/merge": "never: a file has no keys"}  # noqa: RUF012


class MutantSuite(ParquetSuite):
    mutant: type[Wrapped]

    def make(self, folder: Path) -> Destination:
        made = self.mutant(super().make(folder))
        made.folder = folder
        return made  # type: ignore[return-value]


class TestUnbroken(ParquetSuite):
    pass


class TestIgnoresTheExpectedState(MutantSuite):
    mutant = IgnoresTheExpectedState


class TestPublishesAtFirstWrite(MutantSuite):
    mutant = PublishesAtFirstWrite


class TestLeavesTemporaryFiles(MutantSuite):
    mutant = LeavesTemporaryFiles


class TestPublishesWhatFailed(MutantSuite):
    mutant = PublishesWhatFailed


class TestForgetsTheState(MutantSuite):
    mutant = ForgetsTheState


class TestClearsInState(MutantSuite):
    mutant = ClearsInState


class TestDestroysBeforeItWrites(MutantSuite):
    mutant = DestroysBeforeItWrites


class TestPublishesInTwoSteps(MutantSuite):
    mutant = PublishesInTwoSteps


class TestCommitsTheCheckpointFirst(MutantSuite):
    mutant = CommitsTheCheckpointFirst


class TestCommitsTheCheckpointLater(MutantSuite):
    mutant = CommitsTheCheckpointLater


class TestCountsWhatItWasGiven(DestinationSuite):
    address = "sqlite:///{folder}/shop.db#orders"

    def make(self, folder: Path) -> Destination:
        return CountsWhatItWasGiven(super().make(folder))  # type: ignore[return-value]
