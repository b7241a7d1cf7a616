"""Runs a tow.yaml: its steps in order, where a step that stops takes only those that need it with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from towpath import move
from towpath.errors import TowError
from towpath.pipeline.jobs import job
from towpath.pipeline.load import Loaded, load
from towpath.pipeline.order import needs, order
from towpath.receipt import Receipt


def run_pipeline(
    path: Path,
    steps: Sequence[str] = (),
    *,
    full_refresh: bool = False,
    accept_plan: bool = False,
    bad_rows: str | None = None,
    ended: Callable[[Receipt], None] = lambda receipt: None,
) -> list[Receipt]:
    """Runs the steps named (without names: all) of a tow.yaml; returns a receipt each, in the order in which they ran.

    `ended` is called with each at its end. A step that stopped, and those not run because of it, have the status
    `stopped`. `bad_rows` is the folder for steps that name none. Raises UserError when the tow.yaml itself is wrong."""
    loaded = load(path)
    before = needs(loaded)
    stopped: set[str] = set()
    receipts = []
    for name in order(loaded, steps):
        missing = sorted(before[name] & stopped)
        if missing:
            receipt = _stopped(loaded, name, f"not run: it needs {', '.join(missing)}")
        else:
            receipt = _run(loaded, name, full_refresh, accept_plan, bad_rows)
        if receipt.status == "stopped":
            stopped.add(name)
        receipts.append(receipt)
        ended(receipt)
    return receipts


def total(receipts: Sequence[Receipt]) -> str:
    """One line on all receipts of a run."""
    counts = Counter(receipt.status for receipt in receipts)
    steps = ", ".join(f"{count} {status}" for status, count in counts.items())
    rows = sum(receipt.rows for receipt in receipts)
    seconds = sum(receipt.seconds for receipt in receipts)
    return f"{len(receipts)} steps: {steps}; {rows:,} rows in {seconds:.2f} s"


def _run(loaded: Loaded, name: str, full_refresh: bool, accept_plan: bool, bad_rows: str | None) -> Receipt:
    try:
        spec = job(loaded, name)
        if bad_rows is not None and spec.bad_rows is None:
            spec = spec.with_(bad_rows=bad_rows)
        return move.run(spec, full_refresh=full_refresh, accept_plan=accept_plan)
    except TowError as error:
        return _stopped(loaded, name, str(error))


def _stopped(loaded: Loaded, name: str, why: str) -> Receipt:
    step = loaded.pipeline.steps[name]
    source = ", ".join(one.address for one in step.from_.values())
    return Receipt(
        run="",
        source=source,
        destination=step.to.address,
        mode=step.mode,
        status="stopped",
        step=f"{loaded.pipeline.pipeline}/{name}",
        why=why,
    )
