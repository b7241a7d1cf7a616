"""Answers of an S3 server that are lost or come half, and what may then be left on it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.s3kit import S3Place, place
from towpath import userfiles
from towpath.adapters.store import s3_conditions
from towpath.errors import Transient
from towpath.lab.faults.framing import HTTPFraming, Way
from towpath.lab.faults.network import Call, Cut, LoseAnswer, Message, Stall
from towpath.lab.faults.proxy import Proxy

_PATIENCE = 20.0
"""Seconds that a server may take to answer before the answer is lost."""


@pytest.fixture
def proxy(s3_place: S3Place) -> Iterator[Proxy]:
    with Proxy(s3_place.server.host, s3_place.server.port, HTTPFraming) as opened:
        yield opened


@pytest.fixture
def store(s3_place: S3Place, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The store behind the proxy."""
    monkeypatch.setattr(s3_conditions, "_found", {})
    return s3_place.store(endpoint=proxy.through(s3_place.endpoint), part_mb=5)


def asked(kind: str, ending: str) -> Callable[[Message], bool]:
    return lambda message: message.way is Way.CLIENT and message.kind == kind and message.text.endswith(ending)


def answers(count: int) -> Callable[[Message], bool]:
    """Answers, so many of them."""
    return lambda message: message.way is Way.SERVER and message.length > count


def begun_unseen(store: Any, proxy: Proxy, folder: Path) -> str:
    """The path of an upload that began without anybody's coming to know."""
    path = f"{place(folder)}/a.bin"
    proxy.fault(asked("POST", "/a.bin?uploads"), LoseAnswer(_PATIENCE, first=lambda _: proxy.down()))
    with pytest.raises(Transient), store.stage(path, "load1") as staged:
        staged.file.write(bytes(6 << 20))
    proxy.up()
    return path


def test_an_upload_that_begins_twice_because_an_answer_was_lost_leaves_none_behind(
    store: Any, proxy: Proxy, s3_place: S3Place, tmp_path: Path
) -> None:
    path = f"{place(tmp_path)}/a.bin"
    proxy.fault(asked("POST", "/a.bin?uploads"), LoseAnswer(_PATIENCE))
    with store.stage(path, "load1") as staged:
        staged.file.write(bytes(6 << 20))
        assert len(s3_place.uploads(path)) == 1
        staged.seal()
        staged.publish(create=True)
    assert len(proxy.struck) == 1
    assert s3_place.uploads(path) == []
    assert s3_place.tree(path) == {"": bytes(6 << 20)}


def test_an_upload_that_begins_when_its_run_has_done_with_another_is_ended_by_the_next_run(
    s3_place: S3Place, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_conditions, "_found", {})
    store = s3_place.store(endpoint=proxy.through(s3_place.endpoint), part_mb=5, timeout_secs=1)
    path, held = f"{place(tmp_path)}/a.bin", Stall(_PATIENCE)
    proxy.fault(asked("POST", "/a.bin?uploads"), held)
    with store.stage(path, "load1") as staged:
        staged.file.write(bytes(6 << 20))
        staged.seal()
        staged.publish(create=True)
    assert s3_place.uploads(path) == []
    held.release.set()
    deadline = time.monotonic() + _PATIENCE
    while not s3_place.uploads(path) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(s3_place.uploads(path)) == 1
    assert len(store.sweep(path)) == 1
    assert s3_place.uploads(path) == []
    assert store.sweep(path) == []
    assert s3_place.tree(path) == {"": bytes(6 << 20)}


def test_an_interrupt_while_the_server_is_tried_leaves_nothing(
    store: Any, proxy: Proxy, s3_place: S3Place, tmp_path: Path
) -> None:
    path = f"{place(tmp_path)}/a.bin"
    interrupts = Call(lambda _: os.kill(os.getpid(), signal.SIGINT))
    proxy.fault(asked("POST", "?uploads"), interrupts)
    with pytest.raises(KeyboardInterrupt):
        store.swap_note(path, b"{}", None)
    assert len(proxy.struck) == 1
    assert s3_place.tree(place(tmp_path)) == {}
    assert list(userfiles.state().rglob("*.tow-tmp")) == []


def test_an_upload_whose_beginning_was_never_confirmed_is_ended_by_the_next_run(
    store: Any, proxy: Proxy, s3_place: S3Place, tmp_path: Path
) -> None:
    path = begun_unseen(store, proxy, tmp_path)
    assert len(s3_place.uploads(path)) == 1
    store.sweep(path)
    assert s3_place.uploads(path) == []


def test_an_upload_of_no_known_id_that_could_not_be_ended_is_left_to_the_next_sweep(
    store: Any, proxy: Proxy, s3_place: S3Place, tmp_path: Path
) -> None:
    path = begun_unseen(store, proxy, tmp_path)
    broken = [True]
    for _ in range(20):
        proxy.fault(lambda message: any(broken) and message.kind == "DELETE", Cut(10))
    assert store.sweep(path) == []
    broken.clear()
    assert len(s3_place.uploads(path)) == 1
    assert len(store.sweep(path)) == 1
    assert s3_place.uploads(path) == []


def test_what_a_run_left_that_died_while_it_tried_the_server_is_cleared_by_the_next(
    store: Any, proxy: Proxy, s3_place: S3Place, tmp_path: Path
) -> None:
    path = f"{place(tmp_path)}/a.bin"
    proxy.fault(asked("POST", "?uploads"), Call(lambda _: os.kill(dying[0], signal.SIGKILL)))
    child = os.fork()
    if child == 0:
        try:
            store.swap_note(path, b"{}", None)
        finally:
            os._exit(0)
    dying = [child]
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    (left,) = s3_place.keys(place(tmp_path))
    assert ".tow-probe-" in left
    store.swap_note(path, b"{}", None)
    assert s3_place.tree(path) == {"": b"{}"}
    assert s3_place.keys(place(tmp_path)) == [path.partition("/")[2]]
    assert s3_place.uploads(place(tmp_path)) == []


def test_a_note_or_an_object_whose_first_bytes_come_half_is_asked_for_again(
    store: Any, proxy: Proxy, tmp_path: Path
) -> None:
    note, content = f"{place(tmp_path)}/note", b"{}" + bytes(50_000)
    store.swap_note(note, content, None)
    ways: list[Callable[[], bytes]] = [lambda: store.read_note(note)[0], lambda: store.open(note).read()]
    for read in ways:
        proxy.fault(answers(50_000), Cut(20_000))
        assert read() == content
    assert len(proxy.struck) == 2


def test_an_object_whose_bytes_never_come_whole_is_a_fault_that_passes(
    store: Any, proxy: Proxy, tmp_path: Path
) -> None:
    note = f"{place(tmp_path)}/note"
    store.swap_note(note, bytes(50_000), None)
    ways: list[Callable[[], bytes]] = [lambda: store.read_note(note)[0], lambda: store.open(note).read()]
    for read in ways:
        for _ in range(20):
            proxy.fault(answers(50_000), Cut(20_000))
        with pytest.raises(Transient):
            read()


def test_a_listing_that_comes_half_is_not_taken_for_the_whole(
    store: Any, proxy: Proxy, s3_place: S3Place, tmp_path: Path
) -> None:
    root = place(tmp_path)
    for number in range(30):
        s3_place.client().put_object(Bucket="lab", Key=f"{root.partition('/')[2]}/{number:03}", Body=b"1")
    for _ in range(20):
        proxy.fault(answers(5_000), Cut(4_000))
    with contextlib.suppress(Transient):
        assert len(store.entries(f"{root}/*")) == 30
    assert proxy.struck
