"""Runs the samples of a page of docs as a reader would: in one empty folder, from top to bottom.

What counts as a sample:

    ```console            `$ ` begins a command for the shell; the lines below it, up to the next, are what it prints on
                          standard output and error, if there are any; `...` stands for anything. A command whose exit
                          code is not 0 is followed by a line `(exit 2)`. Log lines, which a terminal does not show,
                          are left out.
    ```{code-block} yaml  with `:caption: tow.yaml`: the file of that name.
    ```python             run in one namespace for the page.

Blocks of other kinds (text, sh, sql, json without a caption) are shown only. A line `<!-- servers: s3 -->` asks for
servers of the lab; what they need in the environment is there.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from towpath import userfiles

_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SERVERS = re.compile(r"^<!-- servers: (.+) -->$", re.MULTILINE)
_CAPTION = re.compile(r"^:caption: (.+)\n", re.MULTILINE)
_LOG_LINE = re.compile(r"^\d\d:\d\d:\d\d (?:INFO|DEBUG) .*\n", re.MULTILINE)
_EXIT = re.compile(r"\(exit (\d+)\)")


@dataclass(frozen=True, slots=True)
class Sample:
    """One block: `kind` is console, file or python; `name` the file's."""

    kind: str
    text: str
    line: int
    name: str = ""


def servers(page: str) -> list[str]:
    """The servers that a page asks for."""
    found = _SERVERS.search(page)
    return found[1].split() if found is not None else []


def samples(page: str) -> Iterator[Sample]:
    for found in _BLOCK.finditer(page):
        head, text = found[1].strip(), found[2]
        line = page.count("\n", 0, found.start()) + 2
        caption = _CAPTION.match(text)
        if head == "console" or head == "python":
            yield Sample(head, text, line)
        elif head.startswith("{code-block}") and caption is not None:
            yield Sample("file", text[caption.end() :].removeprefix("\n"), line, caption[1])


def run(page: str, folder: Path, environment: Mapping[str, str] | None = None) -> int:
    """Runs every sample of a page in `folder`, with more variables in their environment; returns their number. Raises
    AssertionError naming the line."""
    count = 0
    # A module of its own, for dataclasses look theirs up.
    module = ModuleType("sample")
    sys.modules["sample"] = module
    for sample in samples(page):
        count += 1
        if sample.kind == "file":
            (folder / sample.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / sample.name).write_text(sample.text, "utf-8")
        elif sample.kind == "python":
            with contextlib.chdir(folder), _environment(environment or {}):
                exec(compile(sample.text, f"line {sample.line}", "exec"), vars(module))
        else:
            _console(sample, folder, environment or {})
    return count


@contextlib.contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _console(sample: Sample, folder: Path, environment: Mapping[str, str]) -> None:
    for command, expected in _commands(sample.text):
        wanted = 0
        if expected and (code := _EXIT.fullmatch(expected[-1])) is not None:
            wanted, expected = int(code[1]), expected[:-1]
        done = _shell(command, folder, environment)
        said = _LOG_LINE.sub("", done.stdout).rstrip("\n")
        where = f"sample at line {sample.line}: $ {command}\n"
        assert done.returncode == wanted, f"{where}exit {done.returncode}, not {wanted}\n{said}"
        if expected:
            assert _matches("\n".join(expected), said), (
                f"{where}--- the page says\n" + "\n".join(expected) + f"\n--- it is\n{said}"
            )


def _commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command (lines that end in a backslash go on) with the lines below it."""
    lines = text.rstrip("\n").split("\n")
    at = 0
    while at < len(lines):
        assert lines[at].startswith("$ "), f"a console sample begins with a command, not {lines[at]!r}"
        command = lines[at][2:]
        while command.endswith("\\"):
            at += 1
            command += "\n" + lines[at].removeprefix("> ")
        at += 1
        below = []
        while at < len(lines) and not lines[at].startswith("$ "):
            below.append(lines[at])
            at += 1
        while below and not below[-1]:
            below.pop()
        yield command, below


def _shell(command: str, folder: Path, more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    home = folder / ".home"
    home.mkdir(exist_ok=True)
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "TOWPATH_STATE": str(home / "state"),
        "XDG_CACHE_HOME": str(userfiles.cache().parent),  # programs of servers are fetched once
        "COLUMNS": "80",
        "LANG": "C.UTF-8",
        **more,
    }
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )


def _matches(expected: str, said: str) -> bool:
    """Whether the text is the expected one; `...` stands for anything, a line of `...` also for no line."""
    pattern = re.escape("\n".join(line.rstrip() for line in expected.split("\n")))
    pattern = pattern.replace(r"\n", "\n").replace("\\\n", "\n")
    pattern = pattern.replace("\n\\.\\.\\.\n", "\n(?:.*\n)?").replace(r"\.\.\.", ".*")
    return re.fullmatch(pattern, "\n".join(line.rstrip() for line in said.split("\n")), re.DOTALL) is not None
