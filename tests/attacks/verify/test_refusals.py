"""What is no comparison: a wrong command exits 2, a place that cannot be read exits 1; neither is taken for "equal"."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.verify import changes
from tests.attacks.verify.kit import Verify, written


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(changes.table(10, 1), tmp_path / "a.arrow")


@pytest.mark.parametrize(
    "words",
    [
        ("--key", "nothing"),
        ("--key", "id,"),
        ("--types", "id"),
        ("--types", "id=nonsense"),
        ("--to-format", "nonsense"),
        ("--to-opt", "nonsense=1"),
        ("--from-opt", "nonsense=1"),
        ("--nonsense",),
    ],
    ids=" ".join,
)
def test_a_wrong_command_exits_2(verify: Verify, file: Path, words: tuple[str, ...]) -> None:
    code, out, err = verify.run("verify", str(file), str(file), *words)
    assert (code, out) == (2, ""), err
    assert err.startswith("tow")


def test_a_wrong_address_exits_2(verify: Verify, file: Path) -> None:
    for a, b in ((f"nonsense://{file}", file), (file, "nonsense://x"), (file, "duckdb:///x.db")):
        code, out, err = verify.run("verify", str(a), str(b))
        assert (code, out) == (2, ""), err


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+adbc", "mariadb", "kafka", "s3"])
def test_a_server_that_is_not_there_exits_1(verify: Verify, file: Path, tmp_path: Path, scheme: str) -> None:
    port = closed_port()
    place = {
        "s3": f"s3://bucket/t.parquet?endpoint=http://127.0.0.1:{port}&access_key=somebody&secret_key=${{env:TOW_NO_SECRET}}",
        "kafka": f"kafka://127.0.0.1:{port}#t",
    }.get(scheme, f"{scheme}://nobody@127.0.0.1:{port}/shop#t")
    command = [str(Path(sys.executable).with_name("tow")), "verify", str(file), place]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={"TOW_NO_SECRET": "no secret", "HOME": str(tmp_path)},
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr.startswith("tow: "), done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_not_there_or_not_allowed_or_damaged_exits_1(verify: Verify, file: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.arrow"
    cut.write_bytes(file.read_bytes()[:-500])
    empty = tmp_path / "empty.db"
    for other in (tmp_path / "none.csv", cut, f"sqlite:///{empty}#t", f"duckdb:///{tmp_path}/none.db#t"):
        for a, b in ((file, other), (other, file)):
            code, out, err = verify.run("verify", str(a), str(b))
            assert (code, out) == (1, ""), f"{a} {b}: {out}{err}"
            assert not empty.exists(), "looking made a database"


def test_equal_and_different_exit_0_and_1_and_quiet_says_nothing(verify: Verify, file: Path, tmp_path: Path) -> None:
    other = written(changes.put(changes.table(10, 1), 3, "name", "x"), tmp_path / "b.arrow")
    assert verify.run("verify", str(file), str(file), "--quiet") == (0, "", "")
    assert verify.run("verify", str(file), str(other), "--quiet") == (1, "", "")
