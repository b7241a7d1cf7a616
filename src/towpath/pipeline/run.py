"""Runs a tow.yaml: its steps in order, where a step that stops takes only those that need it with it."""

from __future__ import annotations

import logging
import secrets
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from towpath import history, move
from towpath.errors import TowError, UserError
from towpath.history import Group
from towpath.job import JobSpec
from towpath.pipeline.jobs import Part, job
from towpath.pipeline.load import Loaded, load
from towpath.pipeline.order import meet, needs, order, touched
from towpath.pipeline.schedule import Schedule
from towpath.progress import Progress, Unwatched
from towpath.receipt import Receipt, count, now
from towpath.url import shown

_LOG = logging.getLogger(__name__)
_WELL = ("done", "unchanged", "partial")


def run_pipeline(
    what: Path | Loaded,
    steps: Sequence[str] = (),
    *,
    full_refresh: bool = False,
    accept_plan: bool = False,
    bad_rows: str | None = None,
    max_bad: str | None = None,
    part: Part | None = None,
    parallel: int | None = None,
    ended: Callable[[Receipt], None] = lambda receipt: None,
    watch: Callable[[], Progress] = Unwatched,
    quiet: bool = False,
) -> list[Receipt]:
    """Runs the steps named (without names: all) of a tow.yaml; returns a receipt each, in the order of their ends.

    `ended` is called with each at its end, from the caller's thread; `watch` makes what is told of one step's progress.
    A step that stopped, and those not run because of it, have the status `stopped`; one with a defect has the status
    `failed`, and its traceback is logged. `bad_rows` is the folder for steps that name none, `max_bad` how many rows of
    a step may go there, if it does not say; `parallel` how many run at the same time, instead of what the file says.
    `quiet`: what finds nothing new is not kept in the history. Raises UserError when the tow.yaml itself is wrong."""
    loaded = load(what) if isinstance(what, Path) else what
    part = part or Part()
    names = order(loaded, steps)
    part.check(loaded, names)
    at_once = max(1, min(parallel or loaded.pipeline.parallel, len(names)))

    def chosen(name: str) -> JobSpec:
        """The step's job with its share of memory and the wishes of this run."""
        spec = part.of(job(loaded, name))
        return spec.with_(
            memory=spec.memory // at_once, bad_rows=spec.bad_rows or bad_rows, max_bad=spec.max_bad or max_bad
        )

    group = Group(secrets.token_hex(6), now(), str(loaded.path), loaded.env, tuple(names))
    if not quiet:
        history.record_group(group)
    run = _Run(loaded, group, chosen, full_refresh, accept_plan, ended, watch, needs(loaded), quiet)
    reserved = {name: touched(loaded, name) for name in names}
    Schedule(
        names,
        run.before,
        lambda one, other: meet(reserved[one], reserved[other]),
        run.skip,
        run.work,
        run.end,
        at_once,
        run.stop,
    ).run()
    return run.receipts


def not_done(loaded: Loaded) -> list[str]:
    """The steps that the latest `tow run` of this file in this profile was to run and that did not end well: stopped,
    failed, not run, or interrupted. Raises UserError when no run is known."""
    group = history.latest_group(str(loaded.path), loaded.env)
    if group is None:
        profile = f" in the profile {loaded.env}" if loaded.env else ""
        raise UserError(
            f"no run{profile} is in the history, so no step of it failed",
            where=loaded.document.name,
            todo="run it without --failed",
            code="run-unknown",
        )
    well = {receipt.step for receipt in history.of_group(group) if receipt.status in _WELL}
    steps = loaded.pipeline.steps
    return [name for name in group.steps if name in steps and f"{loaded.pipeline.pipeline}/{name}" not in well]


def failed(receipts: Sequence[Receipt]) -> bool:
    """Whether the run as a whole failed: a step stopped that may not be ignored, or has a defect."""
    return any(one.status == "failed" or (one.status == "stopped" and not one.ignored) for one in receipts)


