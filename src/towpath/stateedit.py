"""The committed state of a pipeline's steps, shown and moved by hand: how far each of them has read."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from towpath import assemble, letterbox
from towpath.errors import Refused, UserError
from towpath.job import JobSpec
from towpath.joins.cursor import before, value
from towpath.nouns import Checkpoint, Mode, State
from towpath.receipt import count, now
from towpath.seams.destination import Destination
from towpath.values import textform


@dataclass(frozen=True, slots=True)
class StepState:
    """A step and its committed state (None: it was never loaded, or forgotten). `fits`: the step is still as it was."""

    step: str
    destination: str
    state: State | None
    fits: bool = True

    def lines(self) -> list[str]:
        """The state for a person."""
        head = f"{self.step} -> {self.destination}"
        state = self.state
        if state is None:
            return [f"{head}: no state: the next run reads everything"]
        plan = (
            "the step is as it was then" if self.fits else "the step was changed since: --accept-plan or --full-refresh"
        )
        return [
            head,
            f"  load {state.load_id} at {state.at}, {count(state.rows, 'row')}",
            f"  read up to {in_words(state.checkpoint)}",
            f"  {plan}",
        ]

    def as_json(self) -> dict[str, Any]:
        """The state as plain JSON values."""
        state = self.state
        head = {"step": self.step, "destination": self.destination}
        if state is None:
            return head | {"load": None}
        return head | {
            "load": state.load_id,
            "at": state.at,
            "rows": state.rows,
            "checkpoint": state.checkpoint.as_json(),
            "read_up_to": in_words(state.checkpoint),
            "plan_fits": self.fits,
        }


@dataclass(frozen=True, slots=True)
class Moved:
    """A state before and after it was moved by hand; `warning` says what the next run would do twice."""

    step: str
    before: State | None
    after: State | None
    warning: str = ""

    def lines(self) -> list[str]:
        """What was done, for a person."""
        warned = [f"  warning: {self.warning}"] if self.warning else []
        return [f"{self.step}: {_reached(self.before)} -> {_reached(self.after)}", *warned]

    def as_json(self) -> dict[str, Any]:
        """The checkpoints before and after as plain JSON values."""
        checkpoints = [None if one is None else one.checkpoint.as_json() for one in (self.before, self.after)]
        return {"step": self.step, "before": checkpoints[0], "after": checkpoints[1], "warning": self.warning}


def in_words(checkpoint: Checkpoint) -> str:
    """How far a checkpoint reaches: a cursor's value, files, a version of a table, or several inputs."""
    found = checkpoint.value
    if checkpoint.kind == "cursor":
        return f"{found['column']} = {'nothing yet' if found['value'] is None else found['value']}"
    if checkpoint.kind == "files":
        names = sorted(_files(checkpoint))
        return f"{count(len(names), 'file')}" + (f", the last by name {names[-1]}" if names else "")
    if checkpoint.kind == "inputs":
        return "; ".join(f"{name}: {in_words(Checkpoint.from_json(one))}" for name, one in sorted(found.items()))
    if checkpoint.kind == "version":
        return f"version {found['value']} of the table"
    if checkpoint.kind == "offsets":
        return "offset " + ", ".join(f"{end} of partition {number}" for number, end in found["next"].items())
    return "an end that its source cannot name"


def show(spec: JobSpec) -> StepState:
    """The committed state of a step; changes nothing."""
    destination = _destination(spec)
    state = destination.state(str(spec.step))
    return StepState(str(spec.step), destination.shown, state, state is None or state.plan == spec.plan_hash())


