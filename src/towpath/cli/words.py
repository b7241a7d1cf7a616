"""Sizes, rates and durations in few letters, for progress, logs, lists and charts."""

from __future__ import annotations

_UNITS = ("", "k", "M", "G", "T", "P")


def short_count(number: float) -> str:
    """About so many: `950`, `41.2k`, `3.4M`."""
    power = 0
    while number >= 999.5 and power < len(_UNITS) - 1:
        number, power = number / 1000, power + 1
    digits = 1 if power and number < 99.95 else 0
    return f"{number:.{digits}f}{_UNITS[power]}"


def size_text(size: float) -> str:
    """Bytes in units of 1000: `512 B`, `34 MB`, `1.2 GB`."""
    power = 0
    while size >= 999.5 and power < len(_UNITS) - 1:
        size, power = size / 1000, power + 1
    return f"{size:.1f} {_UNITS[power]}B" if power and size < 9.95 else f"{size:.0f} {_UNITS[power]}B"


def duration(seconds: float) -> str:
    """`0:07`, `12:03`, `2:00:41`, or days from two on."""
    whole = int(seconds + 0.5)
    if whole >= 2 * 86_400:
        return f"{whole // 86_400} days"
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
