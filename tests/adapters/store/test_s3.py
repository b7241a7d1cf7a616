"""S3: what is particular to it beside the suite of stores. Listing, buckets and accounts, notes and conditions."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.s3kit import BUCKET, S3Place, place
from tests.s3proxy import Between
from towpath import api, registry
from towpath.adapters.store import s3_conditions
from towpath.conformance.store import get, put
from towpath.errors import Conflict, Refused, TowError, Transient, UserError
from towpath.options import build
from towpath.secrets.secret import Secret


@pytest.fixture
def root(tmp_path: Path) -> str:
    return place(tmp_path)


def test_more_objects_than_one_page_of_a_listing_holds(s3_place: S3Place, root: str) -> None:
    client, keys = s3_place.client(), [f"{root.partition('/')[2]}/2026/{number:04}.csv" for number in range(2500)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: client.put_object(Bucket=BUCKET, Key=key, Body=b"1"), keys))
    store = s3_place.store()
    for pattern, count in (("2026/*.csv", 2500), ("**/*.csv", 2500), ("2026/1???.csv", 1000), ("2026/*[05].csv", 500)):
        found = [entry.path for entry in store.entries(f"{root}/{pattern}")]
        assert len(found) == count
        assert found == sorted(set(found))


def test_wildcards_stand_for_one_level_and_a_name_with_wildcards_is_taken_as_it_is(
    s3_place: S3Place, root: str
) -> None:
    store = s3_place.store()
    for name in ("a/x.csv", "b/x.csv", "b/c/x.csv", "b/_no/x.csv", "b/_k=1/x.csv", "odd[1]*.csv", "odd1z.csv"):
        put(store, f"{root}/{name}", b"1")

    def names(pattern: str) -> list[str]:
        return [entry.path.removeprefix(f"{root}/") for entry in store.entries(f"{root}/{pattern}")]

    assert names("*/x.csv") == ["a/x.csv", "b/x.csv"]
    assert names("b/**/x.csv") == ["b/_k=1/x.csv", "b/c/x.csv", "b/x.csv"]
    assert names("b/**") == ["b/_k=1/x.csv", "b/c/x.csv", "b/x.csv"]
    assert names("odd[1]*.csv") == ["odd1z.csv", "odd[1]*.csv"]


PATTERNS = [
    *("*", "**", "**/*", "*/*", "a/**", "a/**/*", "**/b/*", "a/**/b/**/x.csv", "**/x.csv", "?.csv", "[xy].csv"),
    *("[!x].csv", "*/b", "a/*/x.csv", "**/_*", "_h/*", "*/_h/x.csv", ".*", "**/k=*/*", "a*/**/?.csv", "**/**/x.csv"),
    *("none/*", "x.csv", "a/b", "*.CSV", "**/.d/*"),
]


def test_a_pattern_names_the_same_as_on_a_disk(s3_place: S3Place, root: str, tmp_path: Path) -> None:
    names = ("x.csv", "y.csv", "a/x.csv", "a/b/x.csv", "a/b/c/x.csv", "a/b/c/b/x.csv", "ab/x.csv", "_h/x.csv",
             "a/_h/x.csv", ".d/x.csv", "a/.x.csv", "k=1/x.csv", "a/_k=1/x.csv", "_x.csv", "a/b/_y.csv")  # fmt: skip
    store, disk = s3_place.store(), registry.make(registry.find("store", "file"), {})
    for name in names:
        put(store, f"{root}/{name}", b"1")
        put(disk, f"{tmp_path}/{name}", b"1")
    for pattern in PATTERNS:
        there = [entry.path.removeprefix(f"{root}/") for entry in store.entries(f"{root}/{pattern}")]
        here = [entry.path.removeprefix(f"{tmp_path}/") for entry in disk.entries(f"{tmp_path}/{pattern}")]
        assert there == here, pattern


def test_placeholders_of_folders_are_no_objects(s3_place: S3Place, root: str) -> None:
    store, key = s3_place.store(), root.partition("/")[2]
    put(store, f"{root}/f/a.csv", b"1")
    s3_place.client().put_object(Bucket=BUCKET, Key=f"{key}/f/empty/", Body=b"")
    assert [entry.path for entry in store.entries(f"{root}/**/*")] == [f"{root}/f/a.csv"]
    assert store.entries(f"{root}/f/") == []


@pytest.mark.parametrize("path", ["{}/a.csv", "{}/*.csv", "{}/"])
def test_a_bucket_that_is_not_there_is_named(s3_place: S3Place, path: str) -> None:
    with pytest.raises(Refused, match="there is no bucket 'no-such-bucket'") as refused:
        s3_place.store().entries(path.format("no-such-bucket") if "*" in path else path.format("no-such-bucket") + "a")
    assert refused.value.code == "path-missing"


def test_nothing_is_written_to_a_bucket_that_is_not_there(s3_place: S3Place) -> None:
    with pytest.raises(Refused, match="there is no bucket"):
        put(s3_place.store(), "no-such-bucket/a.csv", b"1")
    assert "no-such-bucket" not in [one["Name"] for one in s3_place.client().list_buckets()["Buckets"]]


@pytest.mark.parametrize("work", ["entries", "glob", "open", "stage", "read_note", "swap_note", "remove", "published"])
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"secret_key": Secret("a wrong secret key")}, "the secret key is not the one of this access key"),
        ({"access_key": "nobody"}, "does not know this access key"),
    ],
)
def test_wrong_keys_are_told_as_such(s3_place: S3Place, root: str, work: str, wrong: dict[str, Any], says: str) -> None:
    store = s3_place.store(**wrong)
    with pytest.raises(Refused) as refused:
        _do(store, work, f"{root}/a.csv")
    if work != "published":  # asked by HEAD, to which no words are answered
        assert says in str(refused.value)
    assert "a wrong secret key" not in str(refused.value) + repr(refused.value.__cause__)
    assert refused.value.code == "permission-denied"


def test_a_server_that_does_not_answer_is_worth_another_try(root: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        options = {
            "endpoint": f"http://127.0.0.1:{taken.getsockname()[1]}",
            "access_key": "a",
            "secret_key": Secret("s"),
        }
        store = registry.make(registry.find("store", "s3"), options)
        with pytest.raises(Transient, match="Could not connect"):
            store.entries(f"{root}/a.csv")


def _do(store: Any, work: str, path: str) -> None:
    if work == "stage":
        with store.stage(path, "load1"):
            pass
    elif work == "glob":
        store.entries(path.replace("a.csv", "*.csv"))
    elif work == "swap_note":
        store.swap_note(path, b"1", None)
    else:
        getattr(store, work)(path, *(["token"] if work == "published" else []))


CONNECTIONS = """
import sys
seen = set()
sys.addaudithook(lambda event, given: seen.add(str(given[1])) if event == "socket.connect" else None)
from towpath.cli.main import main
print(main(sys.argv[1:]), *seen)
"""


@pytest.mark.parametrize("keys", [True, False])
def test_only_the_server_that_was_named_is_asked(s3_place: S3Place, root: str, tmp_path: Path, keys: bool) -> None:
    """Without keys nobody: not the metadata service of a cloud's machine either, which boto3 by itself would."""
    (tmp_path / "a.csv").write_text("id\n1\n")
    server = s3_place.server
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "AWS_ENDPOINT_URL_S3": s3_place.endpoint}
    if keys:
        environment |= {"AWS_ACCESS_KEY_ID": server.user, "AWS_SECRET_ACCESS_KEY": server.password.reveal()}
    command = [sys.executable, "-c", CONNECTIONS, "copy", "a.csv", f"s3://{root}/a.parquet", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    if keys:
        assert done.stdout.strip() == f"0 ('{server.host}', {server.port})"
    else:
        assert done.stdout.strip() == "2"
        assert "no keys were found" in done.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"endpont": "x"}, "did you mean 'endpoint'"),
        ({"addressing_style": "dns"}, "auto, path, virtual"),
        ({"part_mb": "1"}, "5 to 5000"),
        ({"access_key": "a"}, "belong together"),
        ({"endpoint": "127.0.0.1:1"}, "Invalid endpoint"),
        ({"profile": "nobody's"}, "could not be found"),
    ],
)
def test_a_wrong_option_is_told(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        build(registry.load(registry.find("store", "s3")), options, "store s3").entries("bucket/key")


@pytest.mark.parametrize("path", ["/a.csv", "*/a.csv", ""])
def test_an_address_without_a_bucket_is_told(s3_place: S3Place, path: str) -> None:
    with pytest.raises(UserError, match="bucket"):
        s3_place.store().entries(path)


def test_a_server_that_ignores_conditions_is_not_written_to(s3_place: S3Place, root: str) -> None:
    put(s3_place.store(), f"{root}/a.csv", b"old")
    with Between(s3_place) as between:
        between.ignores = {"PUT", "POST"}
        store = s3_place.store(endpoint=between.endpoint)
        assert get(store, f"{root}/a.csv") == b"old"
        for _ in range(2):
            with pytest.raises(Refused, match="ignores conditions") as refused, store.stage(f"{root}/a.csv", "load1"):
                pass
        assert refused.value.code == "guarantee-lacking"
        with pytest.raises(Refused, match="ignores conditions"):
            store.swap_note(f"{root}/note", b"1", None)
        assert s3_place.tree(f"{root}/") == {"a.csv": b"old"}
        between.ignores = set()
        s3_conditions._found.clear()  # the next run finds a better server there
        put(store, f"{root}/a.csv", b"new")
    assert s3_place.tree(f"{root}/") == {"a.csv": b"new"}


def test_conditions_are_tried_once_and_remembered(s3_place: S3Place, root: str) -> None:
    with Between(s3_place) as between:
        for number in range(2):
            for _ in range(2):
                put(s3_place.store(endpoint=between.endpoint), f"{root}/a.csv", b"1", load_id=f"load{number}")
        assert len({one.path.partition("?")[0] for one in between.passed if ".tow-probe" in one.path}) == 1
    assert s3_place.tree(f"{root}/") == {"a.csv": b"1"}


def test_where_deleting_knows_no_conditions_a_removed_note_is_an_empty_object(s3_place: S3Place, root: str) -> None:
    with Between(s3_place) as between:
        between.ignores = {"DELETE"}
        store, note = s3_place.store(endpoint=between.endpoint), f"{root}/note"
        first = store.swap_note(note, b"one", None)
        store.swap_note(note, None, first)
        assert store.read_note(note) is None
        assert s3_place.tree(f"{root}/") == {"note": b""}
        second = store.swap_note(note, b"two", None)
        assert store.read_note(note) == (b"two", second)
        with pytest.raises(Conflict):
            store.swap_note(note, b"three", None)


def test_a_swap_whose_answer_was_lost_is_known_to_have_been_done(s3_place: S3Place, root: str) -> None:
    with Between(s3_place) as between:
        store, lost = s3_place.store(endpoint=between.endpoint), [True]
        version = store.swap_note(f"{root}/note", b"one", None)
        between.loses = lambda method, path: method == "PUT" and path.endswith("note") and bool(lost and lost.pop())
        again = store.swap_note(f"{root}/note", b"two", version)
        assert store.read_note(f"{root}/note") == (b"two", again)
        with pytest.raises(TowError):
            store.swap_note(f"{root}/note", b"three", version)


def test_keys_may_come_from_a_profile(
    s3_place: S3Place, root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3_place.store(), f"{root}/a.csv", b"1")
    profile = f"[profile lab]\naws_access_key_id = {s3_place.server.user}\naws_secret_access_key = {{}}\n"
    (tmp_path / "config").write_text(profile.format(s3_place.server.password.reveal()))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    store = registry.make(registry.find("store", "s3"), {"endpoint": s3_place.endpoint, "profile": "lab"})
    assert get(store, f"{root}/a.csv") == b"1"


def test_a_version_is_the_same_in_a_listing_and_by_name(s3_place: S3Place, root: str) -> None:
    """Also of an object that went up in parts."""
    store = s3_place.store()
    for name, size in (("a.bin", 10), ("b.bin", 20 << 20)):
        put(store, f"{root}/{name}", b"\1" * size)
        assert store.entries(f"{root}/{name}") == [e for e in store.entries(f"{root}/*") if e.path.endswith(name)]


def test_a_missing_library_is_told_with_the_command_that_installs_it() -> None:
    hidden = "import sys; sys.modules.update(boto3=None, botocore=None)\n"
    code = hidden + "from towpath.cli.main import main; sys.exit(main(['peek', 's3://bucket/a.csv']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "needs the package boto3" in done.stderr
    assert "pip install 'towpath[s3]'" in done.stderr


def test_a_plan_only_asks(s3_place: S3Place, root: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    put(s3_place.store(), f"{root}/a.parquet", b"1")
    with Between(s3_place) as between:
        for name in ("a.parquet", "b.parquet", "c/"):
            at = s3_place.address(f"{root}/{name}").replace(s3_place.endpoint, between.endpoint)
            offer = api.plan(str(tmp_path / "a.csv"), at, mode="replace").offer
            assert offer is not None
            assert offer.guarantee == "atomic"
        assert {one.method for one in between.passed} <= {"GET", "HEAD"}
