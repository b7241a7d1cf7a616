"""Replay: bad rows, once their cause is mended, go to where the rest of their load went, as a load of their own."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from towpath import assemble, codecs, letterbox, registry
from towpath.badrows import BadRow
from towpath.deadletters import Kept, kept, pending
from towpath.errors import Refused
from towpath.job import REPLAY, InputSpec, JobSpec
from towpath.move import run
from towpath.nouns import Mode
from towpath.progress import Progress, Unwatched
from towpath.receipt import Receipt


def replay(
    folder: Path,
    types: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Callable[[], Progress] = Unwatched,
) -> list[Receipt]:
    """Sends on every bad row kept in `folder`, load by load; rows that are bad again are kept there again.

    `types` and `options` are laid over those of the job that met the rows; `progress` makes the one of each run. Each
    load's rows are sent exactly once where the destination keeps state: a replay that died is finished by calling it
    again. Raises Refused when there is nothing to send, or when a load cannot be replayed (its SQL read the whole
    input, or its rows carry their file's name)."""
    loads = kept(folder)
    if not loads:
        waiting = pending(folder)
        raise Refused(
            "holds no bad rows of a published load",
            where=str(folder),
            todo=f"not known to be published: {', '.join(waiting)}; run their step again first"
            if waiting
            else "name the folder that was given to --bad-rows; rows sent on before are in its folder replayed/",
            code="bad-rows-missing",
        )
    return [receipt for load in loads for receipt in _replay_load(load, folder, types or {}, options or {}, progress)]


def _replay_load(
    load: Kept, folder: Path, types: Mapping[str, str], options: Mapping[str, Any], progress: Callable[[], Progress]
) -> list[Receipt]:
    spec = load.spec
    if spec.sql is not None or spec.whole:
        raise Refused(
            "these rows were met before a step that reads its whole input, so they cannot be sent on alone",
            where=str(load.folder),
            todo="correct them in the source and run the step again",
            code="mode-impossible",
        )
    if "source_file" in spec.load_columns:
        raise Refused(
            "these rows are to be kept with the name of their file, which only reading that file can tell",
            where=str(load.folder),
            todo="correct them in the source and run the step again; append replaces the rows of a changed file",
            code="mode-impossible",
        )
    rows = list(load.rows())
    raw = [row for row in rows if row.edge == "read" and row.place.raw is not None]
    unshaped = [row for row in rows if row.edge == "read" and row.place.raw is None]
    shaped = [row for row in rows if row.edge != "read"]
    receipts = []
    with tempfile.TemporaryDirectory(prefix=".replay-", dir=folder.absolute()) as made:
        for number, (head, group) in enumerate(_by_head(raw).items()):
            file = Path(made) / f"{load.load_id}-{number}"
            file.write_bytes(b"".join(_line(part) for part in (head, *(row.place.raw for row in group))))
            receipts.append(_send(_raw_job(load, spec, file, options, number), types, folder, progress()))
        for part, group in (("read", unshaped), ("rows", shaped)):
            if group:
                file = Path(made) / f"{load.load_id}-{part}.jsonl"
                file.write_text("".join(json.dumps(row.row, ensure_ascii=False) + "\n" for row in group), "utf-8")
                receipts.append(_send(_row_job(load, spec, file, part), types, folder, progress()))
    load.replayed(receipts[-1].load or "none")
    return receipts


def _by_head(rows: Iterable[BadRow]) -> dict[bytes | None, list[BadRow]]:
    groups: dict[bytes | None, list[BadRow]] = {}
    for row in rows:
        groups.setdefault(row.place.head, []).append(row)
    return groups


def _line(part: bytes | None) -> bytes:
    return b"" if part is None else part.rstrip(b"\r\n") + b"\n"


def _raw_job(load: Kept, spec: JobSpec, file: Path, options: Mapping[str, Any], number: int) -> JobSpec:
    """The same job over the records' own bytes; every transformation and rule applies as it did."""
    (name, one), *_ = spec.inputs.items()
    path = codecs.split(assemble.located(one.address, spec.connections, spec.folder).path)[0]
    row = registry.find("format", one.format) if one.format else registry.format_for(path)
    format = row.name if row is not None else one.format
    source = InputSpec(str(file), format=format, options={**one.options, **options}, timezone=one.timezone)
    return replace(_onto(load, spec, f"raw-{number}"), inputs={name: source})


def _row_job(load: Kept, spec: JobSpec, file: Path, part: str) -> JobSpec:
    """The rows as they stood before the edge that set them aside. For those that were never read every transformation
    is still to come; for the others, only the rules."""
    (name, one), *_ = spec.inputs.items()
    unzoned = InputSpec(str(file), format="jsonl", timezone=one.timezone if part == "read" else None)
    job = replace(_onto(load, spec, part), inputs={name: unzoned})
    if part == "read":
        return job
    return replace(job, where=None, python=None, select=(), rename={}, cast={}, types={})


def _onto(load: Kept, spec: JobSpec, part: str) -> JobSpec:
    mode = spec.mode if spec.mode is Mode.MERGE else Mode.APPEND
    return replace(spec, mode=mode, step=f"{REPLAY}{load.load_id}/{part}", sample=None, limit=None)


def _send(job: JobSpec, types: Mapping[str, str], folder: Path, progress: Progress) -> Receipt:
    job = replace(job, types={**job.types, **types}, bad_rows=str(folder), max_bad=None)
    done = assemble.destination(job.to, job.connections, job.folder).state(str(job.step))
    if done is not None:
        receipt = Receipt("", str(folder), job.to.address, str(job.mode), "unchanged", job.step, done.load_id)
        receipt.why = f"sent already by load {done.load_id} at {done.at}"
        letterbox.finish(job, done.load_id)  # it may have died before it named its own bad rows
        return receipt
    return run(job, progress=progress)
