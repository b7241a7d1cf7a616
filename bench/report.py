"""The page of what was measured, from the JSON of the runs: docs/reference/bench.md, with its picture beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.environments import ROOT
from bench.measure import MEMORY
from bench.picture import picture
from bench.ratios import Row, rows

PAGE = ROOT / "docs" / "reference" / "bench.md"
PICTURE = PAGE.with_suffix(".svg")
_HEAD = """\
# Measured beside other tools

Each job was done by each tool in turn, in {rounds} rounds after {warm} that warmed the page cache and does not count;
the order of the tools moved on from round to round. Each run is a new tree of processes in an empty folder or at a new
table. The figures are medians; *ratio* is the median over the rounds of a tool's seconds to those of the fastest tool
other than Towpath, which runs with its defaults: books, checks, digest, receipt and atomic publish are in its seconds.

Every output was read again by DuckDB and compared with what it should hold, rows in any order. A tool whose output
differs is told with the first difference, and is not what others are compared with; so is a tool that failed or took
too long. *Other work* marks a bar that does less than the job, such as rows sent to nowhere. Parquet is compressed with
zstd at level 3. CPU seconds are those of the tool's processes, after `+` those of the server. Memory is the greatest
resident size of all processes of a tool together ({memory}).

Not measured: sling and ingestr, whose packages fetch their program from elsewhere when they are first called, and whose
sources the Go module proxy did not give; odbc2parquet, which has to be built against the system's ODBC drivers.

![Seconds of each tool as a ratio to the fastest other tool](bench.svg)
"""


def table(results: dict[str, Any]) -> str:
    """A Markdown table for each job, under its title."""
    return "\n".join(_job(job) for job in results["jobs"])


def _job(job: dict[str, Any]) -> str:
    if job.get("failure"):
        return f"## {job['title']}\n\nCould not be measured: {job['failure']}.\n"
    lines = [
        f"## {job['title']}", "", f"{job['rows']:,} rows.", "",
        "| tool | seconds | ratio | CPU, s | memory, MB | output, MB | output |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    return "\n".join([*lines, *map(_line, rows(job)), ""])


def _line(row: Row) -> str:
    used = f"{row.cpu:.2f}" + (f" + {row.server_cpu:.2f}" if row.server_cpu else "")
    cells = [row.label, "–", "–", "–", "–", "–"]
    if row.seconds is not None:
        shown = "–" if row.ratio is None else f"{row.ratio:.2f}"
        size = f"{row.size / 1e6:.1f}" if row.size else "–"
        cells = [row.label, f"{row.seconds:.2f}", shown, used, f"{row.memory / 1e6:.0f}", size]
    return "| " + " | ".join([*cells, row.said.replace("|", "\\|")]) + " |"


def merged(all_results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several measurements as one: of a job that was measured again the later one counts. Those of another scale
    factor or number of rounds than the last are left out."""
    made = all_results[-1]["made"]
    kept = [one for one in all_results if all(one["made"][key] == made[key] for key in ("sf", "rounds", "warm"))]
    jobs = {job["name"]: job for one in kept for job in one["jobs"]}
    versions = {name: found for one in kept for name, found in one["made"]["versions"].items()}
    servers = {name: told for one in kept for name, told in one["made"]["servers"].items()}
    commands = list(dict.fromkeys(one["made"]["command"] for one in kept))
    return {
        "made": {**made, "command": "`, `".join(commands), "versions": versions, "servers": servers},
        "jobs": list(jobs.values()),
    }


def page(results: dict[str, Any]) -> str:
    made = results["made"]
    versions = {name: number for found in made["versions"].values() for name, number in found.items()}
    lines = [
        f"- Command: `{made['command']}`, on {made['date']}; scale factor {made['sf']:g} of TPC-H for lineitem.",
        f"- Machine: {made['cores']} cores ({made['cpu']}), {made['memory'] / 2**30:.0f} GiB, {made['kernel']},"
        f" Python {made['python']}; the load average before was {made['load']:.1f}.",
        "- Versions: " + ", ".join(f"{name} {versions[name]}" for name in sorted(versions, key=str.lower)) + ".",
    ]
    if made["servers"]:
        lines.append("- Servers, on the same machine: " + ", ".join(made["servers"].values()) + ".")
    head = _HEAD.format(rounds=made["rounds"], warm=made["warm"], memory=MEMORY)
    return "\n".join([head, *lines, "", table(results)])


def write(paths: Sequence[Path]) -> None:
    """Makes page and picture of these files of results, the later ones over the earlier."""
    if not paths:
        raise SystemExit("there are no results: make bench first")
    results = merged([json.loads(path.read_text("utf-8")) for path in paths])
    PAGE.write_text(page(results), "utf-8")
    PICTURE.write_text(picture(results), "utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}, {PICTURE.relative_to(ROOT)}")
