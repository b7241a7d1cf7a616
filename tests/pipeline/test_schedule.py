from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath.pipeline.schedule import Schedule


def nothing(name: str) -> str | None:
    return None


def never(one: str, other: str) -> bool:
    return False


class Watched:
    """Work that notes who ran beside whom."""

    def __init__(self, seconds: float = 0.002) -> None:
        self.lock = threading.Lock()
        self.now: set[str] = set()
        self.together: set[frozenset[str]] = set()
        self.most = 0
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.seconds = seconds

    def work(self, name: str) -> str:
        with self.lock:
            self.begun.append(name)
            self.together |= {frozenset((name, other)) for other in self.now}
            self.now.add(name)
            self.most = max(self.most, len(self.now))
        time.sleep(self.seconds)
        with self.lock:
            self.now.remove(name)
        return f"{name} done"

    def end(self, name: str, result: str) -> None:
        assert threading.current_thread() is threading.main_thread()
        assert result == f"{name} done"
        self.ended.append(name)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 9), st.integers(1, 4))
def test_every_name_is_worked_on_once_after_what_it_needs_and_apart_from_what_it_must(
    data: st.DataObject, count: int, parallel: int
) -> None:
    names = [str(number) for number in range(count)]
    before = {name: {other for other in names[:at] if data.draw(st.booleans())} for at, name in enumerate(names)}
    kept_apart = (
        {frozenset(pair) for pair in data.draw(st.lists(st.sets(st.sampled_from(names), min_size=2, max_size=2)))}
        if count > 1
        else set()
    )
    watched = Watched(0.0005)
    apart: Callable[[str, str], bool] = lambda one, other: frozenset((one, other)) in kept_apart  # noqa: E731
    Schedule(names, before, apart, nothing, watched.work, watched.end, parallel).run()
    assert sorted(watched.begun) == sorted(watched.ended) == names
    assert watched.most <= parallel
    assert not watched.together & kept_apart
    for name in names:
        assert all(watched.begun.index(other) < watched.begun.index(name) for other in before[name])
        assert not any(frozenset((name, other)) in watched.together for other in before[name])


def test_work_that_is_free_to_does_run_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=30)
    Schedule(
        ["a", "b", "c"],
        {"a": set(), "b": set(), "c": set()},
        never,
        nothing,
        lambda name: meeting.wait(),
        lambda *_: None,
        3,
    ).run()


def test_one_at_a_time_stays_in_the_callers_thread_and_in_order() -> None:
    threads, ended = [], []
    names = ["c", "a", "b"]
    Schedule[int](
        names,
        {name: set() for name in names},
        never,
        lambda name: None,
        lambda name: threads.append(threading.current_thread()) or 1,  # type: ignore[func-returns-value]
        lambda name, _: ended.append(name),
    ).run()
    assert ended == names
    assert set(threads) == {threading.main_thread()}


def test_a_result_may_stand_in_for_the_work() -> None:
    ended: list[tuple[str, str]] = []
    skip: Callable[[str], str | None] = lambda name: "skipped" if ended else None  # noqa: E731
    Schedule(
        ["a", "b"], {"a": set(), "b": {"a"}}, never, skip, lambda name: "done", lambda *one: ended.append(one), 2
    ).run()
    assert ended == [("a", "done"), ("b", "skipped")]


def test_an_interrupt_stops_what_runs_and_begins_nothing_more() -> None:
    stop, begun, ended = threading.Event(), list[str](), list[str]()

    def work(name: str) -> str:
        begun.append(name)
        if name == "quick":
            return name
        assert stop.wait(30)
        return name

    def end(name: str, result: str) -> None:
        ended.append(name)
        if name == "quick":
            raise KeyboardInterrupt

    names = ["slow", "quick", "later", "last"]
    with pytest.raises(KeyboardInterrupt):
        Schedule(names, {name: set() for name in names}, never, nothing, work, end, 2, stop).run()
    assert begun == ["slow", "quick"]
    assert ended == ["quick", "slow"]
