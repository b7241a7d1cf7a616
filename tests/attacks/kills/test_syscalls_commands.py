"""Every file that a command keeps for its user, killed before each of its system calls: bad rows, states, secrets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.attacks.kills.local import Case, LocalScene, Scenes
from tests.attacks.kills.test_syscalls import traced
from tests.attacks.kills.warm import Run, Warm
from tests.attacks.share import Attack
from towpath.lab.faults import syscalls
from towpath.lab.faults.syscalls import Call

pytestmark = pytest.mark.skipif(syscalls.missing() is not None, reason=str(syscalls.missing()))

BAD = Case("sqlite", "sqlite:///shop.db#orders", "append")
BROKEN = "id,k,v\n4,d,4.5\nnine,x,9.5\n5,e,5.5\nten,y,10.5\n"
Place = tuple[LocalScene, Callable[..., Run]]


@contextmanager
def _begun(tow: Warm, scene: LocalScene) -> Iterator[Place]:
    Path(scene.env["TMPDIR"]).mkdir(parents=True)
    scene.begin(tow)

    def run(*words: str, held: bool = False) -> Run:
        made = tow.start(words, scene.folder, {**scene.env, "TOWPATH_PASSPHRASE": "a long passphrase"}, held=held)
        if not held:
            made.wait()
        return made

    yield scene, run
    scene.end()


def _killed(place: Place, words: Sequence[str], faults: Sequence[str] = (), log: Path | None = None) -> Run:
    run = place[1](*words, held=True)
    traced(*faults, log=log)(run)
    assert run.wait()
    assert run.code in (0, -9), run.err
    return run


def _each(
    tow: Warm, scenes: Scenes, attack: Attack, name: str, words: Sequence[str], prepare: Callable[[Place], object]
) -> Iterator[Place]:
    """A fresh place for each call of a command, in which it was killed there."""
    log = scenes.folder / "log"
    with _begun(tow, scenes(BAD)) as place:
        prepare(place)
        assert _killed(place, words, log=log).code == 0
        calls: list[Call] = syscalls.calls(log, about=str(place[0].folder))
        calls = [call for call in calls if "/runs.sqlite" not in call.line]
        assert len(calls) > 3
    for call in attack.some(name, calls, least=2):
        with _begun(tow, scenes(BAD)) as place:
            prepare(place)
            _killed(place, words, [call.killed()])
            yield place


def _with_bad_rows(place: Place) -> None:
    (place[0].folder / "in" / "2.csv").unlink()
    (place[0].folder / "in" / "2.csv").write_text(BROKEN)


def _bad(folder: Path) -> list[str]:
    """The bad rows kept for published loads, and how often."""
    there = (folder / "bad").glob("*/rows.jsonl")
    return sorted(json.loads(line)["raw"].strip() for path in there for line in path.read_text().splitlines())


def test_a_load_with_bad_rows_killed_at_any_call_keeps_each_once(tow: Warm, scenes: Scenes, attack: Attack) -> None:
    words = ("run", "--json", "--bad-rows", "bad")
    for scene, run in _each(tow, scenes, attack, "bad", words, _with_bad_rows):
        again = run(*words)
        assert again.code == 0, again.err
        assert _bad(scene.folder) == ["nine,x,9.5", "ten,y,10.5"]
        names = [path.name for path in (scene.folder / "bad").iterdir()]
        assert len(names) == 1, names
        assert "." not in names[0], names


def test_a_replay_killed_at_any_call_sends_each_row_once(tow: Warm, scenes: Scenes, attack: Attack) -> None:
    def prepare(place: Place) -> None:
        _with_bad_rows(place)
        done = place[1]("run", "--bad-rows", "bad")
        assert done.code == 0, done.err
        (path,) = (place[0].folder / "bad").glob("*/rows.jsonl")
        path.write_text(path.read_text().replace("nine", "9").replace('"ten', '"10'))

    wanted = [(1, "a", 1.5), (2, "b", 2.5), (3, "c", 3.5), (4, "d", 4.5), (5, "e", 5.5), (9, "x", 9.5), (10, "y", 10.5)]
    for scene, run in _each(tow, scenes, attack, "replay", ("replay", "bad"), prepare):
        again = run("replay", "bad")
        assert again.code == 0 or "[bad-rows-missing]" in again.err, again.err
        assert scene.see() == tuple(wanted)
        kept = [path.name for path in (scene.folder / "bad").iterdir()]
        assert kept == ["replayed"], kept


def test_a_state_moved_by_a_command_killed_at_any_call_is_the_old_or_the_new(
    tow: Warm, scenes: Scenes, attack: Attack
) -> None:
    for case in (BAD, Case("out.csv", "out.csv", "append"), Case("folder", "parts/", "append", ", format: parquet")):
        log = scenes.folder / f"log-{case}"
        words = ("state", "rewind", "orders", "--file", "1.csv")
        show = ("state", "show", "--json")
        with _begun(tow, scenes(case)) as place:
            old = json.loads(place[1](*show).out)["checkpoint"]
            assert _killed(place, words, log=log).code == 0
            new = json.loads(place[1](*show).out)["checkpoint"]
            assert new != old
            calls = syscalls.calls(log, about=str(place[0].folder))
        for call in attack.some(f"state-{case}", calls, least=2):
            with _begun(tow, scenes(case)) as place:
                scene, run = place
                rows = scene.see()
                _killed(place, words, [call.killed()])
                assert scene.see() == rows
                reached = json.loads(run(*show).out)["checkpoint"]
                assert reached in (old, new)
                again = run(*words)
                assert again.code == (0 if reached == old else 1), again.err
                assert json.loads(run(*show).out)["checkpoint"] == new
                assert scene.leftovers() == []


def test_secrets_changed_by_a_command_killed_at_any_call_are_the_old_or_the_new(
    tow: Warm, scenes: Scenes, attack: Attack
) -> None:
    pytest.importorskip("keyring")
    pytest.importorskip("cryptography")
    from towpath.secrets.encrypted_file import EncryptedFile

    def prepare(place: Place) -> None:
        place[0].env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
        file = EncryptedFile(Path(place[0].env["XDG_DATA_HOME"]) / "towpath" / "secrets", n=1 << 10)
        with file.changing("a long passphrase") as names:
            names.update({"shop/ann": "first secret", "shop/bob": "second secret"})

    for scene, run in _each(tow, scenes, attack, "secrets", ("secrets", "remove", "shop/ann"), prepare):
        listed = run("secrets", "list", "--json")
        assert listed.code == 0, listed.err
        names = json.loads(listed.out)["names"]
        assert names in (["shop/ann", "shop/bob"], ["shop/bob"])
        again = run("secrets", "remove", "shop/ann")
        assert again.code == (0 if len(names) == 2 else 1), again.err
        folder = Path(scene.env["XDG_DATA_HOME"]) / "towpath"
        assert [path.name for path in folder.iterdir()] == ["secrets"]
        assert (folder / "secrets").stat().st_mode & 0o777 == 0o600
