"""Loads into topics, cut at each request of their transaction and at random moments; the broker dies and comes back."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.kills.kit import (
    INTERRUPTS,
    Undisturbed,
    attacked,
    check_interrupted,
    interrupted_after,
    kill_after,
    undisturbed,
)
from tests.attacks.kills.stores import killing
from tests.attacks.kills.topics import CASES, Case, LettersScene, TopicScene
from tests.attacks.kills.warm import Run, Warm
from tests.attacks.share import Attack
from tests.kafkakit import kafka
from towpath.lab import Lab, Server
from towpath.lab.faults.framing import KafkaFraming, Way
from towpath.lab.faults.network import Call, Cut, Fault, LoseAnswer, Message, Stall
from towpath.lab.faults.proxy import Proxy

pytestmark = pytest.mark.timeout(1800)
_LOOK_SECS = 0.05
_PATIENCE = 5.0
"""Seconds that the broker may take to answer before its answer is lost."""
_DEADLY = (0, 1, -9)
_PASSES = ("cut before", "cut half-way", "answer lost")
"""What passes while the run lives, so that it has to get over it."""
WINDOW = ("InitProducerId", "CreateTopics", "AddPartitionsToTxn", "Produce", "EndTxn")
"""The requests around which a run is cut, beside the last looks at offsets before and after the transaction's end."""

_CORE = ("new-create", "json-append")
_WORST = ("killed after", "answer lost", "broker gone")
"""In the other cases than the core ones only this goes wrong, and they are killed at 20 moments, not at 100."""

FAULTS: dict[str, Callable[[Run, Proxy], Fault]] = {
    "killed before": lambda run, _: Cut(0, first=killing(run)),
    "killed after": lambda run, _: LoseAnswer(_PATIENCE, first=killing(run)),
    "cut before": lambda run, _: Cut(0),
    "cut half-way": lambda run, _: Cut(30),
    "answer lost": lambda run, _: LoseAnswer(_PATIENCE),
    "stall": lambda run, _: Stall(5.0),
    "broker gone": lambda run, proxy: Call(lambda _: proxy.down()),
    "answer lost, broker gone": lambda run, proxy: LoseAnswer(_PATIENCE, first=lambda _: proxy.down()),
}


@pytest.fixture(scope="session")
def proxy(kafka_server: Server) -> Iterator[Proxy]:
    with kafka(kafka_server).transaction("towpath/warm"):
        pass  # a broker just started takes a while until it keeps transactions
    with Proxy(kafka_server.host, kafka_server.port, KafkaFraming) as opened:
        yield opened


@pytest.fixture(scope="session")
def cases(kafka_server: Server, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory, tow: Warm) -> Any:
    """Of a case: what makes its scenes, what is right in it, and the requests of one run; found once."""
    made: dict[Case, tuple[Callable[[], TopicScene], Undisturbed, list[tuple[str, int]]]] = {}
    folder, numbers = tmp_path_factory.mktemp("topics"), itertools.count()

    def of(case: Case) -> tuple[Callable[[], TopicScene], Undisturbed, list[tuple[str, int]]]:
        def scene() -> TopicScene:
            return TopicScene(case, folder / str(next(numbers)), kafka_server, proxy)

        if case not in made:
            known = undisturbed(tow, scene())
            one = scene()
            one.folder.mkdir()
            one.begin(tow)
            proxy.clear()
            assert tow.run(one.words, one.folder, one.env).code == 0
            made[case] = scene, known, requests(proxy.messages)
        proxy.clear()
        return made[case]

    return of


def requests(messages: list[Message]) -> list[tuple[str, int]]:
    """The kinds of the requests in the window, each with the how manieth of its kind it is."""
    kinds = [one.kind for one in messages if one.way is Way.CLIENT]
    looks = [at for at, kind in enumerate(kinds) if kind == "ListOffsets"]
    ends = kinds.index("EndTxn")
    chosen = {at for at, kind in enumerate(kinds) if kind in WINDOW} | {looks[-1], max(at for at in looks if at < ends)}
    return [(kinds[at], kinds[: at + 1].count(kinds[at])) for at in sorted(chosen)]


def nth(kind: str, number: int) -> Callable[[Message], bool]:
    """Whether a message is the how manieth request of a kind."""
    counted = itertools.count(1)
    return lambda message: message.way is Way.CLIENT and message.kind == kind and next(counted) == number


@pytest.mark.one_of_many
@pytest.mark.parametrize(
    ("case", "fault"),
    [(case, fault) for case in CASES for fault in FAULTS if str(case) in _CORE or fault in _WORST],
    ids=str,
)
def test_whatever_goes_wrong_at_a_request_all_or_nothing_is_seen_and_the_next_run_ends_right(
    case: Case, fault: str, cases: Any, proxy: Proxy, tow: Warm, attack: Attack
) -> None:
    make, known, found = cases(case)

    def cut(run: Run, scene: TopicScene, kind: str, number: int) -> None:
        proxy.clear()
        proxy.fault(nth(kind, number), FAULTS[fault](run, proxy))
        run.go()
        run.wait(120)
        proxy.clear()  # what did not strike shall not strike the next run
        proxy.up()
        scene.settled(0.3)

    for kind, number in attack.some(f"{case} {fault}", found, least=2):
        scene = make()
        try:
            cutting = partial(cut, scene=scene, kind=kind, number=number)
            attacked(tow, scene, known, cutting, (0,) if fault in _PASSES else _DEADLY, every=_LOOK_SECS)
        except AssertionError as error:
            raise AssertionError(f"{fault} at {kind} {number} of {found}: {error}") from error


