from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from towpath.cli import adapters
from towpath.cli.main import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tow(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the command in a folder with orders.csv; gives exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    Path("orders.csv").write_text("id,zip,amount\n1,00501,1.50\n2,10001,2.25\n3,,-1\n")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def mistakes(err: str) -> list[str]:
    """The lines of standard error that are not plain log lines."""
    return [line for line in err.splitlines() if not re.match(r"\d\d:\d\d:\d\d (INFO|DEBUG) ", line)]


def process(*arguments: str, **options: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "towpath.cli.main", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment, **options}
    return subprocess.Popen(command, **pipes)  # type: ignore[call-overload,no-any-return]


def test_a_copy_prints_its_receipt_and_writes_the_rows(tow: Run) -> None:
    code, out, err = tow("copy", "orders.csv", "orders.jsonl")
    assert (code, mistakes(err)) == (0, [])
    assert out.startswith("copy: orders.csv -> orders.jsonl\n  create: 3 rows ")
    rows = [json.loads(line) for line in Path("orders.jsonl").read_text().splitlines()]
    assert [row["zip"] for row in rows] == ["00501", "10001", None]


def test_a_receipt_in_json_is_one_object(tow: Run) -> None:
    code, out, _ = tow("copy", "orders.csv", "orders.parquet", "--json")
    receipt = json.loads(out)
    assert (code, receipt["status"], receipt["rows"]) == (0, "done", 3)


def test_every_option_of_a_copy_arrives(tow: Run) -> None:
    code, out, err = tow(
        "copy", "orders.csv", "duckdb:///shop.db", "--to-table", "orders", "--mode", "merge", "--key", "id",
        "--types", "amount=decimal(12,2),zip=text", "--where", "id < 3", "--rename", "zip=postcode",
        "--select", "id,zip,amount", "--rule", "range: {amount: [0, null]}", "--from-opt", "null=NA",
        "--memory", "512MiB", "--require", "atomic", "--bad-rows", "bad",
    )  # fmt: skip
    assert (code, mistakes(err)) == (0, [])
    assert "2 rows (2 inserted, 0 updated, 0 unchanged)" in out
    assert "1 filtered" in out
    code, out, _ = tow("peek", "duckdb:///shop.db#orders")
    assert "amount    decimal(12,2)" in out.replace("  0", "")


def test_data_on_standard_output_stands_alone(tow: Run, tmp_path: Path) -> None:
    done = process("copy", "orders.csv", "-", "--to-format", "jsonl", "--select", "id", cwd=tmp_path)
    out, err = done.communicate(timeout=60)
    assert done.returncode == 0, err
    assert out == b'{"id":1}\n{"id":2}\n{"id":3}\n'
    assert mistakes(err.decode())[0] == "copy: orders.csv -> -"


def test_a_mistake_is_one_message_without_a_traceback(tow: Run) -> None:
    code, out, err = tow("copy", "ordrs.csv", "x.parquet")
    assert (code != 0, out) == (True, "")
    assert err.startswith("tow: ")
    assert "ordrs.csv" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["copy", "orders.csv", "orders.xyz"], 2, "does not say which format"),
        (["copy", "orders.csv", "o.csv", "--from-opt", "nul=NA"], 2, "has no option 'nul'; did you mean 'null'?"),
        (["copy", "orders.csv", "o.csv", "--types", "zip"], 2, "--types: 'zip' is not of the form name=value"),
        (["copy", "orders.csv", "o.csv", "--rule", "not_nul: id"], 2, "did you mean 'not_null'?"),
        (["copy", "orders.csv", "o.csv", "--memory", "much"], 2, "no size"),
        (["copy", "orders.csv", "o.csv", "--mode", "merge"], 2, "key"),
        (["copy", "orders.csv", "o.csv", "--rule", "range: {amount: [0, null]}"], 1, "orders.csv:4"),
        (["plan", "orders.csv"], 2, "takes a source and a destination"),
        (["plan", "tow.yaml", "--mode", "merge", "--key", "a"], 2, "--mode belongs to a copy"),
        (["runs", "nope"], 2, "there is no run 'nope'"),
        (["peek", "orders.csv", "-n", "-1"], 2, "-1 rows"),
        (["run", "none.yaml"], 2, "none.yaml: no such file"),
    ],
)
def test_the_exit_code_tells_who_was_wrong(tow: Run, arguments: list[str], code: int, words: str) -> None:
    found, out, err = tow(*arguments)
    assert (found, out) == (code, "")
    assert words in err
    assert not Path("o.csv").exists()


def test_an_existing_destination_stops_and_names_the_choices(tow: Run) -> None:
    tow("copy", "orders.csv", "o.csv")
    code, _, err = tow("copy", "orders.csv", "o.csv")
    assert code == 2
    assert "exists already" in err
    assert all(f"--mode {mode}" in err for mode in ("append", "replace"))


