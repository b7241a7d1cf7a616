"""A trial: only some rows of a job, by a share of those read (`sample`) or by a number of those made (`limit`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from towpath.books import Edge
from towpath.errors import Refused, UserError
from towpath.job import JobSpec
from towpath.nouns import Mode, State
from towpath.stream import Batch, Stream

_SEED = 0x9E3779B97F4A7C15


def is_trial(spec: JobSpec) -> bool:
    return spec.sample is not None or spec.limit is not None


def check(spec: JobSpec, state: State | None) -> None:
    """Raises UserError for a share or a number that is none, Refused for a trial of a step that keeps its place."""
    if spec.sample is not None and not 0 < spec.sample <= 1:
        raise UserError(
            f"sample {spec.sample!r} is no share", todo="write it like 1% or 0.01, up to 1", code="sample-bad"
        )
    if spec.limit is not None and spec.limit < 0:
        raise UserError(f"limit {spec.limit} is no number of rows", todo="give 0 or more", code="limit-bad")
    if is_trial(spec) and spec.step is not None and spec.mode is Mode.APPEND:
        raise Refused(
            "the rows of a limit or sample keep no checkpoint, so the next run would append them once more",
            where=spec.step,
            todo="try it with tow copy to another place, or by a step of mode replace or merge",
            code="trial-of-kept-step",
        )
    if is_trial(spec) and state is not None:
        raise Refused(
            f"a limit or sample would set the step's rows and its checkpoint (load {state.load_id}) at odds",
            where=str(spec.step),
            todo="try it with tow copy to another place, or load the step whole, without them (--full-refresh if anew)",
            code="trial-of-kept-step",
        )


def note(spec: JobSpec) -> str:
    """What the receipt of a trial has to say."""
    what = []
    if spec.sample is not None:
        what.append(f"a sample of {spec.sample:.6g} of the rows read")
    if spec.limit is not None:
        what.append(f"at most {spec.limit:,} rows, so the source may not have been read to its end")
    kept = "" if spec.step is None else "; no checkpoint was kept: load the step whole with --full-refresh"
    return f"a trial: {', '.join(what)}{kept}"


def sampled(stream: Stream, share: float, edge: Edge) -> Iterator[Batch]:
    """About this share of the rows: those whose running number has a small hash, so the same ones every time."""
    first = 0
    for batch in stream:
        edge.given += len(batch)
        kept = _small(first, len(batch), share)
        first += len(batch)
        edge.filtered += int(np.count_nonzero(~kept))
        chosen = batch.take(np.flatnonzero(kept))
        edge.accepted += len(chosen)
        yield chosen


def limited(stream: Stream, most: int, edge: Edge) -> Iterator[Batch]:
    """The first rows; nothing is asked of the stream once there are enough."""
    left = most
    if left == 0:
        return
    for batch in stream:
        edge.given += len(batch)
        kept = batch if len(batch) <= left else replace(batch, rows=batch.rows.slice(0, left))
        left -= len(kept)
        edge.accepted += len(kept)
        yield kept
        if left == 0:
            return


def _small(first: int, count: int, share: float) -> np.ndarray:
    """Which running numbers hash (splitmix64) into the lowest part of all hashes."""
    with np.errstate(over="ignore"):
        hashed = (np.arange(first, first + count, dtype=np.uint64) + np.uint64(1)) * np.uint64(_SEED)
        hashed = (hashed ^ (hashed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        hashed = (hashed ^ (hashed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        hashed ^= hashed >> np.uint64(31)
    small: np.ndarray = (hashed >> np.uint64(11)) < share * 2**53
    return small
