"""Hostile dates, times, timestamps, durations and intervals; all from whole numbers of their unit."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa

from towpath.conformance.hostile import Hostile

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_YEAR_1, _YEAR_9999 = -62_135_596_800, 253_402_300_799  # 0001-01-01T00:00:00, 9999-12-31T23:59:59
_DAY = 86_400


def columns() -> list[Hostile]:
    return [*_dates(), *_times(), *_timestamps(), *_zones(), *_far(), *_durations()]


def _counted(type: pa.DataType, counts: list[int | None]) -> pa.Array:
    """Values by their whole number of units, which Arrow keeps as int32 or int64."""
    return pa.array(counts, pa.int32() if type.bit_width == 32 else pa.int64()).view(type)


def _dates() -> list[Hostile]:
    days = [0, -1, 11016, 19782, _YEAR_1 // _DAY, _YEAR_9999 // _DAY, -141428, None]
    milliseconds = [None if day is None else day * _DAY * 1000 for day in days]
    return [
        Hostile("date32", _counted(pa.date32(), days), "year 1, year 9999, before 1970, leap days, 1582"),
        Hostile("date64", _counted(pa.date64(), milliseconds), "dates in milliseconds"),
        Hostile(
            "date_far", _counted(pa.date32(), [2932897, -719163, -(2**31) + 1, 2**31 - 1, None]), "beyond 1 to 9999"
        ),
    ]


def _times() -> list[Hostile]:
    found = []
    for unit, per in _PER_SECOND.items():
        type = pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
        last = _DAY * per - 1
        counts = [0, 1, last, 12 * 3600 * per, 45_296 * per + per // 10 if per > 1 else 45_296, None]
        found.append(Hostile(f"time_{unit}", _counted(type, counts), f"the last {unit} of the day"))
        found.append(
            Hostile(f"time_24_{unit}", _counted(type, [_DAY * per, 0, None]), "24:00:00, which is not 00:00:00")
        )
    return found


def _timestamps() -> list[Hostile]:
    found = []
    for unit, per in _PER_SECOND.items():
        for zone in (None, "UTC"):
            type = pa.timestamp(unit, zone)
            if unit == "ns":
                counts = [0, -1, 1, 2**63 - 1, -(2**63) + 1, 951_782_400 * per, 951_782_399 * per + 1, None]
            else:
                counts = [
                    0,
                    -1,
                    1,
                    _YEAR_1 * per,
                    _YEAR_9999 * per + per - 1,
                    951_782_400 * per,
                    -2_208_988_801 * per,
                    None,
                ]
            name = f"{'instant' if zone else 'local'}_{unit}"
            found.append(
                Hostile(name, _counted(type, counts), f"years 1 and 9999 (or the limits), a {unit} before 1970")
            )
    gap = datetime(2024, 3, 31, 2, 30, tzinfo=UTC), datetime(2024, 10, 27, 2, 30, tzinfo=UTC)
    counts = [int(moment.timestamp()) * 10**6 for moment in gap]
    found.append(
        Hostile("local_gap", _counted(pa.timestamp("us"), counts), "local times that Paris has never or twice")
    )
    found.append(
        Hostile("local_midnight", _counted(pa.timestamp("us"), [0, _DAY * 10**6, None]), "times that look like dates")
    )
    return found


_ZONES = {
    "Europe/Paris": (2024, 10, 27, 2, 30),
    "America/New_York": (2024, 11, 3, 1, 30),
    "Australia/Lord_Howe": (2024, 4, 7, 1, 45),
    "Africa/Monrovia": (1971, 12, 31, 12, 0),
    "Pacific/Apia": (2011, 12, 29, 23, 59),
    "Asia/Kathmandu": (1985, 12, 31, 23, 50),
    "Europe/Amsterdam": (1930, 5, 15, 2, 30),
}


def _zones() -> list[Hostile]:
    found = []
    for zone, local in _ZONES.items():
        here = datetime(*local, tzinfo=ZoneInfo(zone))
        twice = [int(here.replace(fold=fold).timestamp()) for fold in (0, 1)]
        counts = [moment * 10**6 + more for moment in (*twice, twice[0] - 3600, twice[0] + 3600) for more in (0, 1)]
        name = "instant_" + zone.lower().replace("/", "_")
        found.append(
            Hostile(name, _counted(pa.timestamp("us", zone), [*counts, None]), f"the fold or the shift of {zone}")
        )
    for name, zone in {"instant_offset": "+05:45", "instant_unknown_zone": "Mars/Phobos"}.items():
        found.append(Hostile(name, _counted(pa.timestamp("ms", zone), [0, -1, 10**12, None]), f"the zone {zone}"))
    return found


def _far() -> list[Hostile]:
    years = [-62_135_596_801, 253_402_300_800, -210_866_803_200, 9_000_000_000_000]
    return [
        Hostile("local_far_us", _counted(pa.timestamp("us"), [*(y * 10**6 for y in years), None]), "beyond 1 to 9999"),
        Hostile("instant_far_us", _counted(pa.timestamp("us", "UTC"), [*(y * 10**6 for y in years), None]), "the same"),
        Hostile("local_far_s", _counted(pa.timestamp("s"), [*years, None]), "beyond what microseconds hold"),
        Hostile(
            "local_limits_us",
            _counted(pa.timestamp("us"), [2**63 - 1, -(2**63) + 1, -(2**63)]),
            "what elsewhere is infinity",
        ),
    ]


def _durations() -> list[Hostile]:
    found = []
    for unit in _PER_SECOND:
        counts = [0, 1, -1, 2**63 - 1, -(2**63), 86_400, None]
        found.append(Hostile(f"duration_{unit}", _counted(pa.duration(unit), counts), f"the limits of {unit}"))
    parts = [
        (1, -2, 3_000_000_004),
        (0, 0, 0),
        (-1, -1, -1),
        (2**31 - 1, -(2**31), 2**63 - 1),
        (0, 30, 0),
        (1, 0, 0),
        None,
    ]
    intervals = pa.array(parts, pa.month_day_nano_interval())
    found.append(Hostile("interval", intervals, "a month is not 30 days; each part has its own sign"))
    return found
