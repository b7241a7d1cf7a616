"""The lab in pytest: `@pytest.mark.server("mariadb")` and the fixtures `postgresql_server`, `mariadb_server`,
`s3_server`, `kafka_server`.

A server is started when the first test asks for it, once for each worker of pytest-xdist, and stopped at the end of the
session. A test whose server cannot be had is skipped with the reason; the summary counts such tests by server. With
`--require-all` they fail. Tests that need another server than PostgreSQL, which every machine can have, are marked
`lab`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from towpath.errors import TowError
from towpath.lab.lab import Lab
from towpath.lab.recipes import NAMES
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
    config.addinivalue_line("markers", "server(name, ...): needs these servers of the lab")
    config.addinivalue_line("markers", "lab: needs a server that not every machine can have (set by `server`)")
    config.stash[_NOTES] = Notes()
    config.stash[_REFUSALS] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before `-m` chooses."""
    for item in items:
        if set(needed(item)) - PLAIN:
            item.add_marker("lab")


def needed(item: pytest.Item) -> list[str]:
    """The servers that a test names by its markers or its fixtures."""
    marked = [str(name) for marker in item.iter_markers("server") for name in marker.args]
    fixtures = [name.removesuffix(_SUFFIX) for name in getattr(item, "fixturenames", ()) if name.endswith(_SUFFIX)]
    found = dict.fromkeys([*marked, *(name for name in fixtures if name in NAMES)])
    if unknown := set(found) - set(NAMES):
        raise pytest.UsageError(f"{item.nodeid}: the lab has no server {', '.join(sorted(unknown))}")
    return list(found)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for name in needed(item):
        _server(item, name)


def _server(item: pytest.Item, name: str) -> Server:
    """The server, started if it is not; skips or fails the test when there is none."""
    config = item.config
    if name not in config.stash[_REFUSALS]:
        try:
            server = _lab(item.session).up(name)
        except TowError as error:
            config.stash[_REFUSALS][name] = " ".join(str(error).split("\n")[0].split())
        else:
            config.stash[_NOTES].used[name] = server.told
            return server
    why = config.stash[_REFUSALS][name]
    config.stash[_NOTES].lacks(name, why, item.nodeid)
    if config.getoption("--require-all"):
        pytest.fail(f"--require-all: {why}", pytrace=False)
    pytest.skip(why)


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
