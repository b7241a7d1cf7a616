"""The window of one run: `since` and `until` laid over a job's inputs, and what that means for a step that keeps its
place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from towpath.errors import Refused, UserError
from towpath.job import InputSpec, JobSpec
from towpath.nouns import Mode, State


def windowed(spec: JobSpec, since: str | None, until: str | None, lookback: str | None = None) -> JobSpec:
    """The job reading only rows whose cursor is `since` or greater and less than `until`, or with another look-back: in
    all inputs that have a cursor. Without any the inputs are bounded all the same, and refused when they are opened."""
    meant: dict[str, Any] = {"since": since, "until": until, "lookback": lookback}
    given = {name: bound for name, bound in meant.items() if bound is not None}
    if not given:
        return spec
    chosen = [name for name, one in spec.inputs.items() if one.cursor is not None] or list(spec.inputs)
    inputs = {name: replace(one, **given) if name in chosen else one for name, one in spec.inputs.items()}
    return spec.with_(inputs=inputs)


def has_window(spec: JobSpec) -> bool:
    return any(one.since is not None or one.until is not None for one in spec.inputs.values())


def is_bounded(spec: JobSpec) -> bool:
    """Whether a run reads more or less than what is new."""
    return has_window(spec) or any(one.lookback is not None for one in spec.inputs.values())


def check(spec: JobSpec) -> None:
    """Raises UserError for a look-back without a key to go by, and for a window of a step that reads all it can."""
    looks_back = next((one for one in spec.inputs.values() if one.lookback is not None), None)
    if looks_back is not None and (spec.mode is not Mode.MERGE or not spec.key):
        raise UserError(
            f"the look-back {looks_back.lookback!r} reads rows again, which only a merge by key takes once",
            where=spec.step or "",
            todo="use mode merge with a key, or leave the look-back out",
            code="lookback-unkeyed",
        )
    if spec.step is not None and has_window(spec) and (spec.sql is not None or spec.whole):
        raise UserError(
            "a step that reads its whole input has no window: it would make its rows from a part of it",
            where=spec.step,
            todo="put the condition into the sql, or try it with tow copy",
            code="window-of-whole",
        )


def check_backfill(spec: JobSpec, state: State) -> None:
    """Raises Refused for a window of a step that was loaded before, unless its rows go by key."""
    if spec.mode is Mode.MERGE:
        return
    what = "would add rows again" if spec.mode is Mode.APPEND else "would drop all other rows"
    raise Refused(
        f"the step was loaded before (load {state.load_id}), and --since or --until with mode {spec.mode} {what}",
        where=str(spec.step),
        todo="use mode merge with a key, which takes rows of a window again",
        code="backfill-unkeyed",
    )


def notes(spec: JobSpec) -> list[str]:
    """What plan and receipt say of the windows."""
    return [f"read {_words(one)}; the other rows stayed at the source, not counted" for one in _bounded(spec)]


def reread(spec: JobSpec) -> list[str]:
    """What plan and receipt say of the look-backs of a run that goes on from a checkpoint."""
    return [
        f"looks back: rows from {one.lookback} before the checkpoint on are read again"
        for one in spec.inputs.values()
        if one.lookback is not None
    ]


def _bounded(spec: JobSpec) -> list[InputSpec]:
    return [one for one in spec.inputs.values() if one.since is not None or one.until is not None]


def _words(one: InputSpec) -> str:
    since = "" if one.since is None else f" from {one.since}"
    until = "" if one.until is None else f" up to {one.until}, not with it"
    return f"only rows with {one.cursor}{since}{until}"
