"""Jobs of Towpath under a hard limit of memory for all its processes: done, or a clear error and nothing published.

    make bench-memory [ARGS="--sf 10 --jobs sort,merge --memory 256MB --hard 512"]

The kernel holds the limit where a control group for memory can be made (as root); it kills what goes over. Elsewhere
the peak that was sampled is held against it. `--sf 13` makes the CSV file one of 10 GB.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from bench.datasets import Datasets
from bench.environments import BUILD, install, python
from bench.measure import measured

_GROUPS = ((Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"), (Path("/sys/fs/cgroup"), "memory.max"))
_KEY = ("--mode", "merge", "--key", "l_orderkey,l_linenumber")


@dataclass(frozen=True, slots=True)
class Job:
    """`source` is a set and its kind. `words` come behind source and destination; `before` is loaded there first."""

    source: tuple[str, str]
    to: str
    words: tuple[str, ...] = ()
    before: tuple[str, str] | None = None


JOBS = {
    "csv-parquet": Job(("lineitem", "csv"), "out.parquet"),
    "csv-duckdb": Job(("lineitem", "csv"), "duckdb:///out.duckdb#t"),
    "parquet-csv": Job(("lineitem", "parquet"), "out.csv"),
    "duckdb-parquet": Job(("lineitem", "duckdb"), "out.parquet"),
    "sqlite-parquet": Job(("orders", "sqlite"), "out.parquet"),
    "jsonl-parquet": Job(("nested", "jsonl"), "out.parquet"),
    "wide-parquet": Job(("wide", "csv"), "out.parquet"),
    "long-parquet": Job(("long", "csv"), "out.parquet"),
    "sort": Job(("lineitem", "csv"), "out.parquet", ("--sql", "select * from input order by l_comment, l_orderkey")),
    "dedupe": Job(("lineitem", "csv"), "out.parquet", ("--dedupe", "last", "--key", "l_orderkey,l_linenumber")),
    "merge": Job(("changes", "parquet"), "duckdb:///out.duckdb#t", _KEY, before=("lineitem", "parquet")),
    "merge-all": Job(("lineitem", "parquet"), "duckdb:///out.duckdb#t", _KEY, before=("lineitem", "parquet")),
    "partitions": Job(("lineitem", "parquet"), "out/", ("--partition-by", "l_shipdate")),
}


def _address(sets: Datasets, source: tuple[str, str]) -> str:
    name, kind = source
    if kind == "sqlite":
        return f"sqlite:///{sets.file(name, kind)}#data"
    if kind != "duckdb":
        return str(sets.file(name, kind))
    path = sets.home / name / "data.duckdb"
    if not path.exists():
        making = path.with_suffix(".making")
        making.unlink(missing_ok=True)
        with duckdb.connect(str(making)) as db:
            db.execute(f"create table data as from '{sets.file(name, 'parquet')}'")
        making.rename(path)
    return f"duckdb:///{path}#data"


@contextmanager
def limited(size: int) -> Iterator[tuple[str, ...]]:
    """The beginning of a command that runs in at most so many bytes; empty where the kernel does not do it."""
    for root, name in _GROUPS:
        group = root / f"towpath-bench-{os.getpid()}"
        with contextlib.suppress(OSError):
            group.mkdir()
            (group / name).write_text(str(size))
            for swap in ("memory.memsw.limit_in_bytes", "memory.swap.max"):
                with contextlib.suppress(OSError):
                    (group / swap).write_text(str(size if "memsw" in swap else 0))
            try:
                yield ("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh")
            finally:
                _removed(group)
            return
    yield ()


def _removed(group: Path) -> None:
    for _ in range(50):
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.1)


def _outcome(folder: Path, failure: str, *, there: bool) -> str:
    """What became of a job, in a word; `there`: something stood at its destination before."""
    if not failure:
        return "done"
    said = (folder / "said.txt").read_text("utf-8", "replace")
    left = [path.name for path in folder.iterdir() if path.name not in ("said.txt", "state")]
    if "[memory-short]" in said and (there or not left):
        return "error: memory-short"
    return f"FAILED: {failure}" + (f"; left {', '.join(left)}" if left and not there else "")


def main() -> None:
    made = argparse.ArgumentParser(prog="bench.memory", description=__doc__)
    made.add_argument("--jobs", type=lambda text: text.split(","), default=list(JOBS), help=f"of {', '.join(JOBS)}")
    made.add_argument("--sf", type=float, default=1.0)
    made.add_argument("--memory", default="256MB", help="what each job is given (default: 256MB)")
    made.add_argument("--hard", type=int, default=512, help="MB that its processes may take (default: 512)")
    made.add_argument("--limit", type=float, default=3600, help="seconds that a job may take")
    made.add_argument("--installed", action="store_true", help="the environments are there: install nothing")
    chosen = made.parse_args()
    if not chosen.installed:
        for environment in ("data", "towpath"):
            install(environment)
    sets, tow = Datasets(chosen.sf), str(python("towpath").with_name("tow"))
    bad = 0
    with limited(chosen.hard << 20) as prefix:
        print(f"{chosen.hard} MB, held by {'the kernel' if prefix else 'nobody: the peak is sampled'}\n")
        print("| job | outcome | seconds | peak, MB |\n|---|---|---|---|")
        for name in chosen.jobs:
            seconds, peak, outcome = _tried(JOBS[name], sets, tow, prefix, chosen)
            over = peak > chosen.hard << 20
            bad += outcome.startswith("FAILED") or over
            print(f"| {name} | {outcome} | {seconds:.1f} | {peak >> 20}{' OVER' if over else ''} |", flush=True)
    raise SystemExit(1 if bad else 0)


def _tried(
    job: Job, sets: Datasets, tow: str, prefix: tuple[str, ...], chosen: argparse.Namespace
) -> tuple[float, int, str]:
    folder = BUILD / "memory"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {**os.environ, "TOWPATH_STATE": str(folder / "state")}
    if job.before is not None:
        words = (tow, "copy", _address(sets, job.before), job.to, "--quiet")
        first = measured(words, folder, environment, chosen.limit)
        assert not first.failure, first.failure
    words = (*prefix, tow, "copy", _address(sets, job.source), job.to, *job.words, "--memory", chosen.memory)
    found = measured(words, folder, environment, chosen.limit)
    outcome = _outcome(folder, found.failure, there=job.before is not None)
    shutil.rmtree(folder)
    return found.seconds, found.memory, outcome


if __name__ == "__main__":
    main()
