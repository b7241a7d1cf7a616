"""Measures jobs by Towpath and by other tools, in turn.

    make bench [ARGS="--jobs csv-parquet,parquet-csv --peers duckdb,dlt --sf 0.1 --rounds 3"]
    make bench-report

The first installs the tools, makes the data, starts the servers, and writes build/bench/results/*.json after each job;
the second makes the page and the picture of them. A warm page cache is what is measured: a first round is thrown away.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from bench import machine, report
from bench.datasets import Datasets
from bench.environments import BUILD, TOOLS, install
from bench.jobs import JOBS
from bench.rounds import Bench, entries
from bench.servers import Servers


def _names(known: Iterable[str]) -> Callable[[str], list[str]]:
    def chosen(text: str) -> list[str]:
        names = text.split(",")
        if others := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"no such: {', '.join(others)}; there are {', '.join(known)}")
        return names

    return chosen


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("what", nargs="?", choices=("run", "report", "list"), default="run")
    made.add_argument("--jobs", type=_names(JOBS), default=list(JOBS), metavar="A,B", help="default: all")
    made.add_argument("--peers", type=_names(TOOLS), default=list(TOOLS), metavar="A,B", help="beside Towpath")
    made.add_argument("--sf", type=float, default=1.0, help="scale factor of the data (default: 1, 6 million rows)")
    made.add_argument("--rounds", type=int, default=3, help="rounds that count (default: 3)")
    made.add_argument("--warm", type=int, default=1, help="rounds before, that do not (default: 1)")
    made.add_argument("--limit", type=float, default=300, help="seconds that a run may take (default: 300)")
    made.add_argument("--installed", action="store_true", help="the environments are there: install nothing")
    return made


def run(chosen: argparse.Namespace) -> None:
    peers = [peer for name, peer in TOOLS.items() if name in {"towpath", *chosen.peers}]
    jobs = [JOBS[name] for name in chosen.jobs]
    taking = {entry.peer for job in jobs for entry in entries(job, peers)}
    if not chosen.installed:
        for environment in sorted({peer.environment for peer in taking} - {""} | {"data"}):
            install(environment)
    said = " ".join(word for word in sys.argv[1:] if word not in ("run", "--installed"))
    command = f'make bench ARGS="{said}"' if said else "make bench"
    made = machine.made(command, chosen.sf, chosen.rounds, chosen.warm, sorted(taking, key=lambda peer: peer.name))
    results = BUILD / "results" / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}.json"
    results.parent.mkdir(parents=True, exist_ok=True)
    done = []
    with Servers() as servers:
        bench = Bench(Datasets(chosen.sf), servers, chosen.rounds, chosen.warm, chosen.limit)
        for job in jobs:
            print(job.title, file=sys.stderr)
            try:
                done.append(bench.job(job, peers))
            except Exception as error:  # a server or a program is missing: the other jobs go on, and this one is told
                said = f"{type(error).__name__}: {error}".splitlines()[0]
                print(f"  could not be measured: {said}", file=sys.stderr)
                done.append({"name": job.name, "title": job.title, "rows": 0, "entries": [], "failure": said})
            results.write_text(json.dumps({"made": made | {"servers": servers.told()}, "jobs": done}, indent=1))
    print(report.table(json.loads(results.read_text())))
    print(f"written: {results}", file=sys.stderr)


def main() -> None:
    chosen = parser().parse_args()
    if chosen.what == "list":
        for job in JOBS.values():
            tools = ", ".join(entry.peer.name for entry in entries(job, list(TOOLS.values())))
            print(f"{job.name:<24} {tools}")
    elif chosen.what == "report":
        report.write(sorted((BUILD / "results").glob("*.json")))
    else:
        run(chosen)


if __name__ == "__main__":
    main()
