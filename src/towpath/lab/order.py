"""What a server's starter and its supervisor say to each other."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

LET_GO = b"let go "
"""From the starter, with the path of a file behind it: the server outlives the starter, as long as that is there."""
TEMPORARY = "towpath-lab-"
"""How the names of a lab's temporary folders begin."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to run and how to stop it. `litter`: files (globs) to remove afterwards. `root`: the server's data, to be
    removed when the starter died, for nobody else knows of it."""

    command: list[str]
    environment: dict[str, str]
    folder: str
    log: str
    owner: str | None
    stop_signal: int
    stop_secs: float
    litter: list[str]
    root: str

    def dumps(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @staticmethod
    def loads(line: bytes) -> Order:
        return Order(**json.loads(line))
