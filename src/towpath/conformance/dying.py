"""A process that dies in the middle of its work, for promises about what a dead run leaves."""

from __future__ import annotations

import gc
import os
import sys
import sysconfig
from collections.abc import Callable
from types import FrameType
from typing import Any

_LIBRARIES = ("<", *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")))
_DONE, _FAILED, _DIED = 0, 1, 77

Work = Callable[[Callable[[], None]], object]
"""Work that is given a function to call when the lines shall be counted from then on."""


def die_after(work: Callable[[], object]) -> None:
    """Does `work` in a child process that then dies at once, without any clean-up."""

    def dying() -> None:
        # Held until the end, so that no object is finalised before the process is gone.
        result = work()
        os._exit(_DIED)
        del result

    assert _in_child(dying) == _DIED, "the child failed before it was to die"


def die_at_line(line: int, work: Work) -> None:
    """Does `work` in a child process that dies before the counted line `line` (from 0), or when it is done."""

    def counted() -> None:
        work(lambda: sys.settrace(_Lines(last=line).call))

    assert _in_child(counted) != _FAILED, "the child failed before it was to die"


def count_lines(work: Work) -> int:
    """Does `work` in a child process; returns how many lines outside of libraries it ran while they were counted."""
    reading, writing = os.pipe()

    def counted() -> None:
        lines = _Lines(last=None)
        work(lambda: sys.settrace(lines.call))
        sys.settrace(None)
        os.write(writing, str(lines.count).encode())

    code = _in_child(counted)
    os.close(writing)
    with os.fdopen(reading) as result:
        assert code == _DONE, "the child failed"
        return int(result.read())


def _in_child(work: Callable[[], None]) -> int:
    """The exit code of a forked child that does `work`."""
    child = os.fork()
    if child == 0:
        # Garbage of the parent is left alone: a library's threads are not in this process, and ending its objects waits
        # for them.
        gc.freeze()
        try:
            work()
            os._exit(_DONE)
        except BaseException as error:
            os.write(2, f"in the child: {error!r}\n".encode())
            os._exit(_FAILED)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class _Lines:
    """Counts lines by `sys.settrace`; ends the process before the line number `last`."""

    def __init__(self, last: int | None) -> None:
        self.last = last
        self.count = 0

    def call(self, frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        return self.line if "towpath" in name or not name.startswith(_LIBRARIES) else None

    def line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            if self.count == self.last:
                os._exit(_DIED)
            self.count += 1
        return self.line
