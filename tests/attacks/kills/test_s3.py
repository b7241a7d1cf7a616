"""Loads into S3, cut at each of their messages: the run is killed, the connection ends, the answer is lost or wrong."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import boto3
import pytest

from tests.attacks.kills.kit import (
    INTERRUPTS,
    Undisturbed,
    attacked,
    check_interrupted,
    interrupted_after,
    undisturbed,
)
from tests.attacks.kills.stores import CASES, Case, S3Scene, killing
from tests.attacks.kills.warm import Run, Warm
from tests.attacks.share import Attack
from towpath.lab import Server
from towpath.lab.faults.framing import HTTPFraming, Way
from towpath.lab.faults.network import Call, Cut, Fault, LoseAnswer, Message, Passing, Stall, http
from towpath.lab.faults.proxy import Proxy

_BUSY = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
_BROKEN = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>We met an error.</Message></Error>"
pytestmark = pytest.mark.timeout(1800)
_LOOK_SECS = 0.02
_ARRIVAL = 0.1
"""Seconds in which what has passed the proxy has been done."""
_PATIENCE = 5.0
"""Seconds that the server may take to answer before its answer is lost."""


@dataclass
class Said:
    """The server says no, by a status and words (an answer to HEAD has none)."""

    status: int
    words: bytes

    def strike(self, passing: Passing) -> None:
        words = b"" if passing.message.kind == "HEAD" else self.words
        http(self.status, words, content_type="application/xml").strike(passing)
        if passing.message.kind == "body":  # whose head is on its way: what the client says next is not what is missing
            passing.cut()


@dataclass
class Watched:
    """A fault of which one can tell that it is over."""

    fault: Fault
    over: threading.Event = field(default_factory=threading.Event)

    def strike(self, passing: Passing) -> None:
        try:
            self.fault.strike(passing)
        finally:
            self.over.set()


@dataclass
class Killed:
    """The run is killed when half of a message is out."""

    run: Run

    def strike(self, passing: Passing) -> None:
        passing.send(passing.data[: len(passing.data) // 2])
        killing(self.run)(passing.message)
        passing.cut()


FAULTS: dict[str, Callable[[Run, Proxy], Fault]] = {
    "killed before": lambda run, _: Cut(0, first=killing(run)),
    "killed after": lambda run, _: LoseAnswer(_PATIENCE, first=killing(run)),
    "killed half-way": lambda run, _: Killed(run),
    "cut before": lambda run, _: Cut(0),
    "cut half-way": lambda run, _: Cut(200),
    "answer lost": lambda run, _: LoseAnswer(_PATIENCE),
    "slow down": lambda run, _: Said(503, _BUSY),
    "server error": lambda run, _: Said(500, _BROKEN),
    "stall": lambda run, _: Stall(2.5),
    "server gone": lambda run, proxy: Call(lambda _: proxy.down()),
    "answer lost, server gone": lambda run, proxy: LoseAnswer(_PATIENCE, first=lambda _: proxy.down()),
}
"""What goes wrong at one message of the client's."""
_PASSES = ("cut before", "cut half-way", "answer lost", "slow down", "server error", "stall")
"""What passes while the run lives, so that it has to get over it."""
_CORE = ("out.csv-append", "big-out.csv-append", "parts-replace", "strange-out.csv-create")
"""The cases in which all of it goes wrong at each message of the publish window; in others the worst does, at some."""
_WORST = ("killed after", "answer lost", "answer lost, server gone")
PAIRS = [(case, fault) for case in CASES for fault in FAULTS if str(case) in _CORE or fault in _WORST]


@pytest.fixture(scope="session")
def proxy(s3_server: Server) -> Iterator[Proxy]:
    with Proxy(s3_server.host, s3_server.port, HTTPFraming) as opened:
        yield opened


@pytest.fixture(scope="session")
def client(s3_server: Server) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=f"http://{s3_server.host}:{s3_server.port}",
        region_name="us-east-1",
        aws_access_key_id=s3_server.user,
        aws_secret_access_key=s3_server.password.reveal(),
    )


