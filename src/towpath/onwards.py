"""Where a run starts: after the committed checkpoint, from the beginning, or not at all, as nothing is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from towpath import window
from towpath.errors import Refused
from towpath.job import JobSpec, is_replay
from towpath.nouns import Checkpoint, Mode
from towpath.seams.destination import HoldsSteps
from towpath.seams.source import ReadsFiles

if TYPE_CHECKING:
    from towpath.ground import Ground


def onwards(ground: Ground, *, full_refresh: bool, accept_plan: bool) -> None:
    """Where the run starts: after the committed checkpoint, or from the beginning."""
    spec, state = ground.spec, ground.state
    if full_refresh and ground.existing is not None:
        _refuse_others(ground)
        ground.mode = Mode.REPLACE
        return
    if state is None or ground.existing is None:
        return
    whole = spec.sql is not None or spec.whole or spec.mode is Mode.REPLACE
    changed = state.plan != spec.plan_hash()
    if changed and not accept_plan:
        raise _changed("the step was changed since its last load, so its checkpoint may not fit it any more", spec)
    if window.has_window(spec):
        window.check_backfill(spec, state)
        ground.backfill = True
        ground.notes.append(f"a backfill: the checkpoint stays where load {state.load_id} left it")
        return
    # A step that reads its whole input makes other rows of the same input by another plan.
    stale = changed and whole
    if _nothing_new(ground, state.checkpoint, whole) and not _may_be_late(spec) and not stale:
        ground.unchanged = f"nothing new in {ground.source_shown} since load {state.load_id} at {state.at}"
        return
    if not whole:
        ground.since = dict.fromkeys(ground.since, state.checkpoint)
        for source in ground.sources.values():
            if hasattr(source, "misfit"):
                _files(ground, cast(ReadsFiles, source), state.checkpoint, accept_plan)
        ground.notes += window.reread(spec)


def _nothing_new(ground: Ground, since: Checkpoint, whole: bool) -> bool:
    """Whether a run would read nothing. Files that are gone are no news, unless the step reads its whole input."""
    if ground.bound is None or ground.bound == since:
        return ground.bound is not None
    files = [cast(ReadsFiles, one) for one in ground.sources.values() if hasattr(one, "has_news")]
    return bool(files) and not whole and not any(one.misfit(since) or one.has_news(since) for one in files)


def _may_be_late(spec: JobSpec) -> bool:
    """Whether rows may have come whose cursor is no greater than the checkpoint."""
    return any(
        one.cursor is not None and (not one.monotonic or one.lookback is not None) for one in spec.inputs.values()
    )


def _files(ground: Ground, source: ReadsFiles, since: Checkpoint, accept_plan: bool) -> None:
    """Other files than those that the checkpoint is about are not taken for new ones."""
    other = source.misfit(since)
    if other and not accept_plan:
        raise _changed(f"the checkpoint is about the files {other}, and the address names others now", ground.spec)
    ground.instead = source.reread(since)


def _changed(what: str, spec: JobSpec) -> Refused:
    return Refused(
        what,
        where=str(spec.step),
        todo="either load everything anew (--full-refresh), or go on from the checkpoint (--accept-plan)",
        code="plan-changed",
    )


def _refuse_others(ground: Ground) -> None:
    """A full refresh replaces all rows, also those that other steps loaded."""
    spec, destination = ground.spec, ground.destination
    if spec.mode is Mode.REPLACE or spec.step is None or not hasattr(destination, "steps"):
        return
    others = [one for one in cast(HoldsSteps, destination).steps() if one != spec.step and not is_replay(one)]
    if others:
        raise Refused(
            f"a full refresh would drop the rows of other steps too: {', '.join(others)}",
            where=destination.shown,
            todo="let each step have a table of its own, or load all of them anew into an empty one",
            code="refresh-of-shared",
        )