def set_cursor(spec: JobSpec, text: str, *, backwards_only: bool = False) -> Moved:
    """Moves the step's cursor to a value. Raises UserError when it is none of the cursor's type, or (`backwards_only`)
    when it lies after the committed one; Refused where the step keeps no cursor."""

    def moved(state: State) -> Checkpoint:
        checkpoint = state.checkpoint
        if checkpoint.kind != "cursor":
            raise Refused(
                f"the step keeps no cursor, but {in_words(checkpoint)}",
                where=str(spec.step),
                todo=f"forget it whole: tow state rewind {_named(spec)}"
                + ("; or single files: --file GLOB" if _files(checkpoint) else ""),
                code="state-foreign",
            )
        type = textform.parse_type(checkpoint.value["type"])
        column, reached = checkpoint.value["column"], checkpoint.value["value"]
        to = value(text, type, "the value", column)
        if backwards_only and (reached is None or before(reached, to, type)):
            raise UserError(
                f"{column} = {to} lies after the checkpoint ({reached}), so this would be no rewinding",
                where=str(spec.step),
                todo=f"skip rows on purpose: tow state set {_named(spec)} {shlex.quote(to)}",
                code="state-forward",
            )
        return Checkpoint("cursor", {**checkpoint.value, "value": to})

    return _move(
        spec,
        moved,
        f"let its first run begin there: tow run {_named(spec)} --since {shlex.quote(text)}",
    )


def forget_files(spec: JobSpec, pattern: str) -> Moved:
    """Forgets the files whose names match, so that they are read again. Raises Refused when none does."""

    def moved(state: State) -> Checkpoint:
        files = _files(state.checkpoint)
        gone = [name for name in files if fnmatchcase(name, pattern) or fnmatchcase(Path(name).name, pattern)]
        if not gone:
            raise Refused(
                f"no file that the step has read matches {pattern!r}",
                where=str(spec.step),
                todo=f"it has read {in_words(state.checkpoint)}",
                code="state-missing",
            )
        return _without(state.checkpoint, set(gone))

    return _move(spec, moved)


def forget(spec: JobSpec) -> Moved:
    """Forgets the whole checkpoint: the next run reads everything."""
    return _move(spec, None)


def _move(
    spec: JobSpec, moved: Callable[[State], Checkpoint] | None, todo: str = "it reads everything with its next run"
) -> Moved:
    """Swaps the step's state. A new load id makes runs that are under way from the old one fail."""
    destination, step = _destination(spec), str(spec.step)
    state = destination.recover(step)
    if state is None:
        raise Refused("the step has no state that could be moved", where=step, todo=todo, code="state-missing")
    letterbox.finish(spec, state.load_id)
    after = None
    if moved is not None:
        after = replace(state, load_id=secrets.token_hex(8), checkpoint=moved(state), at=now())
    destination.put_state(step, state, after)
    return Moved(step, state, after, _warning(spec, state, after))


def _warning(spec: JobSpec, before_: State, after: State | None) -> str:
    if spec.mode is Mode.APPEND and (after is None or after.checkpoint != before_.checkpoint):
        return "the step appends: rows that it reads again will stand in the destination twice"
    if spec.mode is Mode.CREATE and after is None:
        return "the step creates its destination, and that exists: the next run needs --full-refresh"
    return ""


def _files(checkpoint: Checkpoint) -> dict[str, str]:
    """The files of a checkpoint with their versions; none for a checkpoint of another kind."""
    if checkpoint.kind != "files":
        return {}
    files: dict[str, str] = checkpoint.value.get("files", checkpoint.value)
    return files if isinstance(files, dict) else checkpoint.value


def _without(checkpoint: Checkpoint, gone: set[str]) -> Checkpoint:
    kept = {name: version for name, version in _files(checkpoint).items() if name not in gone}
    if not isinstance(checkpoint.value.get("files"), dict):
        return Checkpoint("files", kept)
    return Checkpoint("files", {**checkpoint.value, "files": kept})


def _reached(state: State | None) -> str:
    return "nothing (the next run reads everything)" if state is None else in_words(state.checkpoint)


def _named(spec: JobSpec) -> str:
    """The step as the tow.yaml names it."""
    return shlex.quote(str(spec.step).rpartition("/")[2])


def _destination(spec: JobSpec) -> Destination:
    return assemble.destination(spec.to, spec.connections, spec.folder)
