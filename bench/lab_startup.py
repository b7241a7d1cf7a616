"""How long each server of the lab takes to answer, anew and after a crash, and what memory it then holds. Its programs
are fetched before, which is not counted.

python bench/lab_startup.py [server...]        (default: all; the median of three)
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from towpath.lab import Lab
from towpath.lab.lab import obtained
from towpath.lab.recipe import Recipe
from towpath.lab.recipes import NAMES, recipes
from towpath.lab.server import OwnServer

_TIMES = 3


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def once(name: str, choices: list[Recipe]) -> tuple[OwnServer, float, float, float]:
    """The server, the seconds until it answered when it was new and after SIGKILL, and its memory in MB."""
    with Lab() as lab:
        new = seconds(lambda: lab.up(name, choices=choices))
        server = lab.servers[name]
        assert isinstance(server, OwnServer)
        server.kill()
        again = seconds(server.start)
        assert server.process is not None
        time.sleep(2)  # what is only needed for the start is given back
        memory = server.process.memory() / 1e6
        return server, new, again, memory


def main() -> None:
    print("| server | is | new, s | after a crash, s | memory, MB |\n|---|---|---|---|---|")
    for name in sys.argv[1:] or NAMES:
        for recipe in recipes(name):
            obtained(name, [recipe])
            found = [once(name, [recipe]) for _ in range(_TIMES)]
            server = found[0][0]
            new, again, memory = (statistics.median(one[at] for one in found) for at in (1, 2, 3))
            what = f"{server.program} {server.version} | {server.kind}"
            print(f"| `{name}` {what} | {new:.1f} | {again:.1f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