@pytest.mark.one_of_many
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_run_killed_at_any_moment_leaves_all_or_nothing_and_the_next_ends_right(
    case: Case, cases: Any, tow: Warm, attack: Attack
) -> None:
    make, known, _ = cases(case)
    chance = attack.random(f"kafka-moments-{case}")

    def cut(run: Run, scene: TopicScene, secs: float) -> None:
        run.go()
        run.wait(secs)
        run.kill()
        scene.settled(0.3)

    for _ in range(attack.times(100, least=2)):
        scene = make()
        secs = chance.uniform(0, known.secs * 1.1)
        attacked(tow, scene, known, partial(cut, scene=scene, secs=secs), every=_LOOK_SECS)


@pytest.mark.one_of_many
@pytest.mark.parametrize("number", INTERRUPTS, ids=lambda number: number.name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_interrupt_of_a_load_leaves_nothing_that_is_seen(
    case: Case, number: signal.Signals, cases: Any, tow: Warm, attack: Attack
) -> None:
    make, known, _ = cases(case)
    chance = attack.random(f"kafka-{number.name}-{case}")
    for _ in range(attack.times(10, least=2)):
        scene = make()

        def ended(run: Run, scene: TopicScene = scene) -> None:
            scene.settled(0.3)
            check_interrupted(run, number)

        cut = interrupted_after(chance.uniform(0, known.secs), number)
        attacked(tow, scene, known, cut, (0, INTERRUPTS[number], -number), every=_LOOK_SECS, ended=ended)


def test_bad_rows_of_a_run_killed_at_any_moment_are_all_in_their_topic(
    kafka_server: Server, proxy: Proxy, tow: Warm, tmp_path: Path, attack: Attack
) -> None:
    numbers, chance = itertools.count(), attack.random("letters")

    def scene() -> LettersScene:
        return LettersScene(tmp_path / str(next(numbers)), kafka_server, proxy)

    known = undisturbed(tow, scene())
    for _ in range(attack.times(50, least=2)):
        secs = chance.uniform(0.2, 1.1) * known.secs
        proxy.clear()
        attacked(tow, scene(), known, kill_after(secs), every=_LOOK_SECS)


@pytest.mark.one_of_many
@pytest.mark.parametrize("fault", ["killed before", "killed after", "answer lost", "broker gone"])
def test_bad_rows_of_a_run_cut_when_they_are_committed_are_all_in_their_topic(
    kafka_server: Server, proxy: Proxy, tow: Warm, tmp_path: Path, fault: str
) -> None:
    known = undisturbed(tow, LettersScene(tmp_path / "known", kafka_server, proxy))

    def cut(run: Run) -> None:
        proxy.clear()
        proxy.fault(nth("EndTxn", 1), FAULTS[fault](run, proxy))
        run.go()
        run.wait(120)
        assert proxy.struck
        proxy.clear()
        proxy.up()

    attacked(tow, LettersScene(tmp_path / "cut", kafka_server, proxy), known, cut, _DEADLY, every=_LOOK_SECS)


@pytest.mark.server("kafka", start=False)
def test_a_broker_killed_at_any_moment_leaves_all_or_nothing(tow: Warm, tmp_path: Path, attack: Attack) -> None:
    if os.environ.get("TOWPATH_LAB_KAFKA"):
        pytest.skip("the server is not ours to kill")
    chance = attack.random("broker")
    with Lab() as lab:
        server = lab.up("kafka", durable=True)
        case = Case("json", "append", 5)
        numbers = itertools.count()

        def scene() -> TopicScene:
            return TopicScene(case, tmp_path / str(next(numbers)), server)

        known = undisturbed(tow, scene())

        def cut(run: Run, secs: float) -> None:
            run.go()
            run.wait(secs)
            server.kill()
            run.wait(120)
            server.start()

        for _ in range(attack.times(10, least=1)):
            one = scene()
            with _patient(one):
                secs = chance.uniform(0.2, 1.1) * known.secs
                attacked(tow, one, known, partial(cut, secs=secs), (0, 1), every=_LOOK_SECS)


class _patient:  # noqa: N801
    """Readers of a scene wait while the broker is away."""

    def __init__(self, scene: TopicScene) -> None:
        self.see = scene.see
        scene.see = self.patiently  # type: ignore[method-assign]

    def patiently(self) -> Any:
        from towpath.errors import TowError

        until = time.monotonic() + 60
        while True:
            try:
                return self.see()
            except TowError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass
