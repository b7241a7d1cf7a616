"""Every test has folders of the user of its own, so that no run history, connection or secret of the user's is read or
written, and knows no secret of another test."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from towpath.secrets import plain, redact

pytest_plugins = ["towpath.lab.pytest_plugin", "tests.attacks.share", "tests.s3kit", "tests.postgresqlkit"]


def pytest_configure() -> None:
    """What a script begins in the background ignores Ctrl-C, and so would every run here that is to be interrupted."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("TOWPATH_STATE", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
    return folder


@pytest.fixture(autouse=True)
def _no_known_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_forms", set()), ("_told", set()), ("_pattern", None)):
        monkeypatch.setattr(redact, name, value)
    monkeypatch.setattr(plain, "_told", set())
