"""What a measurement was made on: machine, versions, date. Nothing that names the machine."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from typing import Any

from bench.environments import PINS, Peer, versions


def made(command: str, factor: float, rounds: int, warm: int, peers: list[Peer]) -> dict[str, Any]:
    used = sorted({peer.environment for peer in peers if peer.environment})
    return {
        "command": command, "sf": factor, "rounds": rounds, "warm": warm, "date": datetime.now(UTC).date().isoformat(),
        "cores": len(os.sched_getaffinity(0)), "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "cpu": _cpu(), "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(), "load": os.getloadavg()[0],
        "versions": {name: _named(name) for name in used},
    }  # fmt: skip


def _named(environment: str) -> dict[str, str]:
    """The versions of what the pins name, of Towpath those of what it rests on."""
    found = versions(environment)
    names = {pin.partition("==")[0].partition("[")[0].lower() for pin in PINS[environment]} | {
        "towpath",
        "duckdb",
        "pyarrow",
    }
    return {name: version for name, version in found.items() if name.lower() in names}


def _cpu() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
