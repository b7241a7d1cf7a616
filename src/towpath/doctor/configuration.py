"""The files that runs are configured by, and where secrets are kept."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from towpath import userfiles
from towpath.doctor.report import OK, PROBLEM, WARNING, Check
from towpath.errors import TowError

_TOPIC = "configuration"


def checks() -> Iterator[Check]:
    yield _pipeline(Path("tow.yaml"))
    yield _connections(userfiles.config() / "connections.yaml")
    yield _dotenv(Path(".env"))
    yield _keyring()


def _pipeline(path: Path) -> Check:
    if not path.exists():
        return Check(_TOPIC, "tow.yaml", OK, "none in this folder")
    from towpath.pipeline.load import load

    try:
        steps = len(load(path).pipeline.steps)
    except TowError as error:
        return Check(_TOPIC, "tow.yaml", PROBLEM, str(error).partition("\n")[0], "tow lint tow.yaml tells all of it")
    return Check(_TOPIC, "tow.yaml", OK, f"here, {steps} {'step' if steps == 1 else 'steps'}")


def _connections(path: Path) -> Check:
    if not path.exists():
        return Check(_TOPIC, "connections", OK, f"none ({path})")
    return Check(_TOPIC, "connections", OK, str(path), "tow connections list shows them")


def _dotenv(path: Path) -> Check:
    if not path.exists():
        return Check(_TOPIC, ".env", OK, "none in this folder")
    if os.stat(path).st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return Check(_TOPIC, ".env", WARNING, "here, and others on this machine can read it", "chmod 600 .env")
    return Check(_TOPIC, ".env", OK, "here, readable by you alone")


def _keyring() -> Check:
    try:
        import keyring
        from keyring.backends import fail
    except ModuleNotFoundError:
        return Check(_TOPIC, "keyring", OK, "not installed", "pip install 'towpath[secrets]' for `tow secrets`")
    backend = keyring.get_keyring()
    if isinstance(backend, fail.Keyring):
        return Check(_TOPIC, "keyring", OK, "no backend here: `tow secrets` keeps them in an encrypted file")
    return Check(_TOPIC, "keyring", OK, backend.name)
