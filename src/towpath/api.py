"""The Python interface: what the commands do, as functions. Errors are `towpath.TowError`; receipts come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from towpath import move
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.nouns import Mode
from towpath.receipt import Receipt


def copy(
    source: str | InputSpec,
    to: str | OutputSpec,
    *,
    mode: str = "create",
    key: Sequence[str] = (),
    from_options: Mapping[str, Any] | None = None,
    to_options: Mapping[str, Any] | None = None,
    select: Sequence[str] = (),
    **others: Any,
) -> Receipt:
    """Moves one dataset, as `tow copy` does. `others` are further fields of `towpath.job.JobSpec` (types, where, sql,
    rename, cast, rules, bad_rows, allow_lossy, memory...)."""
    read = source if isinstance(source, InputSpec) else InputSpec(source, options=from_options or {})
    write = to if isinstance(to, OutputSpec) else OutputSpec(to, options=to_options or {})
    spec = JobSpec({"input": read}, write, mode=Mode(mode), key=tuple(key), select=tuple(select), **others)
    return move.run(spec)


def run(path: str | Path, *steps: str, full_refresh: bool = False, accept_plan: bool = False) -> list[Receipt]:
    """Runs a tow.yaml, or only some of its steps, as `tow run` does."""
    from towpath.pipeline.run import run_pipeline

    return run_pipeline(Path(path), steps, full_refresh=full_refresh, accept_plan=accept_plan)
