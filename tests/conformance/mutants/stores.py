"""Stores that break a promise each. Not collected by itself: `test_mutants.py` runs it and counts what fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from towpath.adapters.store.local import Local
from towpath.conformance import StoreSuite
from towpath.seams.store import Entry, Staged


class Wrapped:
    """A staged object with one of its methods replaced."""

    def __init__(self, inner: Any, **replaced: Any) -> None:
        self._inner = inner
        self._replaced = replaced

    def __getattr__(self, name: str) -> Any:
        return self._replaced[name] if name in self._replaced else getattr(self._inner, name)


class WritesInPlace(Local):
    """The bytes go straight under the final name."""

    @contextmanager
    def stage(self, path: str, load_id: str) -> Iterator[Staged]:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            yield Wrapped(None, file=file, seal=file.close, publish=lambda create: None, token="")


class CreateOverwrites(Local):
    @contextmanager
    def stage(self, path: str, load_id: str) -> Iterator[Staged]:
        with super().stage(path, load_id) as staged:
            yield Wrapped(staged, publish=lambda create: staged.publish(create=False))


class SwapIgnoresExpected(Local):
    def swap_note(self, path: str, content: bytes | None, expected: str | None) -> str | None:
        found = self.read_note(path)
        return super().swap_note(path, content, found and found[1])


class LooksBeforeItSwaps(Local):
    """Compares, then writes: two runs at once may both win."""

    def swap_note(self, path: str, content: bytes | None, expected: str | None) -> str | None:
        found = self.read_note(path)
        if content is None or (found and found[1]) != expected:
            return super().swap_note(path, content, expected)
        time.sleep(0.02)
        Path(path).write_bytes(content)
        return (self.read_note(path) or (b"", ""))[1]


class SweepsTheLiving(Local):
    def sweep(self, path: str) -> list[str]:
        found = list(Path(path).parent.glob(".*.tow-tmp"))
        for entry in found:
            entry.unlink()
        return [entry.name for entry in found]


class LeavesWhatItDiscards(Local):
    @contextmanager
    def stage(self, path: str, load_id: str) -> Iterator[Staged]:
        staging = super().stage(path, load_id)
        staged = staging.__enter__()
        yield staged
        Path(f"{path}.half").touch()
        Path(path).unlink(missing_ok=True)
        Path(path).write_bytes(b"half")


class ListsHiddenNames(Local):
    def entries(self, pattern: str) -> list[Entry]:
        if "*" not in pattern:
            return super().entries(pattern)
        root, _, rest = pattern.partition("*")
        found = [path for path in sorted(Path(root).glob(f"*{rest}")) if path.is_file()]
        return [Entry(str(path), path.stat().st_size, str(path.stat().st_mtime_ns)) for path in found]


class SameVersionForever(Local):
    def entries(self, pattern: str) -> list[Entry]:
        return [Entry(entry.path, entry.size, str(entry.size)) for entry in super().entries(pattern)]


class TestUnbroken(StoreSuite):
    adapter = Local


class TestWritesInPlace(StoreSuite):
    adapter = WritesInPlace


class TestCreateOverwrites(StoreSuite):
    adapter = CreateOverwrites


class TestSwapIgnoresExpected(StoreSuite):
    adapter = SwapIgnoresExpected


class TestLooksBeforeItSwaps(StoreSuite):
    adapter = LooksBeforeItSwaps


class TestSweepsTheLiving(StoreSuite):
    adapter = SweepsTheLiving


class TestLeavesWhatItDiscards(StoreSuite):
    adapter = LeavesWhatItDiscards


class TestListsHiddenNames(StoreSuite):
    adapter = ListsHiddenNames


class TestSameVersionForever(StoreSuite):
    adapter = SameVersionForever
