"""Nothing that stays on this machine opens a connection: no telemetry, no downloads. Seen by an audit hook
(sys.addaudithook), which Python's own sockets cannot avoid."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WATCHED = """
import os, sys

def watch(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        os.write(2, f"reached for the network: {event} {arguments}\\n".encode())
        os._exit(99)

sys.addaudithook(watch)
"""

JOBS = """
from towpath.cli.main import main

for line in (
    "copy a.csv a.parquet",
    "copy a.parquet duckdb:///w.db#t",
    "copy duckdb:///w.db#t sqlite:///w.sqlite#t",
    "copy a.csv b.jsonl --sql 'select sum(id) as n from input'",
    "verify a.csv sqlite:///w.sqlite#t",
    "peek a.parquet",
    "runs",
):
    import shlex

    assert main(shlex.split(line)) == 0, line
"""


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", WATCHED + code], cwd=folder, capture_output=True, text=True)


def test_no_command_on_local_data_reaches_for_the_network(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n2\n")
    done = run(JOBS, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_reach_for_the_network_is_seen(tmp_path: Path) -> None:
    done = run("import socket\nsocket.create_connection(('127.0.0.1', 9), timeout=1)", tmp_path)
    assert done.returncode == 99
    assert "reached for the network" in done.stderr
