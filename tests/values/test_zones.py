"""A local time becomes the one instant at which the clocks of its zone showed it, or is said to have none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from towpath.errors import UserError
from towpath.values import zones

BERLIN = ZoneInfo("Europe/Berlin")
US = pa.timestamp("us")
NAMES = sorted(available_timezones())
PECULIAR = [
    "Europe/Berlin",
    "America/Goose_Bay",
    "America/Juneau",
    "Asia/Manila",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Africa/Monrovia",
    "Africa/Casablanca",
    "Europe/Dublin",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "America/Caracas",
    "Asia/Kathmandu",
]


def instants(*values: datetime | None, zone: ZoneInfo = BERLIN) -> tuple[list[datetime | None], dict[int, str]]:
    made, bad = zones.to_instants(pa.array(values, US), zone)
    made.validate(full=True)
    return made.to_pylist(), bad


def meant(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """The instants at which the clocks showed it, by trying every offset that the zone has around."""
    found = set()
    for hours in range(-48, 49, 6):
        offset = (local.replace(tzinfo=UTC) + timedelta(hours=hours)).astimezone(zone).utcoffset()
        assert offset is not None
        instant = local.replace(tzinfo=UTC) - offset
        if instant.astimezone(zone).replace(tzinfo=None, fold=0) == local:
            found.add(instant)
    return sorted(found)


def test_summer_and_winter_have_their_own_offsets() -> None:
    assert instants(datetime(2024, 1, 1, 10), datetime(2024, 7, 1, 10), None) == (
        [datetime(2024, 1, 1, 9, tzinfo=UTC), datetime(2024, 7, 1, 8, tzinfo=UTC), None],
        {},
    )


def test_a_local_time_that_does_not_exist_or_is_there_twice_is_bad() -> None:
    made, bad = instants(
        datetime(2024, 3, 31, 2, 30), datetime(2024, 10, 27, 2, 30), datetime(2024, 10, 27, 3), datetime(2024, 3, 31, 3)
    )
    assert made == [None, None, datetime(2024, 10, 27, 2, tzinfo=UTC), datetime(2024, 3, 31, 1, tzinfo=UTC)]
    assert bad == {
        0: "the clocks of Europe/Berlin skipped this local time",
        1: "the clocks of Europe/Berlin showed this local time twice",
    }


def test_a_day_that_a_zone_skipped_is_bad() -> None:
    apia = ZoneInfo("Pacific/Apia")
    days = [datetime(2011, 12, day, 12) for day in (29, 30, 31)]
    made, bad = instants(*days, zone=apia)
    assert [one is None for one in made] == [False, True, False]
    assert list(bad) == [1]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(NAMES), st.lists(st.datetimes(datetime(1850, 1, 1), datetime(2150, 1, 1)), min_size=1))
@example("Europe/Berlin", [datetime(1893, 4, 1), datetime(1945, 5, 24, 2), datetime(1945, 9, 24, 0)])
@example("America/Juneau", [datetime(1867, 10, 18, 12)])
def test_every_instant_is_the_only_one_whose_local_time_it_is(name: str, locals: list[datetime]) -> None:
    zone = ZoneInfo(name)
    made, bad = instants(*locals, zone=zone)
    for row, local in enumerate(locals):
        expected = meant(local, zone)
        if len(expected) == 1:
            assert (made[row], row in bad) == (expected[0], False)
        else:
            assert made[row] is None
            assert ("twice" if expected else "skipped") in bad[row]


@pytest.mark.parametrize("name", PECULIAR)
def test_times_around_every_change_of_the_clocks_are_right(name: str) -> None:
    zone = ZoneInfo(name)
    utc = [datetime(year, month, 1, tzinfo=UTC) for year in range(1885, 2040) for month in range(1, 13)]
    moments = [
        change.astimezone(zone).replace(tzinfo=None, fold=0) + timedelta(minutes=minutes)
        for early, late in pairwise(utc)
        if early.astimezone(zone).utcoffset() != late.astimezone(zone).utcoffset()
        for change in [_change(early, late, zone)]
        for minutes in (-90, -30, 0, 30, 90)
    ]
    made, bad = instants(*moments, zone=zone)
    for row, local in enumerate(moments):
        expected = meant(local, zone)
        assert (made[row], row in bad) == (expected[0] if len(expected) == 1 else None, len(expected) != 1), local


def _change(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(minutes=1):
        middle = early + (late - early) / 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_unit_stays_and_the_zone_is_utc(unit: str) -> None:
    assert zones.zoned(pa.timestamp(unit)) == pa.timestamp(unit, "UTC")
    values = pa.array([datetime(2024, 7, 1, 10)], pa.timestamp(unit))
    made, _ = zones.to_instants(values, BERLIN)
    assert made.type == pa.timestamp(unit, "UTC")
    assert made.cast(pa.timestamp("us", "UTC")).to_pylist() == [datetime(2024, 7, 1, 8, tzinfo=UTC)]


@pytest.mark.parametrize("type", [pa.timestamp("us", "UTC"), pa.timestamp("s", "Asia/Tokyo"), pa.date32(), pa.string()])
def test_what_is_no_local_timestamp_stays_as_it_is(type: pa.DataType) -> None:
    values = pa.nulls(2, type)
    assert zones.to_instants(values, BERLIN) == (values, {})


def test_a_finer_part_of_a_second_stays() -> None:
    values = pa.array([1_719_828_000_123_456_789], pa.int64()).view(pa.timestamp("ns"))
    assert zones.to_instants(values, BERLIN)[0].view(pa.int64()).to_pylist() == [1_719_820_800_123_456_789]


@pytest.mark.parametrize("stored", [-(2**63), 2**63 - 1])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_a_time_beyond_what_is_known_is_bad_and_not_wrong(stored: int, unit: str, zone: str) -> None:
    values = pa.array([stored], pa.int64()).view(pa.timestamp(unit))
    made, bad = zones.to_instants(values, ZoneInfo(zone))
    if bad:
        assert (made.null_count, bad[0]) == (1, f"the clocks of {zone} are not known so far away")
    else:
        assert 0 < abs(made.view(pa.int64())[0].as_py() - stored) < 6 * 3600 * 10**9


def test_local_times_within_lists_structs_and_maps_become_instants_too() -> None:
    gap, good = datetime(2024, 3, 31, 2, 30), datetime(2024, 7, 1, 10)
    utc = datetime(2024, 7, 1, 8, tzinfo=UTC)
    type = pa.struct([("at", pa.list_(US)), ("of", pa.map_(pa.string(), US)), ("n", pa.int64())])
    rows: list[dict[str, Any] | None] = [
        {"at": [good, None], "of": [("a", good)], "n": 1},
        {"at": [good, gap], "of": [], "n": 2},
        None,
        {"at": None, "of": [("a", gap)], "n": 3},
        {"at": [], "of": None, "n": 4},
    ]
    made, bad = zones.to_instants(pa.array(rows, type), BERLIN)
    made.validate(full=True)
    assert made.type == zones.zoned(type)
    assert made.to_pylist() == [
        {"at": [utc, None], "of": [("a", utc)], "n": 1},
        None,
        None,
        None,
        {"at": [], "of": None, "n": 4},
    ]
    assert sorted(bad) == [1, 3]


def test_dictionaries_of_local_times_are_read_too() -> None:
    values = pa.array([datetime(2024, 7, 1, 10)] * 2, US).dictionary_encode()
    assert zones.to_instants(values, BERLIN)[0].to_pylist() == [datetime(2024, 7, 1, 8, tzinfo=UTC)] * 2


@pytest.mark.parametrize(
    ("name", "said"),
    [("Europe/Berlim", "'Europe/Berlin'"), ("../etc", "no time zone"), ("Europe", "no time zone"), ("", "''")],
)
def test_an_unknown_zone_names_the_nearest(name: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        zones.find(name)
    assert caught.value.code == "timezone-unknown"
