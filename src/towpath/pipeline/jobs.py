"""A step of tow.yaml as a job: relative paths joined, references resolved, the connections that it uses."""

from __future__ import annotations

import os

from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.nouns import Guarantee, Mode
from towpath.pipeline.addresses import resolve, rooted
from towpath.pipeline.load import Loaded, rule_specs


def job(loaded: Loaded, name: str) -> JobSpec:
    """The job of one step. Raises UserError for a reference that cannot be resolved."""
    step, here = loaded.pipeline.steps[name], ("steps", name)
    used = [one.address for one in step.from_.values()] + [step.to.address]
    connections = _connections(loaded, used)
    inputs = {}
    for label, one in step.from_.items():
        place = loaded.document.where((*here, "from", label, "address"))
        text = rooted(resolve(one.address, place), loaded.folder, connections)
        inputs[label] = InputSpec(
            text, one.format, one.options, one.table, one.query, one.cursor or step.cursor, one.monotonic
        )
    place = loaded.document.where((*here, "to", "address"))
    to = rooted(resolve(step.to.address, place), loaded.folder, connections)
    return JobSpec(
        inputs=inputs,
        to=OutputSpec(to, step.to.format, step.to.options, step.to.table, tuple(step.to.partition_by)),
        mode=Mode(step.mode),
        key=tuple(step.key),
        types=step.types,
        where=step.where,
        sql=step.sql,
        python=step.python,
        whole=step.whole,
        select=tuple(step.select),
        rename=step.rename,
        cast=step.cast,
        rules=tuple(rule_specs(step.rules)),
        bad_rows=None if step.bad_rows is None else os.path.join(loaded.folder, step.bad_rows),
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
    return {
        name: rooted(resolve(text, loaded.document.where(("connections", name))), loaded.folder, {})
        for name, text in loaded.pipeline.connections.items()
        if name in heads
    }
