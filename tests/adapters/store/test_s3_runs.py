"""Whole loads into S3: killed at any moment, two at once from machines that share nothing else, a server that dies."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.joins.filekit import APPEND, CREATE, REPLACE, STEP, load, read, rows, source, state
from tests.s3kit import BUCKET, SECRET, S3Place, place
from tests.s3proxy import Between
from towpath import assemble
from towpath.adapters.format.csv import CSV
from towpath.adapters.format.parquet import Parquet
from towpath.conformance.dying import die_after
from towpath.errors import Conflict, DataError, Refused, SourceChanged, Transient
from towpath.job import OutputSpec
from towpath.joins import folder_writing
from towpath.lab import Lab
from towpath.lab.faults.framing import HTTPFraming
from towpath.lab.faults.network import Call, LoseAnswer, Stall
from towpath.lab.faults.proxy import Proxy
from towpath.nouns import Mode
from towpath.seams.destination import Destination
from towpath.stream import Batch, Counted

Ids = tuple[int, ...] | None
PAD = random.Random(1).randbytes(3 << 20).hex()
PART_MB = 5


def many(first: int) -> pa.RecordBatch:
    """Rows that take more than one part of an upload."""
    return rows(id=list(range(first, first + 3)), pad=[PAD[: 2 << 20], PAD[2 << 20 : 4 << 20], PAD[4 << 20 :]])


OLD, NEW = many(1), many(4)


def made(at: str) -> Destination:
    return assemble.destination(OutputSpec(at, "csv" if at.partition("?")[0].endswith(".csv") else None))


def ids(store: Any, path: str) -> Ids:
    """What a reader sees, who begins again when the object is replaced while it reads."""
    while True:
        try:
            return tuple(read(source(path, CSV() if path.endswith("csv") else Parquet(), store))["id"].to_pylist())
        except SourceChanged:
            continue
        except DataError as error:  # files of a manifest that was replaced since it was read
            if "the manifest names" not in str(error):
                raise
        except Refused:
            return None


def run(at: str, mode: Mode) -> None:
    """One run as the mover does it: what its state says is loaded already is not loaded again."""
    destination = made(at)
    if destination.recover(STEP) != state("load2", count=3):
        load(destination, NEW, mode, "load2", STEP)


def killed(after: float, work: Any, look: Any) -> bool:
    """Does `work` in a child that is killed after some seconds; looks all the while. Whether it was too late."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    until, ended = time.monotonic() + after, (0, 0)
    while not ended[0] and time.monotonic() < until:
        look()
        ended = os.waitpid(child, os.WNOHANG)
    if not ended[0]:
        os.kill(child, signal.SIGKILL)
        ended = os.waitpid(child, 0)
    look()
    assert os.waitstatus_to_exitcode(ended[1]) in (0, -signal.SIGKILL)
    return os.waitstatus_to_exitcode(ended[1]) == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "mode"),
    [("a.parquet", CREATE), ("a.parquet", REPLACE), ("a.csv", APPEND), ("a/", CREATE), ("a/", APPEND), ("a/", REPLACE)],
)
def test_readers_see_old_or_new_and_state_agrees_whenever_a_run_is_killed(
    s3_place: S3Place, tmp_path: Path, name: str, mode: Mode
) -> None:
    store, chosen, late = s3_place.store(), random.Random(name + mode), 0
    old: Ids = None if mode is CREATE else (1, 2, 3)
    new: Ids = (1, 2, 3, 4, 5, 6) if mode is APPEND else (4, 5, 6)
    took = []
    for number in range(3):  # the first is slower, and of the moments that it gives too many would come late
        begun = time.monotonic()
        run(s3_place.address(f"{place(tmp_path)}/whole{number}/{name}", part_mb=PART_MB), CREATE)
        took.append(time.monotonic() - begun)
    whole = min(took) * 1.2
    for moment in range(30):
        path = f"{place(tmp_path)}/{moment}/{name}"
        at = s3_place.address(path, part_mb=PART_MB)
        if mode is not CREATE:
            load(made(at), OLD, CREATE, "load1", STEP)
        first = made(at).state(STEP)
        seen: set[Ids] = set()

        def look(path: str = path, seen: set[Ids] = seen) -> None:
            seen.add(ids(store, path))

        late += killed(chosen.uniform(0, whole), partial(run, at, mode), look)
        assert seen <= {old, new}
        while True:  # a request of the dead run may still be at work
            before, there, after = made(at).state(STEP), ids(store, path), made(at).state(STEP)
            if before == after:
                break
        assert (there, before) in ((old, first), (new, state("load2", count=3)))
        run(at, mode)
        assert ids(store, path) == new
        assert made(at).state(STEP) == state("load2", count=3)
        assert s3_place.uploads(path) == []
        for key in s3_place.keys(f"{place(tmp_path)}/{moment}/"):
            s3_place.client().delete_object(Bucket=BUCKET, Key=key)
    assert late < 25


