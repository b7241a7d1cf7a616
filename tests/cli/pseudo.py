"""Runs the command in a pseudo-terminal, and shows what such a terminal shows."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_CODE = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[78]")


@dataclass
class Shown:
    """What came out: `code`, all that was written to the terminal, and standard output where that was a pipe."""

    code: int
    raw: bytes
    piped: bytes = b""
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        plain = _CODE.sub(b"", self.raw).decode()
        self.lines = [line for line in re.split(r"[\r\n]+", plain) if line]

    def screen(self, columns: int = 80) -> list[str]:
        """The lines that stand on the screen at the end, without blanks behind them."""
        return _play(self.raw.decode(), columns)


def on_terminal(
    *arguments: str,
    columns: int = 80,
    folder: Path | None = None,
    feed: Callable[[subprocess.Popen[bytes]], None] | None = None,
    stdin: Any = None,
    piped: bool = False,
    code: str | None = None,
    **environment: str,
) -> Shown:
    """Runs `tow ARGUMENTS` (or the Python `code`) with standard error, and without `piped` also standard output, on a
    terminal of so many columns. `feed` may write to its standard input or send it signals."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "TERM")}
    environment = {**inherited, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm-256color", **environment}
    command = [sys.executable, *(["-c", code] if code else ["-m", "towpath.cli.main"]), *arguments]
    running = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if feed else stdin or subprocess.DEVNULL,
        stdout=subprocess.PIPE if piped else theirs,
        stderr=theirs,
        cwd=folder,
        env=environment,
        preexec_fn=lambda: fcntl.ioctl(2, termios.TIOCSCTTY, 0),
        start_new_session=True,
    )
    os.close(theirs)
    if feed is not None:
        feed(running)
    raw = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # how Linux tells that the other end is closed
            break
        if not part:
            break
        raw += part
    out = running.stdout.read() if running.stdout is not None else b""
    for pipe in (running.stdin, running.stdout):
        if pipe is not None:
            pipe.close()
    os.close(ours)
    return Shown(running.wait(60), raw, out)


def _play(text: str, columns: int) -> list[str]:
    """A small terminal: letters, new lines, carriage returns, and the codes that move up and erase a line."""
    rows: list[list[str]] = [[]]
    row = column = 0
    for found in re.finditer(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b[78]|(.)", text, re.DOTALL):
        number, code, letter = found[1], found[2], found[3]
        if code == "A":
            row = max(0, row - int(number or 1))
        elif code == "K":
            rows[row] = [] if number == "2" else rows[row][:column]
        elif letter == "\n":
            row += 1
        elif letter == "\r":
            column = 0
        elif letter is not None and letter.isprintable():
            if column == columns:
                row, column = row + 1, 0
            while len(rows) <= row:
                rows.append([])
            rows[row] = [*rows[row], *" " * (column - len(rows[row]))]
            rows[row][column : column + 1] = letter
            column += 1
        while len(rows) <= row:
            rows.append([])
    return [line.rstrip() for line in map("".join, rows)]