def test_a_plan_writes_nothing(tow: Run) -> None:
    code, out, _ = tow("plan", "orders.csv", "duckdb:///shop.db#orders")
    assert code == 0
    assert "zip" in out
    assert os.listdir() == ["orders.csv"]


def test_a_plan_in_json_is_one_object(tow: Run) -> None:
    code, out, _ = tow("plan", "orders.csv", "o.parquet", "--json")
    assert code == 0
    assert isinstance(json.loads(out), dict)


def test_a_pipeline_is_planned_as_far_as_it_can_be(tow: Run) -> None:
    Path("tow.yaml").write_text(
        "pipeline: p\nconnections: {w: 'duckdb:///w.db'}\nsteps:\n"
        "  a: {from: orders.csv, to: w#orders}\n"
        "  b: {from: w#orders, to: b.csv}\n"
    )
    code, out, err = tow("plan", "tow.yaml")
    assert code == 0
    assert "w#orders" in out
    assert "p/b: can be planned once a has run" in err
    assert sorted(os.listdir()) == ["orders.csv", "tow.yaml"]
    assert tow("plan", "tow.yaml", "b")[0] == 1


def test_a_pipeline_prints_each_receipt_and_a_total(tow: Run) -> None:
    Path("tow.yaml").write_text("pipeline: p\nsteps: {a: {from: orders.csv, to: a.csv, mode: replace}}")
    code, out, _ = tow("run", "tow.yaml")
    assert code == 0
    assert out.startswith("p/a: ")
    assert out.splitlines()[-1].startswith("1 step: 1 done; 3 rows in ")
    code, out, _ = tow("run", "tow.yaml")
    assert (code, "0 rows moved: " in out) == (0, True)


def test_a_pipeline_with_a_stopped_step_exits_with_1(tow: Run) -> None:
    Path("tow.yaml").write_text(
        "pipeline: p\nsteps: {a: {from: none.csv, to: a.csv}, b: {from: orders.csv, to: b.csv}}"
    )
    code, out, err = tow("run", "tow.yaml")
    assert code == 1
    assert err.startswith("p/a: none.csv -> a.csv: stopped\n")
    assert "1 stopped" in out.splitlines()[-1]
    assert Path("b.csv").exists()


def test_a_pipeline_in_json_prints_a_receipt_a_line(tow: Run) -> None:
    Path("tow.yaml").write_text(
        "pipeline: p\nsteps: {a: {from: orders.csv, to: a.csv}, b: {from: none.csv, to: b.csv}}"
    )
    code, out, _ = tow("run", "tow.yaml", "--json")
    assert code == 1
    assert [json.loads(line)["status"] for line in out.splitlines()] == ["done", "stopped"]


def test_verify_exits_with_1_when_the_places_differ(tow: Run) -> None:
    tow("copy", "orders.csv", "o.parquet")
    assert tow("verify", "orders.csv", "o.parquet")[0] == 0
    Path("other.csv").write_text(Path("orders.csv").read_text().replace("2.25", "2.26"))
    code, out, _ = tow("verify", "other.csv", "o.parquet", "--key", "id")
    assert code == 1
    assert "amount" in out
    assert "2.26" in out


def test_runs_lists_and_shows_receipts_of_done_and_stopped_runs(tow: Run) -> None:
    tow("copy", "orders.csv", "o.parquet")
    tow("copy", "orders.csv", "o.csv", "--rule", "not_null: zip")
    code, out, _ = tow("runs")
    assert code == 0
    assert [line.split()[3] for line in out.splitlines()[1:]] == ["stopped", "done"]
    run = out.splitlines()[2].split()[0]
    assert tow("runs", run[:6])[1].startswith("copy: orders.csv -> o.parquet\n")
    assert json.loads(tow("runs", run, "--json")[1])["rows"] == 3
    assert len(tow("runs", "-n", "1")[1].splitlines()) == 2


def test_bad_rows_are_replayed_once_they_are_mended(tow: Run) -> None:
    Path("orders.csv").write_text("id,amount\n1,2\n2,x\n3,4\n")
    arguments = ("--types", "amount=int64", "--bad-rows", "bad")
    code, out, _ = tow("copy", "orders.csv", "duckdb:///shop.db#orders", *arguments)
    assert code == 0
    assert "1 row set aside" in out
    code, out, err = tow("replay", "bad", "--from-opt", "null=x")
    assert (code, mistakes(err)) == (0, [])
    lines = tow("peek", "duckdb:///shop.db#orders")[1].splitlines()
    assert sorted(line.split() for line in lines[-3:]) == [["1", "2"], ["2", "∅"], ["3", "4"]]


