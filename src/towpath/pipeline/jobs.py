"""A step of tow.yaml as a job, with the connections that it uses. References stay references, but are tried here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from towpath import letterbox
from towpath.errors import UserError
from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.joins.cursor import Cursor
from towpath.nouns import Guarantee, Mode
from towpath.pipeline.load import Loaded, rule_specs
from towpath.secrets.references import resolve
from towpath.window import windowed


@dataclass(frozen=True, slots=True)
class Part:
    """The part of the data that one run is about, as `JobSpec` and `InputSpec` mean it; by itself: all of it."""

    since: str | None = None
    until: str | None = None
    limit: int | None = None
    sample: float | None = None
    lookback: str | None = None

    def check(self, loaded: Loaded, names: Iterable[str]) -> None:
        """Raises UserError when a step among them has no cursor that since, until and lookback could be about, or for
        a look-back that is no span."""
        if (self.since, self.until, self.lookback) == (None, None, None):
            return
        Cursor("", lookback=self.lookback)  # a span that is none is a mistake in the command, not in a step
        steps = loaded.pipeline.steps
        without = [
            name
            for name in names
            if steps[name].cursor is None and any(one.cursor is None for one in steps[name].from_.values())
        ]
        if without:
            raise UserError(
                f"--since, --until and --lookback are about a cursor, and these steps have none: {', '.join(without)}",
                where=loaded.document.name,
                todo="name only steps that have one, or give these a cursor",
                code="cursor-missing",
            )

    def of(self, spec: JobSpec) -> JobSpec:
        return windowed(spec, self.since, self.until, self.lookback).with_(limit=self.limit, sample=self.sample)


def job(loaded: Loaded, name: str) -> JobSpec:
    """The job of one step. Raises UserError for a reference that cannot be resolved."""
    step, here = loaded.pipeline.steps[name], ("steps", name)
    used = [one.address for one in step.from_.values()] + [step.to.address]
    used += [step.bad_rows] if step.bad_rows and "#" in step.bad_rows else []  # a topic of a connection
    connections = _connections(loaded, used)
    inputs = {}
    for label, one in step.from_.items():
        resolve(one.address, loaded.document.where((*here, "from", label, "address")), str(loaded.folder))
        inputs[label] = InputSpec(
            one.address,
            one.format,
            one.options,
            one.table,
            one.query,
            one.cursor or step.cursor,
            one.monotonic,
            one.lookback,
            timezone=one.timezone,
        )
    resolve(step.to.address, loaded.document.where((*here, "to", "address")), str(loaded.folder))
    return JobSpec(
        inputs=inputs,
        to=OutputSpec(
            step.to.address,
            step.to.format,
            step.to.options,
            step.to.table,
            tuple(step.to.partition_by),
            step.to.rows_per_file,
            step.to.file_size,
            step.to.codec,
            step.to.level,
            step.to.schema_,
            tuple(step.to.before),
            tuple(step.to.after),
        ),
        mode=Mode(step.mode),
        key=tuple(step.key),
        types=step.types,
        all_text=step.all_text,
        where=step.where,
        sql=step.sql,
        python=step.python,
        whole=step.whole,
        select=tuple(step.select),
        rename=step.rename,
        cast=step.cast,
        rules=tuple(rule_specs(step.rules)),
        dedupe=step.dedupe,
        load_columns=tuple(step.load_columns),
        bad_rows=_bad_rows(step.bad_rows, loaded.folder, connections),
        max_bad=step.max_bad,
        allow_lossy=tuple(step.allow_lossy),
        require=None if step.require is None else Guarantee(step.require),
        memory=step.memory,
        step=f"{loaded.pipeline.pipeline}/{name}",
        folder=str(loaded.folder),
        connections=connections,
    )


def _connections(loaded: Loaded, used: list[str]) -> dict[str, str]:
    """Only those that the step uses: its checkpoint shall not depend on the others."""
    heads = {text.partition("#")[0] for text in used}
    found = {name: text for name, text in loaded.connections.items() if name in heads}
    for name, text in found.items():
        resolve(text, loaded.written[name].where, str(loaded.folder))
    return found


def _bad_rows(place: str | None, folder: Path, connections: Mapping[str, str]) -> str | None:
    """A folder as seen from the file's; the address of a topic as it is."""
    address = place is None or letterbox.is_address(place, connections)
    return place if address else os.path.join(folder, str(place))
