"""What a fault is: one mistake or mishap as data, with what its message owes to the person who meets it.

Every fault is written from the user's side: what somebody did, the files that were there, the command, and then what
the message must tell in principle. How the message says it is the golden file's matter."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CANARY = "k4n4ry-S3CRET"
"""A secret that some faults hold in a reference or a password; no message may show it."""

ORDERS = "id,zip,amount,at\n1,00501,1.50,2026-01-02\n2,10001,2.25,2026-01-03\n3,,-1,2026-01-04\n"


@dataclass(frozen=True)
class Fault:
    """`did` says what the person did. `files` are made first (`orders.csv` is always there), then `prepare` is called
    in the folder, then the commands of `before` run and must succeed, then `between`, then `command`.

    A message owes `place` (where), `value` (what stood there), `rule` (what is wrong with it) and `todo` (what to do
    next), each a word or words of it; an empty one says that this fault has none. `pending` names the feature that is
    not there yet: such a fault must fail until it is.

    `nobody`: the command runs without root's rights. `hold`: a database that another process holds open meanwhile.
    `hide`: a library that cannot be imported. `full`: the folder lies on a file system of 64 KiB. `stdin` and `stdout`:
    files to use as these; `stdin="open"` is a pipe that says nothing more. `largest`: the most bytes a file may grow
    to. `interrupt`: SIGINT comes while the command waits. `out`: standard output is left to the command (a pipeline
    prints its other steps there)."""

    id: str
    did: str
    command: str
    code: str
    place: str = ""
    value: str = ""
    rule: str = ""
    todo: str = ""
    exit: int = 2
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    prepare: Callable[[Path], None] | None = None
    before: tuple[str, ...] = ()
    between: Callable[[Path], None] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    pending: str = ""
    nobody: bool = False
    hold: str = ""
    hide: str = ""
    full: bool = False
    stdin: str = ""
    stdout: str = ""
    largest: int = 0
    interrupt: bool = False
    out: bool = False


def gzipped(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def zipped(files: Mapping[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return made.getvalue()


def pipeline(step: str, head: str = "") -> str:
    """A tow.yaml of one step called `load`."""
    return f"pipeline: shop\n{head}steps:\n  load: {step}\n"


def cut(name: str, keep: float = 0.5) -> Callable[[Path], None]:
    """Truncates a file to a share of its bytes."""

    def do(folder: Path) -> None:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: int(len(whole) * keep)])

    return do


def write(name: str, text: str | bytes) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        data = text.encode() if isinstance(text, str) else text
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    return do


def mode(name: str, bits: int) -> Callable[[Path], None]:
    return lambda folder: (folder / name).chmod(bits)


def folder(name: str, bits: int = 0o755) -> Callable[[Path], None]:
    def do(place: Path) -> None:
        (place / name).mkdir()
        (place / name).chmod(bits)

    return do


def sqlite(name: str, *statements: str) -> Callable[[Path], None]:
    """Runs statements on a SQLite file."""

    def do(folder: Path) -> None:
        import sqlite3

        connection = sqlite3.connect(folder / name)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    return do
