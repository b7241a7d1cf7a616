"""A signal that comes within a shield is heard at its end, by whoever answers it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import AbstractContextManager

import duckdb
import pytest

from towpath import interrupted
from towpath.interrupted import Apart, shielded, told_as


def test_an_interrupt_waits_for_the_end_of_what_is_shielded() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt):
        with shielded():
            with shielded():
                os.kill(os.getpid(), signal.SIGINT)
                done.append("inner")
            done.append("outer")
        done.append("behind")
    assert done == ["inner", "outer"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_interrupt_does_not_wait() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), shielded():
        os.kill(os.getpid(), signal.SIGINT)
        done.append("once")
        os.kill(os.getpid(), signal.SIGINT)
        done.append("twice")
    assert done == ["once"]


def test_who_is_ended_by_a_signal_is_ended_at_the_end_of_the_shield() -> None:
    program = """
import os, signal
from towpath.interrupted import shielded
with shielded():
    os.kill(os.getpid(), signal.SIGTERM)
    print("within", flush=True)
print("behind")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "within\n")


def test_other_threads_need_no_shield() -> None:
    done: list[str] = []

    def work() -> None:
        with shielded():
            done.append("within")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["within"]


@pytest.mark.parametrize("when", ["before", "within", "never"])
def test_what_clears_up_is_done_whenever_the_interrupt_comes(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def clear() -> None:
        if when == "within":
            os.kill(os.getpid(), signal.SIGINT)
        done.append("cleared")

    if when == "before":
        whole = interrupted.shielded
        late = iter([True])

        def shielded() -> AbstractContextManager[None]:
            if next(late, False):
                raise KeyboardInterrupt
            return whole()

        monkeypatch.setattr(interrupted, "shielded", shielded)
    if when == "never":
        interrupted.settle(clear)
    else:
        with pytest.raises(KeyboardInterrupt):
            interrupted.settle(clear)
    assert set(done) == {"cleared"}


def pressing(*after: float) -> list[threading.Timer]:
    """Ctrl-C so many seconds from now."""
    timers = [threading.Timer(secs, os.kill, (os.getpid(), signal.SIGINT)) for secs in after]
    for timer in timers:
        timer.start()
    return timers


def test_calls_apart_are_made_by_another_thread_of_the_main_one_alone() -> None:
    apart = Apart(lambda: None)
    first, second = (apart.call(threading.current_thread) for _ in range(2))
    assert first is second is not threading.main_thread()
    with pytest.raises(KeyError, match="told"):
        apart.call(lambda: {}["told"])
    found = []
    thread = threading.Thread(target=lambda: found.append(apart.call(threading.current_thread)))
    thread.start()
    thread.join()
    assert found == [thread]
    apart.close()
    first.join(5)
    assert not first.is_alive()


def test_an_interrupt_cancels_what_is_called_apart_and_waits_for_it() -> None:
    cancelled, ended = threading.Event(), []

    def work() -> None:
        cancelled.wait(10)
        ended.append(True)

    apart = Apart(cancelled.set)
    with pytest.raises(KeyboardInterrupt):
        (timer,) = pressing(0.1)
        apart.call(work)
    timer.join()
    assert ended == [True]
    assert not apart.abandoned
    assert apart.call(lambda: 7) == 7
    apart.close()


def test_the_second_interrupt_abandons_what_does_not_end() -> None:
    go = threading.Event()
    apart = Apart(lambda: None)
    timers = pressing(0.1, 0.4)
    with pytest.raises(KeyboardInterrupt):
        apart.call(lambda: go.wait(30))
    for timer in timers:
        timer.join()
    assert apart.abandoned
    go.set()
    apart.close()


def test_an_interrupt_within_what_duckdb_calls_is_one() -> None:
    class Struck:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            raise KeyboardInterrupt

    def asked(connection: duckdb.DuckDBPyConnection) -> None:
        connection.register("struck", Struck())
        connection.execute("select * from struck")

    with duckdb.connect() as connection:
        with pytest.raises(duckdb.Error, match="failed: KeyboardInterrupt"):
            asked(connection)
        with pytest.raises(KeyboardInterrupt), told_as("Query interrupted"):
            asked(connection)
    with pytest.raises(ValueError, match="it failed"), told_as("Query interrupted"):
        raise ValueError("it failed: KeyboardInterrupt is no word of ours")
