"""Every example in the help of a command, which the reference shows too, runs as it stands there (docs/generate.py)."""

from __future__ import annotations

import gzip
import io
import shlex
import shutil
from pathlib import Path

import pytest

from towpath.cli.main import main, parser
from towpath.cli.parsing import commands

PIPELINE = """
pipeline: shop
vars: {day: "2026-01-30"}
connections: {warehouse: "duckdb:///shop.db"}
profiles: {prod: {vars: {day: "2026-01-29"}}}
steps:
  flights: {from: "in/2026-01-*.csv", to: "warehouse#flights", mode: merge, key: id}
  weather: {from: weather.csv, to: "out/${var:day}.csv", mode: replace}
  orders:
    from: {address: "sqlite:///source.db#orders", cursor: day}
    to: warehouse#daily
    mode: merge
    key: id
"""
FILES = {
    "tow.yaml": PIPELINE,
    "in/2026-01-05.csv": "id,amount\n1,50.5\n",
    "orders.csv": "id,amount\n1,10.5\n2,150\n",
    "daily.csv": "id,day\n1,2026-01-05\n2,2026-01-31\n",
    "weather.csv": "day,wind\n2026-01-05,3\n",
    "bad.csv": "id,zip\n1,501\n2,NA\n",
    "key.pem": "a key of several lines\nand more\n",
}
PREPARED = (
    "copy orders.csv duckdb:///shop.db#orders",
    "copy daily.csv sqlite:///source.db#orders",
    "copy bad.csv duckdb:///shop.db#zips --types zip=int64 --bad-rows bad/",
    "run",
)
BEFORE = {
    "tow verify flights.csv.gz": "copy flights.csv.gz flights.parquet --null NA",
    "tow run --failed": "run",
}
"""What some examples mean to have happened here, by how they begin."""
WITHOUT_SUCH_A_RUN = {"tow runs 3f2a --json": 2}


def examples() -> list[str]:
    found = []
    for name, made in commands(parser()).items():
        if not name.startswith("_"):
            found += [line.strip() for line in (made.epilog or "").splitlines()[1:] if line.strip()]
    return found


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "flights.csv.gz").write_bytes(gzip.compress(b"carrier,flight,dep_delay\nAA,1,5\nUA,3,NA\n"))
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.setenv("TOWPATH_STATE", str(folder / ".state"))
        for line in PREPARED:
            assert main([*shlex.split(line), "-q"]) == 0, line
    return folder


def test_there_are_examples_of_every_command() -> None:
    told = {line.split()[1] for line in examples()}
    assert {name for name in commands(parser()) if not name.startswith("_")} - told == set()


def marked() -> list[object]:
    """The examples; those that start servers need them."""
    starts = "tow lab up "
    return [
        pytest.param(line, marks=pytest.mark.server(*line.removeprefix(starts).split(), start=False))
        if line.startswith(starts)
        else line
        for line in examples()
    ]


@pytest.mark.parametrize("line", marked())
def test_an_example_runs_as_it_stands_there(
    line: str, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    shutil.copytree(prepared, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TOWPATH_STATE", str(folder / ".state"))
    monkeypatch.setenv("TOWPATH_PASSPHRASE", "long enough for one")
    if line == "tow init orders.csv":
        Path("tow.yaml").unlink()
    for begins, earlier in BEFORE.items():
        if line.startswith(begins):
            assert main([*shlex.split(earlier), "-q"]) == 0
    words, _, file = line.partition(" < ")
    monkeypatch.setattr("sys.stdin", io.StringIO(Path(file).read_text() if file else "a secret\n"))
    try:
        assert main(shlex.split(words)[1:]) == WITHOUT_SUCH_A_RUN.get(line, 0)
    finally:
        if line.startswith("tow lab up "):
            main(["lab", "down", "-q"])
