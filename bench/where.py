"""Where the processor time of one command goes, thread by thread.

    python -m bench.where copy lineitem.csv out.parquet

Python's threads are told by their names, those of libraries (Arrow's pool, DuckDB's) together. The wall time that none
of them uses is spent waiting: for a disk, a server, or each other.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import defaultdict

_TICKS = os.sysconf("SC_CLK_TCK")
_EVERY_SECS = 0.05


def _used() -> dict[int, float]:
    """The CPU seconds of every thread of this process, by its number."""
    found = {}
    for number in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{number}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        found[int(number)] = (int(fields[11]) + int(fields[12])) / _TICKS
    return found


class _Watcher(threading.Thread):
    """Looks again and again, for a thread's time goes with it."""

    def __init__(self) -> None:
        super().__init__(name="(this watcher)", daemon=True)
        self.seconds: dict[int, float] = {}
        self.names: dict[int, str] = {}
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(_EVERY_SECS):
            self.look()

    def look(self) -> None:
        self.seconds |= _used()
        for thread in threading.enumerate():
            self.names.setdefault(thread.native_id or 0, thread.name.rpartition("_")[0] or thread.name)


def main() -> None:
    from towpath.cli.main import main as tow

    watcher, begun = _Watcher(), time.perf_counter()
    watcher.start()
    try:
        code = tow(sys.argv[1:])
    except SystemExit as ended:
        code = int(ended.code or 0)
    watcher.over.set()
    watcher.look()
    wall, sums = time.perf_counter() - begun, defaultdict[str, float](float)
    for number, seconds in watcher.seconds.items():
        sums[watcher.names.get(number, "libraries' own")] += seconds
    print(f"\n{wall:6.2f} s in all, {os.cpu_count()} processors")
    for name, seconds in sorted(sums.items(), key=lambda one: -one[1]):
        if seconds >= 0.05:
            print(f"{seconds:6.2f} s  {name}")
    raise SystemExit(code)


if __name__ == "__main__":
    main()