def total(receipts: Sequence[Receipt], seconds: float) -> str:
    """One line on all receipts of a run that took so many seconds."""
    counts = Counter(receipt.status for receipt in receipts)
    steps = ", ".join(f"{number} {status}" for status, number in counts.items())
    rows = sum(receipt.rows for receipt in receipts)
    return f"{count(len(receipts), 'step')}: {steps}; {count(rows, 'row')} in {seconds:.2f} s"


@dataclass(slots=True)
class _Run:
    """What one run knows while it goes on. Only `work` is called in other threads."""

    loaded: Loaded
    group: Group
    chosen: Callable[[str], JobSpec]
    full_refresh: bool
    accept_plan: bool
    tell: Callable[[Receipt], None]
    watch: Callable[[], Progress]
    before: dict[str, set[str]]
    quiet: bool
    receipts: list[Receipt] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    halted_by: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def skip(self, name: str) -> Receipt | None:
        """The receipt of a step that is not run, because of others."""
        missing = sorted(self.before[name] & self.missing)
        if self.halted_by is not None:
            why = f"not run: {self.halted_by} stopped, and its on_failure is stop"
        elif missing:
            why = f"not run: it needs {', '.join(missing)}"
        else:
            return None
        receipt = self.receipt(name)
        receipt.run, receipt.status, receipt.why = "", "stopped", why
        return receipt

    def work(self, name: str) -> Receipt:
        """Runs one step. Whatever goes wrong in it is in its receipt, so that it takes no other step's with it."""
        receipt = self.receipt(name)
        try:
            move.run(
                self.chosen(name),
                full_refresh=self.full_refresh,
                accept_plan=self.accept_plan,
                receipt=receipt,
                progress=Stoppable(self.watch(), self.stop),
                quiet=self.quiet,
            )
        except TowError as error:
            self._unrecorded(receipt, "stopped", str(error))
        except KeyboardInterrupt:
            if not self.stop.is_set():
                raise
            self._unrecorded(receipt, "stopped", "interrupted")
        except Exception as error:
            _LOG.error("%s: a defect of Towpath or of a library: %s", receipt.step, traceback.format_exc())
            self._unrecorded(receipt, "failed", f"{type(error).__name__}: {error}")
        return receipt

    def end(self, name: str, receipt: Receipt) -> None:
        if receipt.status in ("stopped", "failed"):
            if not (receipt.ignored and receipt.status == "stopped"):
                self.missing.add(name)
            if receipt.run and self._on_failure(name) == "stop":
                self.halted_by = self.halted_by or name
        self.receipts.append(receipt)
        self.tell(receipt)

    def receipt(self, name: str) -> Receipt:
        step = self.loaded.pipeline.steps[name]
        return Receipt(
            run=secrets.token_hex(6),
            source=", ".join(shown(one.address) for one in step.from_.values()),
            destination=shown(step.to.address),
            mode=step.mode,
            step=f"{self.loaded.pipeline.pipeline}/{name}",
            group=self.group.id,
            file=self.group.file,
            env=self.group.env,
            ignored=self._on_failure(name) == "ignore",
        )

    def _on_failure(self, name: str) -> str:
        return self.loaded.pipeline.steps[name].on_failure or self.loaded.pipeline.on_failure

    def _unrecorded(self, receipt: Receipt, status: str, why: str) -> None:
        """What went wrong before the mover began is kept by nobody else."""
        if receipt.status == "running":
            receipt.status, receipt.why = status, why
            history.record(receipt)


@dataclass(frozen=True, slots=True)
class Stoppable:
    """Progress that ends its run, from within, at the next sign of life after `stop` was set: nothing is published."""

    watched: Progress
    stop: threading.Event

    def begin(self, name: str, rows: int | None, size: int | None) -> None:
        self.watched.begin(name, rows, size)
        self._check()

    def phase(self, what: str) -> None:
        self.watched.phase(what)
        self._check()

    def advance(self, rows: int, size: int) -> None:
        self.watched.advance(rows, size)
        self._check()

    def end(self) -> None:
        self.watched.end()

    def _check(self) -> None:
        if self.stop.is_set():
            raise KeyboardInterrupt
