"""The machine: clock, disks, memory and terminal, held against what runs need."""

from __future__ import annotations

import os
import shutil
import sys
import time
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from towpath import history
from towpath.disk import temporary
from towpath.doctor.report import OK, PROBLEM, WARNING, Check, size
from towpath.errors import TowError
from towpath.job import DEFAULT_MEMORY

_TOPIC = "machine"
_LITTLE_DISK, _NO_DISK = 1 << 30, 50 << 20
_NARROW = 60
_OLDEST_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def checks() -> Iterator[Check]:
    yield _clock()
    yield _zones()
    yield _disk("disk of the state folder", history.path().parent)
    yield _disk("disk for temporary files", temporary.folder())
    yield _here()
    yield memory()
    yield _terminal()


def _clock() -> Check:
    """The wall clock names loads and runs: one that went back sorts them wrongly."""
    wall, steady = time.time(), time.monotonic()
    time.sleep(0.05)
    drift = abs((time.time() - wall) - (time.monotonic() - steady))
    now = datetime.now(UTC)
    todo = "set the clock (timedatectl set-ntp true)"
    if now < _OLDEST_NOW:
        return Check(_TOPIC, "clock", WARNING, f"says {now:%Y-%m-%d %H:%M} UTC, which is past", todo)
    if drift > 0.5:
        return Check(_TOPIC, "clock", WARNING, f"jumped by {drift:.1f} s while it was looked at", todo)
    try:
        latest = max((one.started for one in history.latest(1)), default="")
    except TowError:
        latest = ""
    if latest > now.isoformat(timespec="milliseconds").replace("+00:00", "Z"):
        return Check(_TOPIC, "clock", WARNING, f"went back: the latest run began at {latest}", todo)
    return Check(_TOPIC, "clock", OK, f"{now:%Y-%m-%d %H:%M:%S} UTC, steady")


def _zones() -> Check:
    try:
        zoneinfo.ZoneInfo("Europe/Berlin")
    except zoneinfo.ZoneInfoNotFoundError:
        return Check(_TOPIC, "time zones", PROBLEM, "no time zone is known", "pip install tzdata")
    where, version = _zones_version()
    return Check(_TOPIC, "time zones", OK, f"{len(zoneinfo.available_timezones())} zones, {version} ({where})")


def _zones_version() -> tuple[str, str]:
    for folder in map(Path, zoneinfo.TZPATH):
        if not folder.is_dir():
            continue
        for name in ("tzdata.zi", "+VERSION"):
            if (folder / name).is_file():
                line = (folder / name).read_text("utf-8", errors="replace").partition("\n")[0]
                return str(folder), line.removeprefix("# version").strip()
        return str(folder), "of unknown version"
    return "package tzdata", metadata.version("tzdata")


def _here() -> Check:
    try:
        return _disk("disk of this folder", Path.cwd())
    except OSError:
        return Check(_TOPIC, "this folder", WARNING, "has gone, or may not be read", "cd to another one")


def _disk(name: str, folder: Path) -> Check:
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free
    found = f"{size(free)} free ({there})"
    if free < _NO_DISK:
        return Check(_TOPIC, name, PROBLEM, found, "free some space: runs stop where a disk is full")
    if free < _LITTLE_DISK:
        return Check(_TOPIC, name, WARNING, found, "big inputs from pipes are kept there while they are read")
    return Check(_TOPIC, name, OK, found)


def memory(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> Check:
    """The memory that runs can have, by the kernel's own files, against the default of --memory."""
    amounts = _meminfo(proc / "meminfo")
    if "MemTotal" not in amounts:
        return Check(_TOPIC, "memory", OK, "how much there is, this system does not say")
    total, free = amounts["MemTotal"], amounts.get("MemAvailable", amounts["MemTotal"])
    limit = _limit(proc / "self" / "cgroup", cgroups)
    found = f"{size(total)}, {size(free)} of it free"
    if limit is not None and limit < total:
        found += f"; the control group allows {size(limit)}"
    least = min(free, limit or free)
    if least < DEFAULT_MEMORY:
        todo = f"give runs --memory {max(least // 2 >> 20, 64)}MiB"
        return Check(_TOPIC, "memory", WARNING, f"{found}; a run may use {size(DEFAULT_MEMORY)} by default", todo)
    return Check(_TOPIC, "memory", OK, f"{found}; a run plans with {size(DEFAULT_MEMORY)} by default")


def _meminfo(path: Path) -> dict[str, int]:
    try:
        lines = path.read_text("ascii").splitlines()
    except OSError:
        return {}
    fields = [line.split() for line in lines]
    return {one[0].rstrip(":"): int(one[1]) << 10 for one in fields if len(one) == 3}


def _limit(own: Path, cgroups: Path) -> int | None:
    """The least limit of this process' control group and those above it (cgroups(7), versions 2 and 1)."""
    try:
        inside = own.read_text("ascii").splitlines()[0].rpartition(":")[2].strip("/")
    except (OSError, IndexError):
        inside = ""
    folders = [cgroups / inside, *(cgroups / inside).parents] if inside else [cgroups]
    paths = [folder / "memory.max" for folder in folders if folder.is_relative_to(cgroups)]
    found = []
    for path in [*paths, cgroups / "memory" / "memory.limit_in_bytes"]:
        try:
            found.append(int(path.read_text("ascii")))
        except (OSError, ValueError):
            continue
    return min(found, default=None)


def _terminal() -> Check:
    encoding = (sys.stdout.encoding or "").lower()
    width = shutil.get_terminal_size().columns
    colour = "no colour" if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else "colour"
    if not sys.stdout.isatty():
        return Check(_TOPIC, "terminal", OK, f"none: the output is piped ({encoding})")
    found = f"{width} columns, {encoding}, {colour}"
    if encoding.replace("-", "") != "utf8":
        return Check(_TOPIC, "terminal", WARNING, found, "some letters cannot be shown: export LC_ALL=C.UTF-8")
    if width < _NARROW:
        return Check(_TOPIC, "terminal", WARNING, found, "widen it: tables are cut")
    return Check(_TOPIC, "terminal", OK, found)
