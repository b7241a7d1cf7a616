"""Kills: a run is cut off at some moment while readers look, and then the same command is given again.

A `Scene` is one destination in one mode, made afresh for each cut: `class MyScene(Scene)` with `begin` and `see`.
`undisturbed` runs one scene to its end and says what is right; `attacked` cuts a scene, and holds it to that. What
cuts is a function of a held `Run`: it lets the run go, and ends it or breaks something on its way.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.attacks.kills.warm import Run, Warm

LOCKED = "locked"
"""What a reader sees who is told to come back later."""

Cut = Callable[[Run], object]
_KILLED = -signal.SIGKILL
_SAME = ("status", "mode", "rows", "inserted", "updated", "unchanged", "books", "digest", "set_aside")
"""What the receipt of a load says whichever of its tries published it."""


class Scene:
    """One destination in one mode, in a folder of its own, where `tow` with `words` runs the step to be cut.

    The step has a name (a `tow.yaml` in `folder`), so that the same words given again go on where the dead run was."""

    words: tuple[str, ...] = ("run", "--json")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {
            "TOWPATH_STATE": str(folder / "home" / "state"),
            "XDG_CONFIG_HOME": str(folder / "home" / "config"),
            "XDG_DATA_HOME": str(folder / "home" / "data"),
            "TMPDIR": str(folder / "home" / "tmp"),
        }

    def begin(self, tow: Warm) -> None:
        """Makes what the run reads, `tow.yaml`, and the old unit with its state, if the mode is not create."""
        raise NotImplementedError

    def see(self) -> Hashable:
        """What a reader sees now: equal values for equal rows, None where there is nothing, or LOCKED. Called from
        another thread as well, at any moment; anything that a reader should never meet is raised."""
        raise NotImplementedError

    def await_gone(self) -> None:
        """Waits until nothing goes on that the dead run has begun: a server may still do what it was asked."""

    def leftovers(self) -> list[str]:
        """What is there, though no run lives, beside the unit, its state and what `begin` made: temporary files,
        staging tables, uploads, open transactions."""
        raise NotImplementedError

    def end(self) -> None:
        """Removes what lies outside of `folder`."""


@dataclass(frozen=True)
class Undisturbed:
    """What is right: the unit before and after one run that nobody cut, its receipt, and how long it took."""

    old: Hashable
    new: Hashable
    receipt: dict[str, Any]
    secs: float


@dataclass
class Attacked:
    """What came of one attack: the cut run, and what its readers saw."""

    run: Run
    seen: set[Hashable] = field(default_factory=set)

    @property
    def died(self) -> bool:
        return self.run.code == _KILLED


def undisturbed(tow: Warm, scene: Scene) -> Undisturbed:
    """One run of the scene from beginning to end; the same again finds nothing new."""
    with _begun(tow, scene):
        old = scene.see()
        begun = time.monotonic()
        receipt = _done(tow, scene)
        secs = time.monotonic() - begun
        new = scene.see()
        assert receipt["status"] == "done", receipt
        assert new != old
        assert _done(tow, scene)["status"] == "unchanged"
        assert scene.leftovers() == []
        return Undisturbed(old, new, {name: receipt[name] for name in _SAME}, secs)


def attacked(
    tow: Warm,
    scene: Scene,
    known: Undisturbed,
    cut: Cut,
    codes: Collection[int] = (0, _KILLED),
    every: float = 0.001,
    ended: Callable[[Run], object] = lambda run: None,
) -> Attacked:
    """One cut run of a fresh scene, and the same command again. `codes` are the exit codes that the cut run may have; a
    reader looks all the while, `every` so many seconds. `ended` is called between the two.

    Asserts that readers saw the old unit or the new one (or were locked out), that the run again ended well with the
    rows, books and digest of an undisturbed one, that its state is right, and that nothing is left."""
    with _begun(tow, scene):
        assert scene.see() == known.old, "the scene does not begin as the undisturbed one did"
        done = Attacked(tow.start(scene.words, scene.folder, scene.env, held=True))
        with watching(scene, done.seen, every):
            try:
                cut(done.run)
                assert done.run.wait(), "the cut run neither died nor ended"
            finally:
                done.run.kill()
                done.run.wait()
        told = f"the cut run ended with {done.run.code}: {done.run.err[-2000:]} {done.run.out[-2000:]}"
        assert done.run.code in codes, told
        # An interrupt in the end of an object (`__del__`, `weakref.finalize`) is lost and told by Python itself.
        lost = done.run.err.count("Exception ignored in") if set(INTERRUPTS.values()) & set(codes) else 0
        assert done.run.err.count("Traceback") == lost, told
        assert done.run.orphans() == [], told
        assert done.seen <= {known.old, known.new, LOCKED}, f"readers saw {done.seen - {known.old, known.new}}; {told}"
        scene.await_gone()
        after = scene.see()
        assert after in (known.old, known.new), f"the dead run left {after!r}; {told}"
        assert done.run.code != 0 or after == known.new, f"ended well without the new unit; {told}"
        ended(done.run)
        again(tow, scene, known, after, told)
        return done


def again(tow: Warm, scene: Scene, known: Undisturbed, after: Hashable, told: str = "") -> None:
    """The same command again, after a run that left `after`; asserts what `attacked` says of it."""
    receipt = _done(tow, scene, told)
    if receipt["status"] == "done":
        assert after == known.old, f"published twice: {receipt}; {told}"
        assert {name: receipt[name] for name in _SAME} == known.receipt, told
    else:
        assert receipt["status"] == "unchanged", told
        assert after == known.new, f"said to be there, and is not; {told}"
    assert scene.see() == known.new, told
    assert receipt["status"] == "unchanged" or _done(tow, scene, told)["status"] == "unchanged", told
    left = scene.leftovers()
    assert left == [], f"left behind: {left}; {told}"


def kill_after(secs: float) -> Cut:
    """Kills the run so many seconds after it began, and waits until it is gone."""

    def cut(run: Run) -> None:
        run.go()
        run.wait(secs)
        run.kill()
        run.wait()

    return cut


INTERRUPTS = {signal.SIGINT: 130, signal.SIGTERM: 143}
"""The signals by which one asks a run to end, and the exit codes that shells know for them."""


def interrupted_after(secs: float, number: signal.Signals) -> Cut:
    """Asks the run to end so many seconds after it began."""

    def cut(run: Run) -> None:
        run.go()
        run.wait(secs)
        run.signal(number)

    return cut


def check_interrupted(run: Run, number: signal.Signals) -> None:
    """What an interrupted run says: nothing, if it came to its end before; otherwise one line and its code."""
    # A program that was not yet told what to do with SIGTERM, or no more, is ended by it: nothing had begun, or all had
    # ended.
    assert run.code in (0, INTERRUPTS[number], -number), run.err
    assert run.code != -number or not run.err or ": ends: " in run.err, run.err
    assert run.err.count("tow: interrupted") == (1 if run.code == INTERRUPTS[number] and run.err else 0), run.err


@contextmanager
def watching(scene: Scene, seen: set[Hashable], every: float) -> Iterator[None]:
    """A reader who looks all the while, in a thread; what it was not to meet is raised at the end."""
    over = threading.Event()
    failures: list[BaseException] = []

    def look() -> None:
        try:
            while not over.is_set():
                seen.add(scene.see())
                over.wait(every)
        except BaseException as error:
            failures.append(error)

    reader = threading.Thread(target=look, daemon=True)
    reader.start()
    try:
        yield
    finally:
        over.set()
        reader.join()
    if failures:
        raise failures[0]


@contextmanager
def _begun(tow: Warm, scene: Scene) -> Iterator[None]:
    Path(scene.env["TMPDIR"]).mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as ending:
        ending.callback(scene.end)
        scene.begin(tow)
        yield


def _done(tow: Warm, scene: Scene, told: str = "") -> dict[str, Any]:
    """The receipt of a run of the scene that nobody cuts."""
    run = tow.run(scene.words, scene.folder, scene.env)
    assert run.code == 0, f"run again, it ended with {run.code}: {run.err[-2000:]} {run.out[-2000:]}; {told}"
    (receipt,) = run.receipts()
    return receipt
