"""Standard input and output as real pipes and files of a child process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

READ = """
from towpath.adapters.store.stdio import StandardStreams
store = StandardStreams()
for _ in range(2):
    with store.open("-") as file:
        print(len(file.read()), flush=True)
"""

WRITE = """
import os, sys
from towpath.adapters.store.stdio import StandardStreams
from towpath.errors import Refused
try:
    with StandardStreams().stage("-", "load1") as staged:
        for _ in range(200):
            staged.file.write(b"x" * 100_000)
        staged.seal()
        staged.publish(create=True)
except BrokenPipeError:
    sys.stderr.write("broken pipe")
    sys.stdout = None
except Refused as error:
    sys.stderr.write(str(error))
    sys.stderr.flush()
    os._exit(1)
"""


def test_a_pipe_is_read_twice() -> None:
    done = subprocess.run([sys.executable, "-c", READ], input=b"x" * 3_000_000, capture_output=True, check=True)
    assert done.stdout.split() == [b"3000000", b"3000000"]


def test_bytes_come_out_in_order_and_whole() -> None:
    done = subprocess.run([sys.executable, "-c", WRITE], capture_output=True, check=True)
    assert done.stdout == b"x" * 20_000_000


@pytest.mark.parametrize("buffering", [[], ["-u"]])
def test_a_reader_that_leaves_is_not_an_error_in_words(buffering: list[str]) -> None:
    """Without a buffer a pipe takes a part of the one great write, and tells of its end only at the next."""
    code = WRITE.replace("range(200)", "range(1)").replace("100_000", "20_000_000")
    child = subprocess.Popen([sys.executable, *buffering, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read(10)
    child.stdout.close()
    assert child.stderr is not None
    with child.stderr:
        assert child.stderr.read().startswith(b"broken pipe")
    child.wait()


def test_a_full_disk_behind_standard_output_is_named() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-c", WRITE], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert b"standard output: cannot write it: there is no space left" in done.stderr


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl", "json", "parquet", "arrow"])
@pytest.mark.parametrize("options", [[], ["--codec", "zstd"]], ids=["plain", "zstd"])
def test_a_reader_that_leaves_early_ends_a_copy_of_any_format_quietly(
    tmp_path: Path, format: str, options: list[str]
) -> None:
    (tmp_path / "in.csv").write_text(
        "id,v\n" + "".join(f"{number},{number * 7919 % 1_000_003}\n" for number in range(60_000))
    )
    code = "import sys; from towpath.cli.main import main; sys.exit(main())"
    words = [
        "copy",
        str(tmp_path / "in.csv"),
        "-",
        "--to-format",
        format,
        *options,
        "--to-opt",
        "row_group_bytes=100000",
    ]
    words = words if format == "parquet" else words[:-2]
    with (tmp_path / "err").open("wb") as errors:
        process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=errors)
        assert process.stdout is not None
        assert process.stdout.read(1)
        process.stdout.close()
        assert process.wait() == 0
    said = (tmp_path / "err").read_text()
    assert "Traceback" not in said
    assert "ignored" not in said
