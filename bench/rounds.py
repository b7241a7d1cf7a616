"""One job by all tools in turn, round by round, each run in a folder and at a destination of its own."""

from __future__ import annotations

import ast
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.call import load
from bench.content import EQUAL, Reference, compared
from bench.datasets import Datasets
from bench.environments import BUILD, TOOLS, Peer, bare, python
from bench.jobs import Job
from bench.measure import Run, measured
from bench.places import KEY, Place, Spec, place
from bench.servers import Servers

CALL = str(Path(__file__).with_name("call.py"))
_TEXT = ("csv", "jsonl", "files", "sqlite", "kafka")  # in which a decimal is a number without a type


def functions(peer: Peer) -> set[str]:
    """The kinds of jobs that a tool does, without importing its library."""
    found: set[str] = set()
    for node in ast.parse(peer.script.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


@dataclass(slots=True)
class Entry:
    """A tool at a job. `bar`: it does other work, of which nothing is checked."""

    peer: Peer
    kind: str
    bar: bool = False
    runs: list[Run] = field(default_factory=list)
    size: int = 0
    content: str = ""
    note: str = ""

    def shown(self) -> dict[str, Any]:
        return {
            "tool": self.peer.name, "label": self.peer.shown, "kind": self.kind, "bar": self.bar, "size": self.size,
            "content": self.content, "note": self.note, "runs": [asdict(run) for run in self.runs],
        }  # fmt: skip


def entries(job: Job, peers: Sequence[Peer]) -> list[Entry]:
    """Who takes part in a job: Towpath, the tools among `peers` that can do it, and the bars of those."""
    found = [Entry(peer, job.does) for peer in peers if job.does in functions(peer)]
    names = {peer.name for peer in peers}
    bars = [(TOOLS[tool], kind) for tool, _, kind in (bar.partition(".") for bar in job.bars) if tool in names]
    return found + [Entry(peer, kind, bar=True) for peer, kind in bars]


class Bench:
    """What all jobs have in common."""

    def __init__(self, sets: Datasets, servers: Servers, rounds: int, warm: int, limit: float) -> None:
        self.sets, self.servers, self.rounds, self.warm, self.limit = sets, servers, rounds, warm, limit

    def job(self, job: Job, peers: Sequence[Peer]) -> dict[str, Any]:
        """The results of a job, ready for JSON. Rounds of warming up are not counted, but their outputs are checked."""
        taking, gone = entries(job, peers), set[int]()
        for at in range(self.warm + self.rounds):
            for step in range(len(taking)):
                number = (at + step) % len(taking)
                if number in gone:
                    continue
                entry = taking[number]
                run = self._run(job, entry)
                print(f"  {entry.peer.shown:<18} {run.seconds:8.2f} s  {run.failure or entry.content}", file=sys.stderr)
                if run.failure:
                    gone.add(number)
                if at >= self.warm or run.failure:
                    entry.runs.append(run)
        rows = self.sets.rows(job.data)
        return {"name": job.name, "title": job.title, "rows": rows, "entries": [entry.shown() for entry in taking]}

    def _run(self, job: Job, entry: Entry) -> Run:
        folder = BUILD / "runs" / job.name / entry.peer.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        source, to = (place(kind, self.sets, self.servers) for kind in (job.source, job.to))
        names = [where.server for where in (source, to) if where.server]
        environment = bare() | {"HOME": str(folder), "TOWPATH_STATE": str(folder / "state")}
        for name in names:
            environment |= self.servers.environment(name)
        before = f"{entry.kind}_before" in functions(entry.peer)
        spec: Spec = {
            "folder": str(folder), "query": job.query, "key": KEY, "tow": str(python("towpath").with_name("tow")),
            "columns": list(self._reference(job).columns),
            **({"base": str(self.sets.file(job.base, "parquet"))} if job.base else {}),
            **source.source(job.data), **to.fresh(job.data, "" if before else job.base, folder),
        }  # fmt: skip
        if before:
            made = measured(self._command(entry, spec, "_before"), folder, environment, self.limit)
            if made.failure:
                return made
        server = self.servers.pid(names[-1]) if names else None
        os.sync()  # what an earlier run wrote is not this one's to wait for
        run = measured(self._command(entry, spec), folder, environment, self.limit, server)
        if not run.failure and job.checked and not entry.bar:
            self._check(job, entry, to, spec, folder)
        shutil.rmtree(folder, ignore_errors=True)
        return run

    def _command(self, entry: Entry, spec: Spec, suffix: str = "") -> list[str]:
        kind = entry.kind + suffix
        if entry.peer.commands:
            command: list[str] = getattr(load(str(entry.peer.script)), kind)(spec)
            return command
        file = Path(spec["folder"], "spec.json")
        file.touch(0o600)
        file.write_text(json.dumps(spec))
        return [str(python(entry.peer.environment)), "-P", CALL, str(entry.peer.script), kind, str(file)]

    def _reference(self, job: Job) -> Reference:
        query = f"from '{self.sets.file(job.holds or job.data, 'parquet')}'"
        if job.query:
            query = f"with input as ({query}) {job.query}"
        elif job.source == "files":
            query = f"select * from ({query})"
        return Reference.of(query, text=job.source in _TEXT)

    def _check(self, job: Job, entry: Entry, to: Place, spec: Spec, folder: Path) -> None:
        try:
            content, note = compared(self._reference(job), *to.output(spec, self._reference(job), folder))
            entry.size = to.size(spec)
        except (OSError, RuntimeError) as error:
            content, note = f"differs: {str(error).splitlines()[0][:160]}", ""
        if entry.content in ("", EQUAL):  # what differed once stays told
            entry.content, entry.note = content, note
