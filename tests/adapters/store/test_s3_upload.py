"""Objects go up to S3 in parts, and one conditional request makes them visible; what dead runs left is cleared."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.s3kit import S3Place, place
from tests.s3proxy import Between
from towpath.conformance.dying import die_after
from towpath.conformance.store import get, put
from towpath.errors import Conflict, TowError, Transient
from towpath.seams.beside import GivenUp
from towpath.seams.store import BeginsWithOld

CONTENT = random.Random(1).randbytes(30 << 20)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return f"{place(tmp_path)}/a.bin"


def test_a_large_object_goes_up_in_parts_and_comes_back_whole(s3_place: S3Place, path: str) -> None:
    with Between(s3_place) as between:
        store = s3_place.store(endpoint=between.endpoint)
        with store.stage(path, "load1") as staged:
            for begin in range(0, len(CONTENT), 700_000):
                staged.file.write(CONTENT[begin : begin + 700_000])
            staged.seal()
            parts = [one for one in between.passed if one.method == "PUT" and "partNumber" in one.path]
            assert len([one for one in parts if "a.bin" in one.path]) == 4
            assert all("x-amz-checksum-crc32" in {name.lower() for name in one.headers} for one in parts)
            assert store.entries(path) == []
            staged.publish(create=True)
    assert get(s3_place.store(), path) == CONTENT
    assert s3_place.uploads(path) == []


def test_an_object_of_one_part_is_one_request(s3_place: S3Place, path: str) -> None:
    put(s3_place.store(), path, b"old")
    with Between(s3_place) as between:
        store = s3_place.store(endpoint=between.endpoint)
        put(store, f"{path}.other", b"1")  # now the server's conditions are known
        between.passed.clear()
        put(store, path, CONTENT[: 5 << 20])
    assert [one.method for one in between.passed] == ["HEAD", "PUT"]


@pytest.mark.parametrize("size", [100, 20 << 20])
def test_what_was_replaced_since_it_was_staged_is_a_conflict(s3_place: S3Place, path: str, size: int) -> None:
    store = s3_place.store()
    put(store, path, b"old")
    with store.stage(path, "load1") as staged:
        staged.file.write(CONTENT[:size])
        staged.seal()
        put(store, path, b"theirs", load_id="load2")
        with pytest.raises(Conflict, match="changed by somebody else"):
            staged.publish(create=False)
    assert get(store, path) == b"theirs"
    assert s3_place.uploads(path) == []


@pytest.mark.parametrize("size", [100, 20 << 20])
def test_publishing_whose_answer_was_lost_is_known_to_have_been_done(s3_place: S3Place, path: str, size: int) -> None:
    with Between(s3_place) as between:
        store, lost = s3_place.store(endpoint=between.endpoint), [True]
        with store.stage(path, "load1") as staged:
            staged.file.write(CONTENT[:size])
            staged.seal()
            last = "PUT" if size == 100 else "POST"
            between.loses = lambda method, path: method == last and bool(lost and lost.pop())
            staged.publish(create=True)
    assert lost == []
    assert get(s3_place.store(), path) == CONTENT[:size]


def test_a_part_that_fails_stops_the_load_and_leaves_nothing(s3_place: S3Place, path: str) -> None:
    with Between(s3_place) as between:
        store = s3_place.store(endpoint=between.endpoint)
        with pytest.raises(Transient), store.stage(path, "load1") as staged:
            staged.file.write(CONTENT[: 1 << 20])
            between.loses = lambda method, path: "partNumber=2" in path
            for begin in range(1 << 20, len(CONTENT), 1 << 20):
                staged.file.write(CONTENT[begin : begin + (1 << 20)])
            staged.seal()
        assert store.entries(path) == []
    assert s3_place.uploads(path) == []


def _stalled(staged: Any, ended: list[type[BaseException] | None]) -> threading.Thread:
    """A thread that writes until nothing goes on any more; what it ended with is noted."""

    def writes() -> None:
        try:
            for _ in range(20):
                staged.file.write(CONTENT[: 8 << 20])
            staged.seal()
            ended.append(None)
        except BaseException as error:
            ended.append(type(error))

    thread = threading.Thread(target=writes)
    thread.start()
    return thread


def test_a_write_that_waits_for_the_server_is_given_up_by_another_thread(s3_place: S3Place, path: str) -> None:
    with Between(s3_place) as between, s3_place.store(endpoint=between.endpoint).stage(path, "load1") as staged:
        between.holds = lambda method, path: "partNumber" in path
        ended: list[type[BaseException] | None] = []
        writing = _stalled(staged, ended)
        assert between.held.wait(10)
        assert ended == []
        staged.give_up()
        writing.join(10)
        assert ended == [GivenUp]
        between.let_go.set()
    assert s3_place.store().entries(path) == []
    assert s3_place.uploads(path) == []


def test_an_upload_that_was_abandoned_is_not_waited_for_and_ended_by_the_next_run(s3_place: S3Place, path: str) -> None:
    with Between(s3_place) as between:
        ended: list[type[BaseException] | None] = []
        store = s3_place.store(endpoint=between.endpoint)
        with store.stage(path, "load1") as staged:
            between.holds = lambda method, path: "partNumber" in path
            writing = _stalled(staged, ended)
            assert between.held.wait(10)
            staged.give_up(abandon=True)
        assert not between.let_go.is_set()  # and yet it was left
        between.let_go.set()
        writing.join(10)
        staged._pool.shutdown(wait=True)
        assert len(ended) == 1
        assert ended[0] is not None  # whatever it met first
        assert s3_place.uploads(path) != []
        assert len(store.sweep(path)) == 1
    assert s3_place.uploads(path) == []


def test_few_parts_wait_in_memory(s3_place: S3Place, path: str) -> None:
    """Those that are sent are not kept: a writer that is faster than the network is held back."""
    import tracemalloc

    with s3_place.store().stage(path, "load1") as staged:
        staged.file.write(b"\0" * (10 << 20))
        tracemalloc.start()
        for _ in range(20):
            staged.file.write(b"\0" * (10 << 20))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 100 << 20


def test_old_bytes_are_copied_by_the_server(s3_place: S3Place, path: str) -> None:
    put(s3_place.store(), path, CONTENT)
    with Between(s3_place) as between:
        with s3_place.store(endpoint=between.endpoint).stage(path, "load1") as staged:
            assert isinstance(staged, BeginsWithOld)
            assert staged.begin_with_old() == len(CONTENT)
            staged.file.write(b"more")
            staged.seal()
            staged.publish(create=False)
        assert between.bytes_read() == 0
    assert get(s3_place.store(), path) == CONTENT + b"more"


def test_few_old_bytes_are_not_copied_by_the_server(s3_place: S3Place, path: str) -> None:
    put(s3_place.store(), path, b"few")
    with s3_place.store().stage(path, "load1") as staged:
        assert isinstance(staged, BeginsWithOld)
        assert staged.begin_with_old() == 0


def _half(store: Any, path: str) -> Any:
    staging = store.stage(path, "loadofthedead")
    staged = staging.__enter__()
    staged.file.write(CONTENT[: 20 << 20])
    for part in staged._parts:
        part.result()
    return staging


def test_an_upload_whose_run_was_killed_is_ended_by_the_next_sweep(s3_place: S3Place, path: str) -> None:
    die_after(lambda: _half(s3_place.store(), path))
    assert s3_place.uploads(path) == ["/".join(path.split("/")[1:])]
    assert ["loadofthedead" in name for name in s3_place.store().sweep(path)] == [True]
    assert s3_place.uploads(path) == []
    assert s3_place.store().sweep(path) == []


def test_an_upload_in_a_folder_is_ended_with_the_folder(s3_place: S3Place, path: str) -> None:
    die_after(lambda: _half(s3_place.store(), path))
    folder = path.rpartition("/")[0] + "/"
    assert s3_place.store().sweep(folder.rpartition("/")[0] + "-other/") == []
    assert len(s3_place.store().sweep(folder)) == 1
    assert s3_place.uploads(folder) == []


def test_an_upload_that_was_killed_before_its_id_was_known_is_ended_too(
    s3_place: S3Place, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> Any:
        from towpath.adapters.store.s3_markers import Marker

        monkeypatch.setattr(Marker, "begun", lambda self, upload: None)
        return _half(s3_place.store(), path)

    die_after(work)
    assert s3_place.uploads(path)
    assert s3_place.store().sweep(path)
    assert s3_place.uploads(path) == []


def test_an_upload_that_nobody_here_knows_is_ended_when_it_is_old(
    s3_place: S3Place, path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    die_after(lambda: _half(s3_place.store(), path))
    monkeypatch.setenv("TOWPATH_STATE", str(tmp_path / "another machine"))
    assert s3_place.store().sweep(path) == []
    assert s3_place.uploads(path)
    time.sleep(1.1)
    assert s3_place.store(orphan_hours=0.0001).sweep(path)
    assert s3_place.uploads(path) == []


def test_what_could_not_be_taken_back_is_left_to_the_next_sweep(s3_place: S3Place, path: str) -> None:
    with Between(s3_place) as between:
        with pytest.raises(KeyError), s3_place.store(endpoint=between.endpoint).stage(path, "load1") as staged:
            staged.file.write(CONTENT[: 20 << 20])
            between.down = True
            raise KeyError
        between.down = False
        assert s3_place.uploads(path)
        assert s3_place.store(endpoint=between.endpoint).sweep(path)
    assert s3_place.uploads(path) == []


def test_a_load_of_a_living_run_of_this_machine_is_not_begun_twice(s3_place: S3Place, path: str) -> None:
    with s3_place.store().stage(path, "load1"):
        with pytest.raises(Conflict, match="another run is writing the same load"):
            s3_place.store().stage(path, "load1").__enter__()
        with s3_place.store().stage(path, "load2"):
            pass


def test_a_killed_upload_that_was_completed_meanwhile_is_no_fault(s3_place: S3Place, path: str) -> None:
    def work() -> Any:
        staging = s3_place.store().stage(path, "load1")
        staged = staging.__enter__()
        staged.file.write(CONTENT[: 20 << 20])
        staged.seal()
        staged.publish(create=True)
        return staging

    die_after(work)
    assert get(s3_place.store(), path) == CONTENT[: 20 << 20]
    s3_place.store().sweep(path)
    assert get(s3_place.store(), path) == CONTENT[: 20 << 20]
    assert s3_place.store().sweep(path) == []


def test_a_run_ended_by_its_terminal_takes_its_upload_back(s3_place: S3Place, path: str) -> None:
    child = os.fork()
    if child == 0:
        try:
            with s3_place.store().stage(path, "load1") as staged:
                staged.file.write(CONTENT[: 20 << 20])
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(30)
        except KeyboardInterrupt:
            os._exit(3)
        finally:
            os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    assert s3_place.uploads(path) == []
    assert s3_place.store().sweep(path) == []


def test_publishing_to_a_server_that_has_gone_is_no_success(s3_place: S3Place, path: str) -> None:
    with Between(s3_place) as between, pytest.raises(TowError):  # noqa: SIM117
        with s3_place.store(endpoint=between.endpoint).stage(path, "load1") as staged:
            staged.file.write(b"1")
            staged.seal()
            between.loses = lambda method, path: True
            staged.publish(create=True)
