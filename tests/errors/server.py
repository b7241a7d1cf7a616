"""A process that has imported everything and forks for each command: a real process each, without the start-up.

    python -m tests.errors.server FILE-DESCRIPTOR-OF-A-SOCKET

A request is one line of JSON (see `Request`), the answer one line: the exit code."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import resource
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any, TypedDict

_NOBODY = 65534


class Request(TypedDict):
    """`stdin`, `stdout` and `stderr` are paths; the rest as `tests.errors.kit.Fault` has it."""

    arguments: list[str]
    folder: str
    env: dict[str, str]
    stdin: str
    stdout: str
    stderr: str
    nobody: bool
    hide: str
    hold: str
    largest: int
    interrupt: bool


def import_everything() -> None:
    import towpath

    for module in pkgutil.walk_packages(towpath.__path__, "towpath.", onerror=lambda name: None):
        with suppress(ImportError):  # a module whose library is not installed fails when a command asks for it
            importlib.import_module(module.name)
    # What libraries import when first used; a process without rights may not read their files any more.
    for name in ("sqlite3", "_strptime", "zoneinfo", "difflib", "pyarrow.csv", "pyarrow.parquet", "pyarrow.json",
                 "importlib.metadata", "encodings.idna", "encodings.utf_16", "narwhals", "zipfile"):  # fmt: skip
        importlib.import_module(name)


def _child(request: Request) -> int:
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.path.insert(0, request["folder"])
    if request["stdin"] == "open":
        reading, writing = os.pipe()
        os.write(writing, b"id\n1\n")
        os.set_inheritable(writing, True)
    else:
        reading = os.open(request["stdin"], os.O_RDONLY)
    os.dup2(reading, 0)
    os.dup2(os.open(request["stdout"], os.O_WRONLY | os.O_CREAT, 0o644), 1)
    os.dup2(os.open(request["stderr"], os.O_WRONLY | os.O_CREAT, 0o644), 2)
    if request["largest"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["largest"], request["largest"]))
    if request["nobody"] and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    if request["hide"]:
        _hide(request["hide"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from towpath.cli.main import main

    try:
        code = main(request["arguments"])
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _hide(library: str) -> None:
    """From now on importing the library fails, and so does what had imported it."""
    for name in list(sys.modules):
        if library in name.split("."):
            del sys.modules[name]
    sys.modules[library] = None  # type: ignore[assignment]


def _hold(what: str, folder: str) -> int:
    """Another process that has a database open; gives its id once it holds it."""
    kind, _, name = what.partition(":")
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        connection: Any
        if kind == "duckdb":
            import duckdb

            connection = duckdb.connect(os.path.join(folder, name))
        else:
            import sqlite3

            connection = sqlite3.connect(os.path.join(folder, name), isolation_level=None)
            connection.execute("begin exclusive")
        os.write(writing, b"held")
        signal.pause()
        del connection
        os._exit(0)
    os.read(reading, 4)
    os.close(reading)
    os.close(writing)
    return pid


def _serve(request: Request) -> int:
    holder = _hold(request["hold"], request["folder"]) if request["hold"] else 0
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = _child(request)
        finally:
            os._exit(code)
    if request["interrupt"]:
        time.sleep(0.5)
        os.kill(pid, signal.SIGINT)
    _, status = os.waitpid(pid, 0)
    if holder:
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    import_everything()
    channel = socket.socket(fileno=int(sys.argv[1]))
    lines = channel.makefile("rw")
    lines.write("ready\n")
    lines.flush()
    for line in lines:
        lines.write(f"{_serve(json.loads(line))}\n")
        lines.flush()


if __name__ == "__main__":
    main()