def test_orphaned_uploads_are_cleared_by_recovering(s3_place: S3Place, tmp_path: Path) -> None:
    path = f"{place(tmp_path)}/a.csv"
    destination = made(s3_place.address(path, part_mb=PART_MB))

    def begin() -> None:
        with destination.begin(destination.offer(NEW.schema, CREATE, ()), "load1") as writing:
            for _ in range(3):
                writing.write(Batch(NEW, Counted("rows")))
            os.kill(os.getpid(), signal.SIGKILL)

    killed(60, begin, lambda: None)
    assert s3_place.uploads(path) == [path.partition("/")[2]]
    assert made(s3_place.address(path)).recover(STEP) is None
    assert s3_place.uploads(path) == []
    assert s3_place.tree(path) == {}


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Makes this process another machine, for what it begins from now on."""
    return lambda name: monkeypatch.setenv("TOWPATH_STATE", str(tmp_path / name))


@pytest.mark.parametrize("name", ["a.parquet", "a/"])
@pytest.mark.parametrize("mode", [CREATE, APPEND, REPLACE])
def test_of_two_runs_on_two_machines_one_publishes_and_one_meets_a_conflict(
    s3_place: S3Place, tmp_path: Path, elsewhere: Any, name: str, mode: Mode
) -> None:
    path, one, two = f"{place(tmp_path)}/{name}", rows(id=[4]), rows(id=[5])
    at = s3_place.address(path)
    if mode is not CREATE:
        load(made(at), rows(id=[1]), CREATE, "load1", STEP)
    elsewhere("first")
    first = made(at)
    before = first.recover(STEP)
    with first.begin(first.offer(one.schema, mode, ()), "load2") as writing:
        writing.write(Batch(one, Counted("rows")))
        elsewhere("second")
        load(made(at), two, mode, "load3", STEP)
        with pytest.raises(Conflict):
            writing.publish(before, state("load2"))
    assert ids(s3_place.store(), path) == ((1, 5) if mode is APPEND else (5,))
    assert made(at).recover(STEP) == state("load3")
    assert made(at).state(STEP) == state("load3")
    kept = [key for key in s3_place.keys(path) if "/part-" in key]
    assert len(kept) == (0 if name == "a.parquet" else 1 + (mode is APPEND))


@pytest.mark.parametrize("name", ["a.parquet", "a/"])
def test_the_same_load_on_two_machines_counts_once(
    s3_place: S3Place, tmp_path: Path, elsewhere: Any, name: str
) -> None:
    """A scheduler that starts a job on two hosts: both have the same state, source and so load id."""
    path, new = f"{place(tmp_path)}/{name}", rows(id=[2, 3])
    at = s3_place.address(path)
    load(made(at), rows(id=[1]), CREATE, "load1", STEP)
    elsewhere("first")
    first = made(at)
    before = first.recover(STEP)
    with first.begin(first.offer(new.schema, APPEND, ()), "load2") as writing:
        writing.write(Batch(new, Counted("rows")))
        elsewhere("second")
        load(made(at), new, APPEND, "load2", STEP)
        writing.publish(before, state("load2"))
    assert ids(s3_place.store(), path) == (1, 2, 3)
    assert made(at).state(STEP) == state("load2", count=2)
    assert len([key for key in s3_place.keys(path) if "/part-" in key]) == (2 if name == "a/" else 0)


@pytest.mark.parametrize("then", ["nothing", "begins", "publishes"])
@pytest.mark.parametrize("size", ["one part", "parts"])
def test_a_request_that_arrives_late_takes_its_state_along_or_is_refused(
    s3_place: S3Place, tmp_path: Path, elsewhere: Any, then: str, size: str
) -> None:
    """A run hangs between its intent and its publishing; one on another machine takes it for dead."""
    path, late = f"{place(tmp_path)}/a.csv", NEW if size == "parts" else rows(id=[4, 5, 6])
    at = s3_place.address(path, part_mb=PART_MB)
    with Between(s3_place) as between, ThreadPoolExecutor(1) as pool:
        method = "PUT" if size == "one part" else "POST"
        between.holds = lambda found, key: found == method and "/a.csv" in key and not key.endswith("?uploads")
        elsewhere("first")
        hanging = pool.submit(load, made(at.replace(s3_place.endpoint, between.endpoint)), late, CREATE, "load1", STEP)
        assert between.held.wait(30)
        elsewhere("second")
        second = made(at)
        assert second.recover(STEP) is None
        if then == "nothing":
            between.let_go.set()
            hanging.result()
        elif then == "begins":
            with second.begin(second.offer(late.schema, CREATE, ()), "load2") as writing:
                writing.write(Batch(late, Counted("rows")))
                between.let_go.set()
                hanging.result()
                with pytest.raises(Conflict):
                    writing.publish(None, state("load2", count=3))
        else:
            load(second, late, CREATE, "load2", STEP)
            between.let_go.set()
            with pytest.raises(Conflict):
                hanging.result()
    assert ids(s3_place.store(), path) == (4, 5, 6)
    assert made(at).state(STEP) == state("load2" if then == "publishes" else "load1", count=3)
    assert made(at).recover(STEP) == made(at).state(STEP)


@pytest.mark.parametrize("ended", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("size", ["one part", "parts"])
def test_a_request_that_arrives_after_its_run_has_ended_takes_its_state_along_or_is_refused(
    s3_place: S3Place, tmp_path: Path, size: str, ended: signal.Signals
) -> None:
    path, late = f"{place(tmp_path)}/a.csv", NEW if size == "parts" else rows(id=[4, 5, 6])
    at, method = s3_place.address(path, part_mb=PART_MB), "PUT" if size == "one part" else "POST"
    with Between(s3_place) as between:
        between.holds = lambda found, key: found == method and "/a.csv" in key and not key.endswith("?uploads")
        through = at.replace(s3_place.endpoint, between.endpoint)
        child = os.fork()
        if child == 0:
            try:
                load(made(through), late, CREATE, "load1", STEP)
            finally:
                os._exit(1)
        assert between.held.wait(30)
        os.kill(child, ended)
        if ended is signal.SIGINT:  # the first is heard when all is published, the second at once
            time.sleep(0.5)
            assert os.waitpid(child, os.WNOHANG) == (0, 0)
            os.kill(child, ended)
        os.waitpid(child, 0)
        assert made(through).recover(STEP) is None
        before = len(between.passed)
        between.let_go.set()
        while len(between.passed) == before:
            time.sleep(0.01)
    # An upload can be ended, and then not be completed any more; of a whole object nothing is known beforehand.
    assert ids(s3_place.store(), path) == (None if size == "parts" else (4, 5, 6))
    assert made(at).state(STEP) == (None if size == "parts" else state("load1", count=3))
    run(at, REPLACE)
    assert ids(s3_place.store(), path) == (4, 5, 6)
    assert made(at).state(STEP) == state("load2", count=3)
    assert s3_place.uploads(path) == []


@pytest.mark.parametrize("ended", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("mode", [CREATE, APPEND, REPLACE])
def test_a_manifest_that_arrives_after_its_run_was_cleared_is_refused(
    s3_place: S3Place, tmp_path: Path, mode: Mode, ended: signal.Signals
) -> None:
    """It would name files that are gone."""
    path, late = f"{place(tmp_path)}/a/", rows(id=[4, 5, 6])
    at, old = s3_place.address(path), None if mode is CREATE else (1,)
    if mode is not CREATE:
        load(made(at), rows(id=[1]), CREATE, "load1", STEP)
    with Between(s3_place) as between:
        between.holds = lambda found, key: found == "PUT" and key.endswith("_manifest.json")
        through = at.replace(s3_place.endpoint, between.endpoint)
        child = os.fork()
        if child == 0:
            try:
                load(made(through), late, mode, "load2", STEP)
            finally:
                os._exit(1)
        assert between.held.wait(30)
        between.holds = lambda found, key: False
        os.kill(child, ended)
        os.waitpid(child, 0)
        assert made(through).recover(STEP) == (None if mode is CREATE else state("load1"))
        assert ids(s3_place.store(), path) == old
        before = len(between.passed)
        between.let_go.set()
        while len(between.passed) == before:
            time.sleep(0.01)
        assert between.passed[-1].status == 412
    assert ids(s3_place.store(), path) == old
    assert len([key for key in s3_place.keys(path) if "/part-" in key]) == (mode is not CREATE)
    load(made(at), late, mode, "load2", STEP)
    assert ids(s3_place.store(), path) == ((1, 4, 5, 6) if mode is APPEND else (4, 5, 6))


@pytest.mark.parametrize("why", [Transient("the source is gone"), KeyboardInterrupt()])
def test_a_load_into_a_folder_that_ends_before_it_publishes_does_not_stand_in_the_way_of_another(
    s3_place: S3Place, tmp_path: Path, elsewhere: Any, why: BaseException
) -> None:
    at, new = s3_place.address(f"{place(tmp_path)}/a/"), rows(id=[2])
    load(made(at), rows(id=[1]), CREATE, "load1", STEP)
    elsewhere("first")
    first, second = made(at), made(at)
    before = first.recover(STEP)
    with first.begin(first.offer(new.schema, APPEND, ()), "load2") as writing:
        writing.write(Batch(new, Counted("rows")))
        elsewhere("second")
        with pytest.raises(type(why)), second.begin(second.offer(new.schema, APPEND, ()), "load3") as ending:
            ending.write(Batch(new, Counted("rows")))
            raise why
        writing.publish(before, state("load2"))
    assert ids(s3_place.store(), f"{place(tmp_path)}/a/") == (1, 2)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_load_into_a_folder_whose_server_goes_leaves_its_files_to_the_next_run(
    s3_place: S3Place, tmp_path: Path, when: str
) -> None:
    """It cannot clear up, and yet they need not wait until they are old."""
    path, server = f"{place(tmp_path)}/a/", s3_place.server
    with Proxy(server.host, server.port, HTTPFraming) as proxy:
        at = proxy.through(s3_place.address(path))
        load(made(at), rows(id=[1]), CREATE, "load1", STEP)
        gone = Call(lambda _: proxy.down()) if when == "before" else LoseAnswer(20.0, first=lambda _: proxy.down())
        proxy.fault(lambda message: message.kind == "body" and message.text.endswith("_manifest.json"), gone)
        with pytest.raises(Transient):
            load(made(at), rows(id=[2]), REPLACE, "load2", STEP)
        assert len([key for key in s3_place.keys(path) if "/part-" in key]) == 2
        proxy.up()
        assert made(at).recover(STEP) == state("load1" if when == "before" else "load2")
    assert ids(s3_place.store(), path) == ((1,) if when == "before" else (2,))
    assert len([key for key in s3_place.keys(path) if "/part-" in key]) == 1


def test_a_load_into_a_folder_whose_server_goes_once_it_is_noted_leaves_no_note(
    s3_place: S3Place, tmp_path: Path
) -> None:
    path, server = f"{place(tmp_path)}/a/", s3_place.server
    with Proxy(server.host, server.port, HTTPFraming) as proxy:
        at = proxy.through(s3_place.address(path))
        gone = LoseAnswer(20.0, first=lambda _: proxy.down())
        proxy.fault(lambda message: message.kind == "body" and message.text.endswith(".tow-loads"), gone)
        with pytest.raises(Transient):
            load(made(at), rows(id=[1]), CREATE, "load1", STEP)
        assert len(s3_place.keys(path)) == 1
        proxy.up()
        load(made(at), rows(id=[1]), CREATE, "load1", STEP)
    assert not any(key.endswith(".tow-loads") for key in s3_place.keys(path))


def test_a_note_of_a_load_into_a_folder_that_arrives_when_it_is_over_is_cleared(
    s3_place: S3Place, tmp_path: Path
) -> None:
    path, server = f"{place(tmp_path)}/a/", s3_place.server
    with Proxy(server.host, server.port, HTTPFraming) as proxy:
        at, late = proxy.through(s3_place.address(path, timeout_secs=4)), Stall(60)
        proxy.fault(lambda message: message.kind == "body" and message.text.endswith(".tow-loads"), late)
        load(made(at), rows(id=[1]), CREATE, "load1", STEP)
        assert not any(key.endswith(".tow-loads") for key in s3_place.keys(path))
        late.release.set()
        while not any(key.endswith(".tow-loads") for key in s3_place.keys(path)):
            time.sleep(0.01)
        assert made(at).recover(STEP) == state("load1")
    assert not any(key.endswith(".tow-loads") for key in s3_place.keys(path))
    assert ids(s3_place.store(), path) == (1,)


def test_every_dead_load_of_a_folder_is_cleared(s3_place: S3Place, tmp_path: Path) -> None:
    path = f"{place(tmp_path)}/a/"
    at = s3_place.address(path)
    load(made(at), rows(id=[1]), CREATE, "load1", STEP)
    whole = s3_place.keys(path)

    def half(load_id: str) -> Any:
        destination: Any = assemble.destination(OutputSpec(at, "parquet", rows_per_file=1))
        opened = destination.begin(destination.offer(rows(id=[2]).schema, APPEND, ()), load_id)
        opened.__enter__().write(Batch(rows(id=[2, 3]), Counted("rows")))
        return opened

    for load_id in ("load2", "load3"):
        die_after(partial(half, load_id))
    assert len([key for key in s3_place.keys(path) if "/part-" in key]) == 5
    assert made(at).recover(STEP) == state("load1")
    assert s3_place.keys(path) == whole


def test_parts_of_a_run_that_lives_elsewhere_are_not_cleared(s3_place: S3Place, tmp_path: Path, elsewhere: Any) -> None:
    path, new = f"{place(tmp_path)}/a/", rows(id=[2, 3])
    at = s3_place.address(path)
    elsewhere("first")
    first = assemble.destination(OutputSpec(at, "parquet", rows_per_file=1))
    with first.begin(first.offer(new.schema, CREATE, ()), "load1") as writing:
        writing.write(Batch(new, Counted("rows")))
        elsewhere("second")
        made(at).recover(STEP)
        writing.publish(None, state("load1", count=2))
    assert ids(s3_place.store(), path) == (2, 3)


@pytest.mark.slow
@pytest.mark.server("s3", start=False)
@pytest.mark.parametrize("when", ["writing", "publishing"])
def test_a_server_that_dies_in_the_middle_leaves_the_old_and_the_next_run_ends_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    with Lab() as lab:
        server = lab.up("s3", durable=True)
        s3 = S3Place(server, monkeypatch, tmp_path)
        at = s3.address(f"{BUCKET}/a.csv", part_mb=PART_MB)
        load(made(at), OLD, CREATE, "load1", STEP)
        destination = made(at)
        before = destination.recover(STEP)

        def half() -> None:
            with destination.begin(destination.offer(NEW.schema, APPEND, ()), "load2") as writing:
                writing.write(Batch(NEW, Counted("rows")))
                server.kill()
                if when == "writing":
                    for _ in range(20):
                        writing.write(Batch(NEW, Counted("rows")))
                writing.publish(before, state("load2", count=3))

        with pytest.raises(Transient):
            half()
        server.start()
        assert ids(s3.store(), f"{BUCKET}/a.csv") == (1, 2, 3)
        assert made(at).state(STEP) == state("load1", count=3)
        run(at, APPEND)
        assert ids(s3.store(), f"{BUCKET}/a.csv") == (1, 2, 3, 4, 5, 6)
        assert s3.uploads(f"{BUCKET}/") == []


@pytest.fixture
def tow(tmp_path: Path) -> Callable[..., str]:
    """Runs the command there; returns what it prints, which never holds the secret key."""

    def called(*words: str) -> str:
        command = [str(Path(sys.executable).with_name("tow")), *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert os.environ[SECRET] not in done.stdout + done.stderr
        assert done.returncode == 0, done.stderr
        return done.stdout

    return called


def test_the_command_takes_a_csv_file_through_a_bucket_and_proves_it(
    s3_place: S3Place, tmp_path: Path, tow: Callable[..., str]
) -> None:
    lines = "".join(f"{number:05},{number / 7!r},näme {number}\n" for number in range(5000))
    tmp_path.joinpath("in.csv").write_text(f"id,amount,name\n{lines}", "utf-8")
    path = place(tmp_path)
    at, folder = s3_place.address(f"{path}/orders.parquet"), s3_place.address(f"{path}/orders/")

    assert "atomic" in tow("copy", "in.csv", at, "--require", "atomic")
    assert "5000 rows" in tow("verify", "in.csv", at)
    assert "5,000" in tow("copy", at, folder)
    tow("copy", s3_place.address(f"{path}/*.parquet"), "out.parquet")
    assert "5000 rows" in tow("verify", folder, "out.parquet")
    assert "5000 rows" in tow("verify", "in.csv", "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").column("id")[3].as_py() == "00003"


def test_a_step_reads_on_from_the_objects_that_it_has_read(
    s3_place: S3Place, tmp_path: Path, tow: Callable[..., str]
) -> None:
    path, secret = place(tmp_path), f"${{env:{SECRET}}}"
    options = f"endpoint={s3_place.endpoint}&access_key={s3_place.server.user}&secret_key={secret}"
    tmp_path.joinpath("tow.yaml").write_text(
        f"pipeline: p\nsteps:\n  s:\n    from: 's3://{path}/in/*.csv?{options}'\n"
        f"    to: 's3://{path}/all.parquet?{options}'\n    mode: append\n"
    )

    def put(name: str, number: int) -> None:
        s3_place.client().put_object(
            Bucket=BUCKET, Key=f"{path.partition('/')[2]}/in/{name}", Body=f"id\n{number}\n".encode()
        )

    put("1.csv", 1)
    tow("run")
    put("2.csv", 2)
    assert "s: 1 row" in tow("run")
    tow("run")
    assert ids(s3_place.store(), f"{path}/all.parquet") == (1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["all.parquet", "all/"])
def test_machines_that_run_one_step_at_once_load_each_row_once(s3_place: S3Place, tmp_path: Path, name: str) -> None:
    path, store = place(tmp_path), s3_place.store()
    source_at, to = s3_place.address(f"{path}/in/*.csv"), s3_place.address(f"{path}/{name}")
    (tmp_path / "tow.yaml").write_text(
        f"pipeline: p\nsteps:\n  s: {{from: '{source_at}', to: '{to}', mode: append}}\n", "utf-8"
    )
    command = [str(Path(sys.executable).with_name("tow")), "run", "--quiet"]
    for number in range(4):
        key = f"{path.partition('/')[2]}/in/{number}.csv"
        s3_place.client().put_object(Bucket=BUCKET, Key=key, Body=f"id\n{number}\n".encode())
        machines = [{**os.environ, "TOWPATH_STATE": str(tmp_path / f"machine {one}")} for one in range(3)]
        runs = [subprocess.Popen(command, cwd=tmp_path, env=one, stderr=subprocess.PIPE) for one in machines]
        ends = [(run.communicate()[1], run.returncode) for run in runs]
        assert 0 in [code for _, code in ends]
        assert all(code == 0 or (code == 1 and b"[conflict]" in said) for said, code in ends), ends
        assert sorted(ids(store, f"{path}/{name}") or ()) == list(range(number + 1))
    assert len([key for key in s3_place.keys(f"{path}/{name}") if "/part-" in key]) == (4 if name == "all/" else 0)


def test_the_files_of_a_folder_hold_little_in_memory(
    s3_place: S3Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that are not yet a part of an upload count as well: a file is closed instead."""
    monkeypatch.setattr(folder_writing, "_WAITING_BYTES", 8 << 20)
    at = s3_place.address(f"{place(tmp_path)}/a/")
    destination: Any = assemble.destination(OutputSpec(at, "csv", partition_by=("k",)))
    first = rows(id=[0], k=[0], pad=[PAD[: 1 << 20]])
    with destination.begin(destination.offer(first.schema, CREATE, ()), "load1") as writing:
        for number in range(30):
            writing.write(Batch(rows(id=[number], k=[number % 15], pad=[PAD[: 1 << 20]]), Counted("rows")))
            assert sum(one.file.staged.waiting for one in writing._open.values()) <= 8 << 20
        assert writing.publish(None, state("load1", count=30)).accepted == 30
    table = read(source(f"{place(tmp_path)}/a/", CSV(), s3_place.store()))
    assert sorted(table["id"].to_pylist()) == list(range(30))
