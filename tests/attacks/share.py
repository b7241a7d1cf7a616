"""Which part of the attacks a run makes, and with which seed: all by default, in CI a share with a seed that rotates.

An attack takes the fixture `attack` and draws all its chance from it; a test function that stands for many cases of
one kind is marked `one_of_many`, and of its cases a run makes the share. The end of its output says what makes
the same again.
"""

from __future__ import annotations

import math
import random
import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


@dataclass(frozen=True)
class Attack:
    """The share of the cases to make, in (0, 1], and the seed of everything left to chance."""

    seed: int
    share: float

    def random(self, name: str) -> random.Random:
        """A source of chance of its own for each name: what one attack draws changes nothing for another."""
        return random.Random(f"{self.seed}:{name}")

    def times(self, count: int, least: int = 1) -> int:
        """How often to do what a full attack does `count` times."""
        return min(count, max(least, math.ceil(count * self.share)))

    def some(self, name: str, cases: Sequence[T], least: int = 1) -> list[T]:
        """The share of the cases, in their order."""
        chosen = self.random(name).sample(range(len(cases)), self.times(len(cases), least))
        return [cases[index] for index in sorted(chosen)]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("attacks")
    group.addoption("--attack-share", type=float, default=1.0, help="the share of the attacks to make, 1 for all")
    group.addoption("--attack-seed", type=int, default=None, help="the seed that an earlier run printed")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "attack: an attempt to break a promise; `make attack` makes them all")
    config.addinivalue_line(
        "markers", "one_of_many(least=1): of such a test's cases a run makes the share that it is given"
    )
    if config.option.attack_seed is None:
        given = getattr(config, "workerinput", {})  # what xdist tells a worker: see pytest_configure_node
        config.option.attack_seed = given.get("attack_seed", secrets.randbelow(10**6))
    if not 0 < config.option.attack_share <= 1:
        raise pytest.UsageError(f"--attack-share is {config.option.attack_share}: it must be above 0 and at most 1")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """All workers of xdist draw alike."""
    node.workerinput["attack_seed"] = node.config.option.attack_seed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reports = [report for found in terminalreporter.stats.values() for report in found]
    if any("attack" in getattr(report, "keywords", ()) for report in reports):
        made = _attack(config)
        again = f"--attack-share {made.share:g} --attack-seed {made.seed}"
        terminalreporter.write_line(f"attacks: a share of {made.share:g}; the same again: {again}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    many: dict[str, list[pytest.Item]] = defaultdict(list)
    least: dict[str, int] = {}
    for item in items:
        if here in item.path.parents:
            item.add_marker("attack")
        if marker := item.get_closest_marker("one_of_many"):
            name = item.nodeid.partition("[")[0]
            many[name].append(item)
            least[name] = marker.kwargs.get("least", 1)
    made = {name: set(_attack(config).some(name, cases, least[name])) for name, cases in many.items()}
    left = {item for name, cases in many.items() for item in set(cases) - made[name]}
    if left:
        config.hook.pytest_deselected(items=list(left))
        items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session")
def attack(pytestconfig: pytest.Config) -> Attack:
    return _attack(pytestconfig)


def _attack(config: pytest.Config) -> Attack:
    return Attack(config.option.attack_seed, config.option.attack_share)
