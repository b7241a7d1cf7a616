"""The lab in pytest: `@pytest.mark.server("mariadb")` and the fixtures `postgresql_server`, `mariadb_server`,
`s3_server`, `kafka_server`.

A server is started when the first test asks for it, once for each worker of pytest-xdist, and stopped at the end of the
session. A test whose server cannot be had is skipped with the reason; the summary counts such tests by server. With
`--require-all` they fail. Tests that need another server than PostgreSQL, which every machine can have, are marked
`lab`. A test that kills or configures its server marks it `server(name, start=False)` and has a `Lab` of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from towpath.errors import TowError
from towpath.lab.lab import Lab, obtained
from towpath.lab.recipes import NAMES, recipes
from towpath.lab.server import Server

PLAIN = frozenset({"postgresql"})
"""The servers that tests may use without being marked `lab`."""
_SUFFIX = "_server"
_KEPT = "towpath_lab"


class Notes:
    """What the summary tells. Plain values inside, so that workers can send it."""

    def __init__(self) -> None:
        self.used: dict[str, str] = {}
        self.lacking: dict[str, dict[str, Any]] = {}

    def lacks(self, name: str, why: str, test: str) -> None:
        entry = self.lacking.setdefault(name, {"why": why, "tests": []})
        entry["tests"].append(test)

    def as_plain(self) -> dict[str, Any]:
        return {"used": self.used, "lacking": self.lacking}

    def add(self, other: dict[str, Any]) -> None:
        self.used |= other["used"]
        for name, entry in other["lacking"].items():
            for test in entry["tests"]:
                self.lacks(name, entry["why"], test)

    def lines(self) -> list[str]:
        out = [f"{name}: {told}" for name, told in sorted(self.used.items())]
        for name, entry in sorted(self.lacking.items()):
            count = len(set(entry["tests"]))
            out.append(f"not run: {count} test{'s' if count != 1 else ''} for want of {name}: {entry['why']}")
        return out


_NOTES = pytest.StashKey[Notes]()
_REFUSALS = pytest.StashKey[dict[str, str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("towpath").addoption(
        "--require-all", action="store_true", help="fail the tests whose server cannot be had, instead of skipping them"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "server(name, ..., start=True): needs these servers of the lab; start=False: it starts its own"
    )
    config.addinivalue_line("markers", "lab: needs a server that not every machine can have (set by `server`)")
    config.stash[_NOTES] = Notes()
    config.stash[_REFUSALS] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before `-m` chooses."""
    for item in items:
        if set(needed(item)) - PLAIN:
            item.add_marker("lab")


def needed(item: pytest.Item) -> dict[str, bool]:
    """The servers that a test names by its markers or its fixtures, and whether they are to be started for it."""
    found: dict[str, bool] = {}
    for marker in item.iter_markers("server"):
        for name in marker.args:
            found[str(name)] = found.get(name, False) or marker.kwargs.get("start", True)
    for fixture in getattr(item, "fixturenames", ()):
        if fixture.endswith(_SUFFIX) and fixture.removesuffix(_SUFFIX) in NAMES:
            found[fixture.removesuffix(_SUFFIX)] = True
    if unknown := set(found) - set(NAMES):
        raise pytest.UsageError(f"{item.nodeid}: the lab has no server {', '.join(sorted(unknown))}")
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for name, start in needed(item).items():
        _provide(item, name, start)


def _provide(item: pytest.Item, name: str, start: bool) -> None:
    """Sees to it that the server is there; skips or fails the test when it cannot be had."""
    config = item.config
    refusals, notes = config.stash[_REFUSALS], config.stash[_NOTES]
    if name not in refusals:
        try:
            notes.used[name] = _lab(item.session).up(name).told if start else told(name)
        except TowError as error:
            refusals[name] = " ".join(str(error).split("\n")[0].split())
        else:
            return
    notes.lacks(name, refusals[name], item.nodeid)
    if config.getoption("--require-all"):
        pytest.fail(f"--require-all: {refusals[name]}", pytrace=False)
    pytest.skip(refusals[name])


def told(name: str) -> str:
    """What the server of this name would be. Raises Refused when none can be had."""
    recipe, build, _ = obtained(name, recipes(name))
    return f"{recipe.program} {build.version} ({recipe.kind})"


_LAB = pytest.StashKey[Lab]()


def _lab(session: pytest.Session) -> Lab:
    if _LAB not in session.stash:
        session.stash[_LAB] = Lab()
    return session.stash[_LAB]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _LAB in session.stash:
        session.stash[_LAB].close()
    sent = getattr(session.config, "workeroutput", None)
    if sent is not None:
        sent[_KEPT] = session.config.stash[_NOTES].as_plain()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist ended: its notes come to the controller."""
    if sent := getattr(node, "workeroutput", {}).get(_KEPT):
        node.config.stash[_NOTES].add(sent)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    lines = config.stash[_NOTES].lines()
    if lines:
        terminalreporter.section("servers")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Lab:
    """The session's lab (one for each worker)."""
    return _lab(request.session)


def _fixture(name: str) -> Callable[..., Server]:
    @pytest.fixture(scope="session", name=f"{name}{_SUFFIX}")
    def found(lab: Lab) -> Server:
        return lab.up(name)  # it is up: `pytest_runtest_setup` saw to that

    found.__doc__ = f"The session's {name} server."
    return found


postgresql_server = _fixture("postgresql")
mariadb_server = _fixture("mariadb")
s3_server = _fixture("s3")
kafka_server = _fixture("kafka")
