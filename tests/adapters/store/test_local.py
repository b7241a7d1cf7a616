"""What the local store does beyond the suite: links, modes, special files, disks that say no, locks."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from towpath.adapters.store import local
from towpath.adapters.store.local import Local, _Lock
from towpath.conformance.dying import die_after, die_at_line
from towpath.disk.durable import begin_writing
from towpath.errors import Conflict, Refused


@pytest.fixture
def store() -> Local:
    return Local()


def test_what_has_come_begins_to_go_to_the_disk(store: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def noted(descriptor: int, begin: int, count: int) -> None:
        asked.append((begin, count))
        begin_writing(descriptor, begin, count)

    monkeypatch.setattr(local, "begin_writing", noted)
    content = os.urandom(50 << 20)
    with store.stage(str(tmp_path / "a"), "load1") as staged:
        for begin in range(0, len(content), 3 << 20):
            staged.file.write(content[begin : begin + (3 << 20)])
        staged.seal()
        staged.publish(create=True)
    assert (tmp_path / "a").read_bytes() == content
    assert len(asked) == 2
    assert [begin for begin, _ in asked] == [0, asked[0][1]]
    assert sum(count for _, count in asked) > 32 << 20


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of an ordinary user, and a process without root's rights for as long."""
    with tempfile.TemporaryDirectory() as folder:
        root = os.geteuid() == 0
        if root:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            if root:
                os.seteuid(0)


def put(store: Local, path: Path, content: bytes, *, create: bool = False) -> None:
    with store.stage(str(path), "load1") as staged:
        staged.file.write(content)
        staged.seal()
        staged.publish(create=create)


def test_a_replaced_file_keeps_its_mode_even_while_it_is_staged(store: Local, tmp_path: Path) -> None:
    path = tmp_path / "secret.csv"
    path.write_text("old")
    path.chmod(0o600)
    with store.stage(str(path), "load1") as staged:
        (temporary,) = tmp_path.glob(".secret*")
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
        staged.file.write(b"new")
        staged.seal()
        staged.publish(create=False)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)