def test_the_adapters_are_listed_with_their_code(tow: Run) -> None:
    code, out, _ = tow("adapters", "format")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split()[:2] == ["SEAM", "NAME"]
    (csv,) = [line for line in lines if line.split()[:2] == ["format", "csv"]]
    assert "towpath/adapters/format/csv.py" in csv
    assert {line.split()[0] for line in lines[1:]} == {"format"}
    source = Path(adapters.__file__).parents[2]
    assert all((source / line.split()[4]).exists() for line in tow("adapters")[1].splitlines()[1:])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_is_one_line_and_130_or_143(tow: Run, tmp_path: Path, number: int, code: int) -> None:
    running = process("copy", "-", "o.csv", "--from-format", "csv", cwd=tmp_path, stdin=subprocess.PIPE)
    assert running.stdin is not None
    # More than a pipe holds: once it is written, the command has begun to read.
    running.stdin.write(b"id\n" + b"1\n" * 500_000)
    running.stdin.flush()
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (code, b"")
    assert err.startswith(b"tow: interrupted")
    assert len(err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["orders.csv"]


def test_an_interrupt_is_a_log_line_where_those_are_json(tow: Run, tmp_path: Path) -> None:
    words = ("copy", "-", "o.csv", "--from-format", "csv", "--log", "json")
    with process(*words, cwd=tmp_path, stdin=subprocess.PIPE) as running:
        assert running.stdin is not None
        running.stdin.write(b"id\n" + b"1\n" * 500_000)
        running.stdin.flush()
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert json.loads(err.splitlines()[-1])["event"] == "error"


@pytest.mark.parametrize(("answer", "code"), [("default_int_handler", -signal.SIGINT), ("SIG_IGN", 0)])
def test_an_interrupt_while_the_interpreter_ends_is_no_traceback(answer: str, code: int) -> None:
    program = f"""
        import atexit, os, signal, sys
        from towpath.cli.main import program
        signal.signal(signal.SIGINT, signal.{answer})
        atexit.register(os.kill, os.getpid(), signal.SIGINT)
        sys.argv[1:] = ["--version"]
        sys.exit(program())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.startswith("tow")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_standard_error_stops_no_load_and_help_onto_a_full_disk_is_one_line(tow: Run, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        with process("copy", "orders.csv", "o.csv", cwd=tmp_path, stderr=full) as running:
            assert running.wait(60) == 0
        with process("--help", cwd=tmp_path, stdout=full) as running:
            _, err = running.communicate(timeout=60)
    assert (tmp_path / "o.csv").exists()
    assert running.returncode == 1
    assert err.startswith(b"tow: standard output: cannot write it: there is no space left")
    assert b"Traceback" not in err


def test_packed_standard_input_is_refused_or_unpacked_as_the_format_says(tow: Run, tmp_path: Path) -> None:
    data = gzip.compress(Path("orders.csv").read_bytes())
    with process("copy", "-", "no.jsonl", "--from-format", "csv", cwd=tmp_path, stdin=subprocess.PIPE) as running:
        _, err = running.communicate(data, timeout=60)
    assert running.returncode == 1
    assert b"packed by gz" in err
    with process("copy", "-", "o.jsonl", "--from-format", "csv.gz", cwd=tmp_path, stdin=subprocess.PIPE) as running:
        running.communicate(data, timeout=60)
    assert running.returncode == 0
    assert len((tmp_path / "o.jsonl").read_text().splitlines()) == 3


def test_a_full_standard_output_is_a_message_without_a_traceback(tow: Run, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full, process("peek", "orders.csv", cwd=tmp_path, stdout=full) as running:
        _, err = running.communicate(timeout=60)
    assert running.returncode == 1
    assert b"tow: standard output: cannot write it: there is no space left [disk-full]" in err
    assert b"Traceback" not in err


def test_a_reader_that_had_enough_is_no_error() -> None:
    with process("adapters") as running:
        assert _stopped_reading(running) == (0, b"")


def test_a_reader_of_data_that_had_enough_is_no_error(tow: Run, tmp_path: Path) -> None:
    Path("many.csv").write_text("id\n" + "1234567\n" * 200_000)
    with process("copy", "many.csv", "-", "--to-format", "csv", cwd=tmp_path) as running:
        assert running.stdout is not None
        assert running.stdout.read(3) == b"id\n"
        code, err = _stopped_reading(running)
    assert code == 0
    assert mistakes(err.decode())[0] == "copy: many.csv -> -: partial"


def _stopped_reading(running: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    return running.wait(60), running.stderr.read()


def test_a_defect_is_shown_whole(tow: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(args: object) -> int:
        raise RuntimeError("the wheel came off")

    monkeypatch.setattr(adapters, "run", broken)
    code, _, err = tow("adapters")
    assert code == 1
    assert "Traceback" in err
    assert "the wheel came off" in err
    assert err.splitlines()[-1].startswith("tow: this is a defect")
