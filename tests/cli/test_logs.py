from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from tests.cli.pseudo import on_terminal
from towpath import schemas

LINE = re.compile(r"\d\d:\d\d:\d\d (DEBUG|INFO|WARNING|ERROR) ")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders.csv").write_text("id,zip\n1,00501\n2,10001\n")
    return tmp_path


def tow(folder: Path, *arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, *(["-c", code] if code else ["-m", "towpath.cli.main"]), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def json_lines(text: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in text.splitlines()]
    for one in found:
        jsonschema.validate(one, schemas.log())
    return found


def test_a_piped_copy_logs_its_begin_and_end_and_no_more_when_it_is_brief(folder: Path) -> None:
    done = tow(folder, "copy", "orders.csv", "o.parquet")
    lines = done.stderr.splitlines()
    assert all(LINE.match(line) for line in lines)
    assert lines[0][9:] == "INFO copy: begins: 2 rows, 23 B"
    assert len(lines) == 2
    assert re.search(r"INFO copy: ends: read 2 rows, 23 B in \d\.\d s$", lines[-1])
    assert done.stdout.startswith("copy: orders.csv -> o.parquet\n")


def test_data_stands_alone_on_standard_output(folder: Path) -> None:
    done = tow(folder, "copy", "orders.csv", "-", "--to-format", "csv")
    assert done.stdout.splitlines() == ["id,zip", "1,00501", "2,10001"]
    assert "copy: orders.csv -> -" in done.stderr.splitlines()


def test_every_json_log_line_fits_the_published_schema(folder: Path) -> None:
    lines = json_lines(tow(folder, "copy", "orders.csv", "o.parquet", "--log", "json", "-v").stderr)
    events = [line["event"] for line in lines]
    assert events[0] == "begin"
    assert events[-1] == "end"
    assert lines[0] | {"time": ""} == {
        "time": "", "level": "info", "event": "begin", "message": "copy: begins: 2 rows, 23 B", "step": "copy",
        "rows_known": 2, "bytes_known": 23,
    }  # fmt: skip
    assert (lines[-1]["rows"], lines[-1]["bytes"]) == (2, 23)


def test_an_error_is_a_line_of_a_json_log(folder: Path) -> None:
    done = tow(folder, "copy", "none.csv", "o.parquet", "--log", "json")
    (line,) = [one for one in json_lines(done.stderr) if one["event"] == "error"]
    assert done.returncode == 1
    assert (line["level"], str(line["code"]) != "") == ("error", True)
    assert "none.csv" in str(line["message"])


def test_a_defect_is_a_line_of_a_json_log(folder: Path) -> None:
    code = "import sys; from towpath.cli import main, runs; runs.run = None; sys.exit(main.main(sys.argv[1:]))"
    done = tow(folder, "runs", "--log", "json", code=code)
    (line,) = json_lines(done.stderr)
    assert (done.returncode, line["code"]) == (1, "defect")
    assert "Traceback" in str(line["message"])


def test_quiet_says_nothing_and_prints_no_receipt(folder: Path) -> None:
    done = tow(folder, "copy", "orders.csv", "o.parquet", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (folder / "o.parquet").exists()


def test_quiet_still_tells_an_error(folder: Path) -> None:
    done = tow(folder, "copy", "none.csv", "o.parquet", "-q")
    assert done.returncode == 1
    assert done.stderr.startswith("tow: none.csv")


def test_quiet_and_json_print_the_receipt_that_was_asked_for(folder: Path) -> None:
    done = tow(folder, "copy", "orders.csv", "o.parquet", "-q", "--json")
    assert (json.loads(done.stdout)["rows"], done.stderr) == (2, "")


def test_verbose_tells_the_phases_too(folder: Path) -> None:
    plain = tow(folder, "copy", "orders.csv", "a.parquet").stderr
    verbose = tow(folder, "copy", "orders.csv", "b.parquet", "-v").stderr
    assert "DEBUG" not in plain
    assert "DEBUG copy: reading" in verbose
    assert "DEBUG copy: publishing" in verbose


def test_what_is_refused_does_not_log_an_end_as_if_it_were_done(folder: Path) -> None:
    tow(folder, "copy", "orders.csv", "a.parquet")
    again = tow(folder, "copy", "orders.csv", "a.parquet").stderr
    assert "copy: stops: read 0 rows" in again
    assert "copy: ends" not in again


def test_a_step_with_nothing_new_logs_nothing(folder: Path) -> None:
    (folder / "tow.yaml").write_text("pipeline: p\nsteps: {a: {from: orders.csv, to: o.csv, mode: append}}\n")
    assert "p/a: begins" in tow(folder, "run").stderr
    assert tow(folder, "run").stderr == ""


def test_a_long_run_tells_how_far_it_is_every_few_seconds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
import sys, time
from towpath.cli import logs, main, copy
logs._EVERY_SECS = 0.2
def run(args):
    with logs.watching(args) as watch:
        seen = watch()
        seen.begin("shop/orders", 100, 1000)
        for _ in range(10):
            time.sleep(0.05)
            seen.advance(10, 100)
        seen.phase("restarting: zip '00501' asks for text")
        seen.advance(5, 50)
        seen.end()
copy.run = run
main.main(["copy", "a", "b", "--log", "json"])
"""
    lines = json_lines(tow(folder, code=code).stderr)
    assert 2 <= [line["event"] for line in lines].count("read") <= 3
    assert next(line["phase"] for line in lines if line["event"] == "phase") == "restarting: zip '00501' asks for text"
    assert (lines[-1]["event"], lines[-1]["rows"], lines[-1]["bytes"]) == ("end", 5, 50)


def test_a_warning_of_a_library_is_told_and_its_chatter_is_not(folder: Path) -> None:
    code = """
import logging, sys
from towpath.cli import main, runs
def run(args):
    logging.getLogger("some.library").info("chatter")
    logging.getLogger("some.library").warning("disk is slow")
    logging.getLogger("towpath.history").warning("not kept")
    return 0
runs.run = run
sys.exit(main.main(["runs", *sys.argv[1:]]))
"""
    lines = [line[9:] for line in tow(folder, code=code).stderr.splitlines()]
    assert lines == ["WARNING disk is slow", "WARNING not kept"]
    assert tow(folder, "-q", code=code).stderr == ""
    logged = json_lines(tow(folder, "--log", "json", code=code).stderr)
    assert [line["logger"] for line in logged] == ["some.library", "towpath.history"]


def test_json_lines_stay_json_where_a_step_stops_or_data_takes_standard_output(folder: Path) -> None:
    (folder / "tow.yaml").write_text("pipeline: p\nsteps: {a: {from: nope.csv, to: o.csv, mode: replace}}\n")
    done = tow(folder, "run", "--log", "json")
    (stopped,) = json_lines(done.stderr)
    assert (stopped["level"], stopped["event"], stopped["step"], stopped["code"]) == (
        "error", "error", "p/a", "path-missing",
    )  # fmt: skip
    assert "nope.csv: there is no such file" in str(stopped["message"])
    done = tow(folder, "copy", "orders.csv", "-", "--to-format", "csv", "--log", "json")
    assert [one["event"] for one in json_lines(done.stderr)] == ["begin", "end", "message"]
    assert done.stdout == "id,zip\n1,00501\n2,10001\n"


def test_on_a_terminal_only_the_receipt_is_told(folder: Path) -> None:
    shown = on_terminal("copy", "orders.csv", "o.parquet", folder=folder)
    assert not any("INFO" in line for line in shown.lines)
    assert shown.lines[0] == "copy: orders.csv -> o.parquet"


def test_a_dumb_terminal_gets_log_lines(folder: Path) -> None:
    shown = on_terminal("copy", "orders.csv", "o.parquet", folder=folder, TERM="dumb")
    assert any("INFO copy: begins" in line for line in shown.lines)


def test_json_on_a_terminal_is_one_line(folder: Path) -> None:
    shown = on_terminal("copy", "orders.csv", "o.parquet", "--json", folder=folder)
    assert len("".join(shown.lines).splitlines()) == 1
    assert json.loads("".join(shown.lines))["status"] == "done"


def test_a_piped_copy_loads_no_drawing_library(folder: Path) -> None:
    code = "import sys; from towpath.cli.main import main; main(sys.argv[1:]); print('rich' in sys.modules)"
    assert tow(folder, "copy", "orders.csv", "o.parquet", code=code).stdout.splitlines()[-1] == "False"


def test_times_are_those_of_the_moment(folder: Path) -> None:
    before = time.time()
    (first, *_) = json_lines(tow(folder, "copy", "orders.csv", "o.parquet", "--log", "json").stderr)
    from datetime import datetime

    assert before - 1 <= datetime.fromisoformat(str(first["time"])).timestamp() <= time.time()