def test_a_new_file_has_the_mode_that_the_umask_leaves(store: Local, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        put(store, tmp_path / "new.csv", b"1")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.csv").stat().st_mode) == 0o640


def test_the_file_behind_a_link_is_replaced_and_the_link_stays(store: Local, tmp_path: Path) -> None:
    real, link = tmp_path / "data" / "real.csv", tmp_path / "link.csv"
    real.parent.mkdir()
    real.write_text("old")
    link.symlink_to("data/real.csv")
    put(store, link, b"new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert store.sweep(str(link)) == []


def test_a_link_that_leads_nowhere_is_named_when_it_is_listed(store: Local, tmp_path: Path) -> None:
    (tmp_path / "gone.csv").symlink_to("nowhere")
    with pytest.raises(Refused, match=r"gone\.csv: it is a symbolic link to nowhere, which is not there"):
        store.entries(f"{tmp_path}/*.csv")


def test_folders_made_for_a_load_go_with_it(store: Local, tmp_path: Path) -> None:
    with store.stage(f"{tmp_path}/a/b/new.csv", "load1") as staged:
        staged.file.write(b"1")
        assert (tmp_path / "a" / "b").is_dir()
    assert list(tmp_path.iterdir()) == []
    put(store, tmp_path / "a" / "b" / "new.csv", b"1")
    assert (tmp_path / "a" / "b" / "new.csv").read_bytes() == b"1"


@pytest.mark.parametrize("path", ["/dev/null", "fifo", "folder"])
def test_what_is_no_plain_file_is_never_replaced(store: Local, tmp_path: Path, path: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    target = tmp_path / path
    mode = target.stat().st_mode
    with pytest.raises(Refused, match=f"{path}: .*(plain file|folder)"), store.stage(str(target), "load1"):
        pass
    assert target.stat().st_mode == mode


def test_a_write_protected_file_is_refused(store: Local, unprivileged: Path) -> None:
    path = unprivileged / "old.csv"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(Refused, match=r"old\.csv: cannot write it: permission"), store.stage(str(path), "load1"):
        pass
    assert path.read_text() == "old"


def test_a_folder_that_may_not_be_written_to_is_named(store: Local, unprivileged: Path) -> None:
    unprivileged.chmod(0o555)
    with (
        pytest.raises(Refused, match=f"{unprivileged}/.*a.csv.*permission"),
        store.stage(f"{unprivileged}/a.csv", "load1"),
    ):
        pass
    with pytest.raises(Refused, match=f"{unprivileged}/b/a.csv: cannot write it: permission"):
        store.stage(f"{unprivileged}/b/a.csv", "load1").__enter__()
    with pytest.raises(Refused, match="note"):
        store.swap_note(f"{unprivileged}/note", b"1", None)
    unprivileged.chmod(0o755)


def test_a_folder_that_may_not_be_listed_is_not_taken_for_empty(store: Local, unprivileged: Path) -> None:
    (unprivileged / "x").mkdir(mode=0o000)
    with pytest.raises(Refused, match="permission"):
        store.entries(f"{unprivileged}/**/*.csv")


def test_a_write_that_the_disk_refuses_names_the_file(store: Local, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with (
            pytest.raises(Refused, match=r"big\.csv: cannot write it: the file would be larger"),
            store.stage(f"{tmp_path}/big.csv", "load1") as staged,
        ):
            for _ in range(100):
                staged.file.write(b"x" * 10_000)
            staged.seal()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_a_fifo_is_read_twice_and_has_no_version(store: Local, tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(b"once"))
    writer.start()
    for _ in range(2):
        with store.open(str(path)) as file:
            assert file.read() == b"once"
    writer.join()
    (entry,) = store.entries(str(path))
    assert entry.version == ""
    assert store.local(str(path)) is None


def test_a_file_changed_in_place_after_publishing_is_neither_published_nor_not(store: Local, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with store.stage(str(path), "load1") as staged:
        staged.file.write(b"new")
        staged.seal()
        staged.publish(create=True)
        os.utime(path)
        assert store.published(str(path), staged.token)
        with path.open("ab") as file:
            file.write(b"more")
        with pytest.raises(Refused, match="changed in place"):
            store.published(str(path), staged.token)


def test_of_two_runs_of_one_load_the_second_is_a_conflict(store: Local, tmp_path: Path) -> None:
    with store.stage(f"{tmp_path}/a.csv", "load1"), pytest.raises(Conflict, match="another run"):
        Local().stage(f"{tmp_path}/a.csv", "load1").__enter__()


def test_the_name_is_taken_from_a_published_load_at_once(store: Local, tmp_path: Path) -> None:
    """A second run of the same load may begin before the first has left: its bytes must stay."""
    path = str(tmp_path / "a.csv")
    with store.stage(path, "load1") as first:
        first.seal()
        first.publish(create=True)
        second = Local().stage(path, "load1")
        staged = second.__enter__()
    staged.file.write(b"second")
    staged.seal()
    staged.publish(create=False)
    second.__exit__(None, None, None)
    assert (tmp_path / "a.csv").read_bytes() == b"second"


def test_without_hard_links_a_name_that_is_taken_is_still_a_conflict(
    store: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)
    put(store, tmp_path / "a.csv", b"first", create=True)
    with pytest.raises(Conflict):
        put(store, tmp_path / "a.csv", b"second", create=True)
    assert (tmp_path / "a.csv").read_bytes() == b"first"


def test_a_sweep_of_a_folder_reaches_every_depth_and_spares_the_living(store: Local, tmp_path: Path) -> None:
    dead = [f"{tmp_path}/out/k={key}/part-1.csv" for key in "ab"]

    def half() -> object:
        opened = [store.stage(path, "dead") for path in dead]
        return opened, [one.__enter__() for one in opened]

    die_after(half)
    with store.stage(f"{tmp_path}/out/k=a/part-2.csv", "living") as staged:
        assert sorted(Local().sweep(f"{tmp_path}/out/")) == [".part-1.csv.dead.tow-tmp"] * 2
        staged.seal()
        staged.publish(create=True)
    assert [path.name for path in tmp_path.rglob("*.csv")] == ["part-2.csv"]


@pytest.mark.parametrize(("note", "swept"), [(".a.csv.tow-state", "a.csv"), ("out/.tow-loads", "out/")])
def test_the_lock_of_a_dead_run_is_swept_and_that_of_a_living_one_is_not(
    store: Local, tmp_path: Path, note: str, swept: str
) -> None:
    path = tmp_path / note
    path.parent.mkdir(exist_ok=True)
    die_after(lambda: _Lock(path).__enter__())
    with _Lock(path.with_name(".b.csv.tow-state")):
        lock = f".{path.name}.tow-lock"
        assert store.sweep(f"{tmp_path}/{swept}") == [lock]
        with _Lock(path):
            assert store.sweep(f"{tmp_path}/{swept}") == []
            assert path.with_name(lock).exists()
    assert [one.name for one in path.parent.iterdir() if not one.is_dir()] == []


def test_a_swap_that_dies_anywhere_leaves_the_old_note_or_the_new(tmp_path: Path) -> None:
    number, reached = 0, True
    while reached:
        folder = tmp_path / str(number)
        folder.mkdir()
        path = f"{folder}/note"
        first = Local().swap_note(path, b"old", None)

        def swap(start: object, path: str = path, first: str | None = first) -> None:
            start()  # type: ignore[operator]
            Local().swap_note(path, b"new", first)

        reached = die_at_line(number, swap)
        content, version = Local().read_note(path) or (b"", "")
        assert content in (b"old", b"new")
        Local().swap_note(path, b"after", version)
        assert os.listdir(folder) == ["note"]
        number += 1


def test_many_swaps_at_once_lose_no_update(tmp_path: Path) -> None:
    path = f"{tmp_path}/note"

    def count() -> None:
        store, done = Local(), 0
        while done < 40:
            content, version = store.read_note(path) or (b"0", None)
            with contextlib.suppress(Conflict):
                store.swap_note(path, str(int(content) + 1).encode(), version)
                done += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Path(path).read_bytes() == b"160"
    assert os.listdir(tmp_path) == ["note"]


def test_who_waited_for_a_lock_that_became_the_note_does_not_hold_it(tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_text("old")
    first = _Lock(note).__enter__()
    waiting: list[_Lock] = []
    thread = threading.Thread(target=lambda: waiting.append(_Lock(note).__enter__()))
    thread.start()
    while not _waits_for_lock():
        time.sleep(0.001)
    first.become(b"new")
    first.__exit__()
    thread.join()
    waiting[0].become(b"newer")
    waiting[0].__exit__()
    assert note.read_bytes() == b"newer"
    assert os.listdir(tmp_path) == ["note"]


def _waits_for_lock() -> bool:
    return any("->" in line and f" {os.getpid()} " in line for line in Path("/proc/locks").read_text().splitlines())


def test_missing_and_wrong_paths_are_named_in_words(store: Local, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    for path, words in [("none.csv", "no such file"), (".", "is a folder"), ("file/x", "not a folder")]:
        with pytest.raises(Refused, match=words):
            store.open(str(tmp_path / path))
    with pytest.raises(Refused, match="too long"):
        store.open(str(tmp_path / ("x" * 300)))