@pytest.fixture(scope="session")
def scenes(s3_server: Server, proxy: Proxy, client: Any, tmp_path_factory: pytest.TempPathFactory, tow: Warm) -> Any:
    """The scene of a case, what is right in it, and the numbers of the messages from the first that writes on."""
    made: dict[str, tuple[S3Scene, Undisturbed, range]] = {}
    folder = tmp_path_factory.mktemp("s3")

    def of(case: Case) -> tuple[S3Scene, Undisturbed, range]:
        if str(case) not in made:
            scene = S3Scene(case, folder / str(case), s3_server, proxy, client)
            known = undisturbed(tow, scene)
            kinds = [message.kind for message in scene.messages(tow)]
            begin = min(kinds.index(kind) for kind in ("PUT", "POST") if kind in kinds)
            made[str(case)] = scene, known, range(begin + 1, len(kinds) + 1)
        proxy.clear()
        return made[str(case)]

    return of


@pytest.mark.one_of_many
@pytest.mark.parametrize(("case", "fault"), PAIRS, ids=str)
def test_whatever_goes_wrong_at_a_message_old_or_new_stands_and_the_next_run_ends_right(
    case: Case, fault: str, scenes: Any, proxy: Proxy, tow: Warm, attack: Attack
) -> None:
    scene, known, numbers = scenes(case)
    name, codes = f"{case} {fault}", (0,) if fault in _PASSES else (0, 1, -9)
    if str(case) not in _CORE:
        numbers = numbers[attack.random(name).randrange(4) :: 4]

    struck: list[Message] = []

    def cut(run: Run, number: int) -> None:
        proxy.clear()
        watched = Watched(FAULTS[fault](run, proxy))
        proxy.at(Way.CLIENT, number, watched)
        run.go()
        run.wait()
        struck[:] = proxy.struck
        if struck:  # a request that was held up comes now, when its run has done without it
            assert watched.over.wait(60)
            time.sleep(_ARRIVAL)
        proxy.clear()  # what did not strike shall not strike the next run
        proxy.up()

    for number in attack.some(name, numbers, least=2):
        proxy.clear()
        try:
            attacked(tow, scene, known, partial(cut, number=number), codes, every=_LOOK_SECS)
        except AssertionError as error:
            raise AssertionError(f"{fault} at {number} of {numbers} ({struck}): {error}") from error


@pytest.mark.one_of_many
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_run_killed_at_any_moment_leaves_old_or_new_and_the_next_ends_right(
    case: Case, scenes: Any, proxy: Proxy, tow: Warm, attack: Attack
) -> None:
    scene, known, _ = scenes(case)
    chance = attack.random(f"s3-moments-{case}")

    def cut(run: Run, secs: float) -> None:
        run.go()
        run.wait(secs)
        run.kill()
        time.sleep(0.05)  # what is on its way already arrives

    for _ in range(attack.times(100, least=2)):
        secs = chance.uniform(0, known.secs * 1.1)
        attacked(tow, scene, known, partial(cut, secs=secs), every=_LOOK_SECS)


@pytest.mark.one_of_many
@pytest.mark.parametrize("number", INTERRUPTS, ids=lambda number: number.name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_interrupt_of_a_load_leaves_nothing_there(
    case: Case, number: signal.Signals, scenes: Any, tow: Warm, attack: Attack
) -> None:
    scene, known, _ = scenes(case)
    chance = attack.random(f"s3-{number.name}-{case}")

    def ended(run: Run) -> None:
        check_interrupted(run, number)
        assert scene.leftovers() == [], run.err

    for _ in range(attack.times(10, least=2)):
        cut = interrupted_after(chance.uniform(0, known.secs), number)
        attacked(tow, scene, known, cut, (0, INTERRUPTS[number], -number), every=_LOOK_SECS, ended=ended)
