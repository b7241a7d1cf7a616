"""Follow: a job that goes on, each time with what is new since. Every epoch is one load, with its own receipt."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from towpath import assemble, move
from towpath.errors import Transient, UserError
from towpath.job import JobSpec
from towpath.nouns import Mode, Want
from towpath.progress import Progress, Unwatched
from towpath.receipt import Receipt, count
from towpath.url import shown

FOLLOW = "follow/"
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Followed:
    """What all epochs together moved, in seconds and rows."""

    step: str
    epochs: int = 0
    rows: int = 0
    seconds: float = 0.0

    def line(self) -> str:
        return f"{self.step}: {count(self.epochs, 'load')}, {count(self.rows, 'row')} in {self.seconds:.0f} s"


def following(spec: JobSpec) -> JobSpec:
    """The job as a step, which keeps how far it has read; without a name it gets one by what it reads and writes, so
    that the same command goes on where it ended. Without a mode it appends, to what it has made itself.

    Raises UserError for a job that each epoch would do wholly again, and when the destination is there and the step
    has not loaded it."""
    if spec.mode is Mode.REPLACE or spec.sql is not None or spec.whole or spec.limit is not None:
        what = "mode replace" if spec.mode is Mode.REPLACE else "sql, --whole or --limit"
        raise UserError(
            f"--follow sends on what is new, and {what} is about all rows",
            todo="use append, or merge with a key",
            code="options-conflict",
        )
    read = ",".join(shown(one.address) + str(one.table or one.query or "") for one in spec.inputs.values())
    ways = f"{read}\n{shown(spec.to.address)}{spec.to.table or ''}"
    named = spec.with_(step=spec.step or f"{FOLLOW}{hashlib.sha256(ways.encode()).hexdigest()[:8]}")
    if spec.mode is not Mode.CREATE:
        return named
    destination = assemble.destination(named.to, named.connections, named.folder)
    if destination.recover(named.step) is None and destination.describe() is not None:
        raise UserError(
            "it exists already, and this step has not loaded it",
            where=destination.shown,
            todo="choose --mode append, or merge with a key",
            code="destination-exists",
        )
    return named.with_(mode=Mode.APPEND)


def follow(
    spec: JobSpec,
    every: float,
    stop: threading.Event,
    *,
    ended: Callable[[Receipt], None] = lambda receipt: None,
    watch: Callable[[], Progress] = Unwatched,
) -> Followed:
    """Runs a job (of `following`) again and again, `every` so many seconds, until `stop` is set: the epoch under way
    then ends first, and no other begins. `ended` is called with the receipt of each that moved rows. What a later look
    may cure (a connection lost, nothing there yet) is waited out; any other TowError ends it."""
    total, begun = Followed(str(spec.step)), time.monotonic()
    seen = False
    while not stop.is_set():
        receipt = None
        try:
            seen = seen or not _is_empty(spec)
            if seen:
                receipt = move.run(spec, progress=watch(), quiet=True)
        except Transient as error:
            _LOG.warning("%s: tries again: %s", spec.step, error)
        if receipt is not None and receipt.status == "done":
            total.epochs += 1
            total.rows += receipt.rows
            ended(receipt)
        stop.wait(every)
    total.seconds = time.monotonic() - begun
    return total


def _is_empty(spec: JobSpec) -> bool:
    """Whether a source has no columns yet, as a topic without messages."""
    sources = [assemble.source(one, spec.connections, spec.folder) for one in spec.inputs.values()]
    return any(not one.describe(Want(checkpoint=False)).schema.names for one in sources)
