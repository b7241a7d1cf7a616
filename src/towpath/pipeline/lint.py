"""What can be said of a tow.yaml without touching data: beside its mistakes, what is allowed and yet seldom meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from towpath import assemble, ground, url
from towpath.errors import MissingLibrary, UserError
from towpath.job import JobSpec
from towpath.nouns import Mode
from towpath.pipeline.config import Step
from towpath.pipeline.jobs import job
from towpath.pipeline.load import Loaded
from towpath.pipeline.order import destination, order
from towpath.pipeline.yamltext import Path
from towpath.secrets import plain
from towpath.secrets.references import PATTERN
from towpath.secrets.secret import named_secret
from towpath.shaping import python_step

_VARIABLE = re.compile(r"(?<!\$)\$\{var:([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Finding:
    """`level` is `mistake` (the step could not run) or `warning`; line and column count from 1."""

    level: str
    code: str
    file: str
    line: int
    column: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.level}: {self.what} [{self.code}]"


def lint(loaded: Loaded) -> list[Finding]:
    """What is to be said of a file that could be loaded, in the order of its lines. Raises UserError for a ring of
    steps."""
    order(loaded)
    with plain.untold():
        found = [*_mistakes(loaded), *_warnings(loaded)]
    return sorted(set(found), key=lambda one: (one.line, one.column, one.level, one.code))


def _finding(loaded: Loaded, path: Path, code: str, what: str, level: str = "warning", *, key: bool = False) -> Finding:
    return Finding(level, code, loaded.document.name, *loaded.document.place(path, key=key), what)


def _mistakes(loaded: Loaded) -> Iterator[Finding]:
    """What the parts of each step say of their addresses, formats and options while they are built, and what the run
    would say of their combination. Nothing is opened; references that are not set here may be elsewhere."""
    for name in loaded.pipeline.steps:
        try:
            spec = job(loaded, name)
        except UserError:
            continue
        parts: dict[Path, Callable[[], object]] = {
            ("from", label): partial(assemble.build_source, one, spec.connections, spec.folder)
            for label, one in spec.inputs.items()
        }
        parts["to",] = partial(assemble.build_destination, spec.to, spec.connections, spec.folder)
        parts["to", "address"] = partial(_refuse_output, spec)
        parts["mode",] = partial(_refuse_merge, spec)
        if spec.python is not None:
            parts["python",] = partial(python_step.check, spec.python, spec.folder)
        for part, build in parts.items():
            try:
                build()
            except MissingLibrary:
                continue
            except UserError as error:
                if not error.code.startswith("reference-"):
                    yield _mistake(loaded, ("steps", name, *part), error)
        try:
            ground.refuse_pairs(spec)
        except UserError as error:
            if not error.code.startswith(("reference-", "address-")):
                yield _mistake(loaded, ("steps", name), error, key=True)


def _refuse_output(spec: JobSpec) -> None:
    """Raises UserError for standard output, which keeps no checkpoint."""
    if spec.to.address == "-":
        raise UserError(
            "a step cannot keep its place on standard output",
            todo="let it write to a file or a table, and show that with tow copy",
            code="mode-impossible",
        )


def _refuse_merge(spec: JobSpec) -> None:
    """Raises UserError for a merge into files."""
    if spec.mode is not Mode.MERGE or spec.to.table is not None:
        return
    if assemble.located(spec.to.address, spec.connections, spec.folder).kind == "file":
        raise UserError(
            "files have no keys, so rows cannot be merged into them",
            todo="merge into a table, or choose mode replace",
            code="mode-impossible",
        )


def _mistake(loaded: Loaded, path: Path, error: UserError, *, key: bool = False) -> Finding:
    todo = f" ({error.todo})" if error.todo else ""
    return _finding(loaded, path, error.code, f"{error.what}{todo}", "mistake", key=key)


def _warnings(loaded: Loaded) -> Iterator[Finding]:
    yield from _unused(loaded)
    yield from _secrets(loaded)
    yield from _shared(loaded)
    for name, step in loaded.pipeline.steps.items():
        yield from _of_step(loaded, name, step)


def _unused(loaded: Loaded) -> Iterator[Finding]:
    document, pipeline = loaded.document, loaded.pipeline
    used = {name for text in document.scalars.values() for name in _VARIABLE.findall(text)}
    for name in pipeline.vars:
        if name not in used:
            yield _finding(loaded, ("vars", name), "var-unused", f"the variable {name} is used nowhere", key=True)
    read = [one.address for step in pipeline.steps.values() for one in step.from_.values()]
    written = [step.to.address for step in pipeline.steps.values()]
    needed = {text.partition("#")[0] for text in (*read, *written)}
    needed |= {one.connection.like for one in loaded.written.values() if one.connection.like}
    for name, one in loaded.written.items():
        if name not in needed and one.document is document:
            what = f"no step uses the connection {name}"
            yield _finding(loaded, one.place, "connection-unused", what, key=True)


def _secrets(loaded: Loaded) -> Iterator[Finding]:
    """Addresses and options with a secret in plain sight, wherever in the file."""
    for path, text in loaded.document.scalars.items():
        if url.plain_secrets(text):
            what = "a password stands in this address for all to read: write ${env:NAME} or ${keyring:service/user}"
            yield _finding(loaded, path, "password-in-address", what)
        elif "options" in path[:-1] and named_secret(str(path[-1])) and text and not PATTERN.search(text):
            what = f"{path[-1]} looks like a secret in plain sight: write ${{env:NAME}} or ${{keyring:service/user}}"
            yield _finding(loaded, path, "secret-in-options", what)


def _shared(loaded: Loaded) -> Iterator[Finding]:
    """Destinations of several steps, one of which replaces what the others wrote."""
    first: dict[object, str] = {}
    for name, step in loaded.pipeline.steps.items():
        other = first.setdefault(destination(loaded, name), name)
        modes = {step.mode, loaded.pipeline.steps[other].mode}
        if other != name and modes & {"replace", "create"} and step.to.address != "-":
            what = f"the step {other} writes there too, and mode {' and '.join(sorted(modes))} do not go together"
            yield _finding(loaded, ("steps", name, "to"), "destination-shared", what)


def _of_step(loaded: Loaded, name: str, step: Step) -> Iterator[Finding]:
    here = ("steps", name)
    if step.mode == "create" and step.to.address != "-":
        what = "mode create stops every run after the first that has something to load: choose append, replace or merge"
        yield _finding(loaded, (*here, "mode"), "create-again", what, key=True)
    if step.rules and step.bad_rows is None:
        what = "the first row that breaks a rule stops this step: name a folder with bad_rows to set such rows aside"
        yield _finding(loaded, (*here, "rules"), "rules-without-bad-rows", what, key=True)
