"""Stores on this machine's disk that behave as remote or failing ones do, for the tests of the file joins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from towpath.adapters.store.local import Local
from towpath.errors import Refused, Transient
from towpath.seams.store import Staged

LOST = Transient("no answer", where="the store")


class Elsewhere(Local):
    """A store that others write to as well, of whose runs only those in `over` are known to have ended."""

    def __init__(self) -> None:
        super().__init__()
        self.over: set[str] = set()
        self.asked: list[tuple[str, str, float]] = []
        self.fenced: list[str] = []

    def abandoned(self, path: str, load_id: str, since: float) -> bool:
        self.asked.append((path, load_id, since))
        return load_id in self.over

    def fence(self, path: str) -> None:
        self.fenced.append(path)
        note = Path(path)
        if note.exists():
            note.write_bytes(note.read_bytes() + b"\n")


class Late(Elsewhere):
    """A store whose requests to publish find no answer; the last of them may `arrive` later."""

    @contextmanager
    def stage(self, path: str, load_id: str) -> Iterator[Staged]:
        with super().stage(path, load_id) as staged:

            def lost(*, create: bool) -> None:
                self.path, self.kept = Path(path), Path(f"{path}.{load_id}")
                self.kept.hardlink_to(staged.path)  # type: ignore[attr-defined]
                raise LOST

            staged.publish = lost  # type: ignore[method-assign]
            yield staged

    def arrive(self) -> None:
        self.kept.replace(self.path)


class Gone(Local):
    """A store that takes `left` more changes of notes and publications, and then refuses each: a run that dies there
    leaves the same behind."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def swap_note(self, path: str, content: bytes | None, expected: str | None) -> str | None:
        self.take(path)
        return super().swap_note(path, content, expected)

    def take(self, path: str) -> None:
        if not self.left:
            raise Refused("it is gone", where=path)
        self.left -= 1

    @contextmanager
    def stage(self, path: str, load_id: str) -> Iterator[Staged]:
        with super().stage(path, load_id) as staged:
            replace_publish(staged, lambda: self.take(path))
            yield staged


def replace_publish(
    staged: Staged, before: Callable[[], None] = lambda: None, after: Callable[[], None] = lambda: None
) -> None:
    """Lets something happen before and after the object is published."""
    publish = staged.publish

    def published(*, create: bool) -> None:
        before()
        publish(create=create)
        after()

    staged.publish = published  # type: ignore[method-assign]


def raising(error: BaseException) -> Callable[[], None]:
    def raises() -> None:
        raise error

    return raises


@contextmanager
def publishing(
    store: Local, before: Callable[[], None] = lambda: None, after: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Within, whatever the store stages does these things when it is published."""
    stage = store.stage

    @contextmanager
    def staging(path: str, load_id: str) -> Iterator[Staged]:
        with stage(path, load_id) as staged:
            replace_publish(staged, before, after)
            yield staged

    store.stage = staging  # type: ignore[method-assign]
    try:
        yield
    finally:
        store.stage = stage  # type: ignore[method-assign]
