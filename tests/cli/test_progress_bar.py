from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.pseudo import Shown, on_terminal
from towpath.cli import progress_bar
from towpath.cli.progress_bar import line
from towpath.look.screen import width
from towpath.progress import Tally

ROWS = 60_000
COPY = ("copy", "-", "out.csv", "--from-format", "csv", "--types", "id=int64")


def slowly(seconds: float) -> Callable[[subprocess.Popen[bytes]], None]:
    """Gives the command its input so that it runs for about so many seconds."""

    def feed(running: subprocess.Popen[bytes]) -> None:
        assert running.stdin is not None
        running.stdin.write(b"id,name\n" + b"".join(b"%d,abcdefgh\n" % number for number in range(ROWS)))
        running.stdin.flush()
        time.sleep(seconds)
        running.stdin.close()

    return feed


SLOW = """
import sys, time, threading
from towpath.cli.progress_bar import Display
from towpath.cli.common import say
def step(display, name, known):
    seen = display.progress()
    seen.begin(name, known, known and known * 10)
    seen.phase("reading")
    for _ in range(12):
        time.sleep(0.1)
        seen.advance(100_000, 1_000_000)
    seen.phase("publishing")
    time.sleep(0.3)
    seen.end()
    say(f"{name}: done", sys.stdout)
with Display(sys.stderr) as display:
    steps = [("shop/orders", 1_200_000), ("shop/" + "long" * 20, 4_000_000), ("shop/日本の注文", None)]
    threads = [threading.Thread(target=step, args=(display, *one)) for one in steps]
    for one in threads: one.start()
    for one in threads: one.join()
"""


@pytest.fixture(scope="module")
def three_steps() -> Shown:
    return on_terminal(code=SLOW)


def test_steps_at_the_same_time_have_a_line_each(three_steps: Shown) -> None:
    assert three_steps.code == 0
    drawn = "\n".join(three_steps.lines)
    assert re.search(r"shop/orders +━+─+ +\d+%  \d00,000 rows  \S+ MB  \S+k? rows/s  0:0\d left", drawn)
    assert re.search(r"shop/longlo…longlonglong .* rows/s", drawn)
    assert re.search(r"shop/日本の注文  \d+00,000 rows  .* rows/s", drawn)
    assert re.search(r"shop/orders .* publishing", drawn)


def test_no_line_of_the_progress_is_wider_than_the_terminal(three_steps: Shown) -> None:
    assert max(width(one) for one in three_steps.lines if not one.endswith(": done")) < 80


def test_the_progress_is_gone_at_the_end_and_what_was_said_stays(three_steps: Shown) -> None:
    stays = [one for one in three_steps.screen(columns=100) if one]
    assert sorted(stays) == sorted(
        f"{name}: done" for name in ("shop/orders", "shop/" + "long" * 20, "shop/日本の注文")
    )


def test_colours_are_there_unless_they_are_not_wanted(three_steps: Shown) -> None:
    assert b"\x1b[36m" in three_steps.raw
    assert b"\x1b[36m" not in on_terminal(code=SLOW, NO_COLOR="1").raw
    assert not re.search(rb"\x1b\[[0-9;]*m", on_terminal(code=SLOW, NO_COLOR="1").raw)


def test_a_terminal_that_is_not_utf8_gets_plain_letters() -> None:
    shown = on_terminal(code=SLOW.replace("日本の注文", "x"), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert shown.raw.isascii()
    assert any("##" in one for one in shown.lines)


def test_a_narrow_terminal_gets_less_and_no_line_that_breaks() -> None:
    shown = on_terminal(code=SLOW, columns=34)
    assert max(map(width, [one for one in shown.lines if "done" not in one])) < 34
    assert any(" rows" in one for one in shown.lines)


def test_a_copy_shows_its_progress_and_then_its_receipt_alone(tmp_path: Path) -> None:
    shown = on_terminal(*COPY, folder=tmp_path, feed=slowly(0), stdin=subprocess.PIPE)
    assert shown.code == 0
    stays = [one for one in shown.screen() if one]
    assert stays[0] == "copy: - -> out.csv"
    assert stays[1].startswith("  create: 60,000 rows in ")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == ROWS + 1


def test_a_quick_copy_draws_nothing_and_loads_no_drawing_library(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    code = "import sys; from towpath.cli.main import main; main(sys.argv[1:]); print('rich' in sys.modules)"
    shown = on_terminal("copy", "a.csv", "b.csv", code=code, folder=tmp_path)
    assert shown.lines[-1] == "False"
    assert b"\x1b" not in shown.raw


HANGING = """
import sys, time
from towpath.cli import main, copy, logs
def run(args):
    with logs.watching(args) as watch:
        seen = watch()
        seen.begin("copy", 100, None)
        seen.advance(40, 0)
        time.sleep(60)
copy.run = run
sys.exit(main.main(["copy", "a", "b", *sys.argv[1:]]))
"""


def interrupt(running: subprocess.Popen[bytes]) -> None:
    threading.Timer(2.5, lambda: running.send_signal(signal.SIGINT)).start()


def test_an_interrupt_leaves_a_clean_screen() -> None:
    shown = on_terminal(code=HANGING, feed=interrupt)
    assert shown.code == 130
    assert any("40 rows" in one for one in shown.lines), shown.lines
    assert [one for one in shown.screen() if one] == [
        "tow: interrupted: what was not published yet is not visible to anybody"
    ]
    assert b"\x1b[?25l" not in shown.raw  # the cursor was never hidden, so a kill cannot leave it so


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(["--quiet"], {}), (["--json"], {}), (["--log", "json"], {}), ([], {"TERM": "dumb"})],
)
def test_progress_is_not_drawn_where_it_is_not_wanted(arguments: list[str], environment: dict[str, str]) -> None:
    shown = on_terminal(*arguments, code=HANGING, feed=interrupt, **environment)
    assert b"\x1b" not in shown.raw
    assert "interrupted: what was not published" in shown.lines[-1]


def tally(**fields: object) -> Tally:
    return Tally(**{"name": "shop/orders", "begun": 100.0, "phase": "reading", **fields})  # type: ignore[arg-type]


def test_a_line_tells_rows_bytes_rate_share_and_the_time_left() -> None:
    told = line(tally(rows=250_000, size=25_000_000, size_known=100_000_000), 105.0, 79)
    assert re.fullmatch(r"shop/orders  ━+─+   25%  250,000 rows  25 MB  50.0k rows/s  0:15 left", told)


def test_a_restart_is_told_and_its_counts_begin_anew() -> None:
    one = tally(rows=250_000, size=10, size_known=100)
    one.enter("restarting: orders.csv:7: zip '00501' asks for text", 110.0)
    assert line(one, 110.0, 79) == "shop/orders  restarting: orders.csv:7: zip '00501' asks for text"
    one.rows, one.size = 10, 1
    assert "pass 2" in line(one, 111.0, 79)
    assert " 10 rows" in line(one, 111.0, 79)
    assert "10 rows/s" in line(one, 111.0, 79)


@pytest.mark.parametrize("room", range(10, 130))
def test_a_line_fits_whatever_the_width(room: int) -> None:
    known = tally(rows=123_456_789, size=9_876_543_210, size_known=12_345_678_901, passes=2)
    wide = tally(name="流域/" + "注文" * 20, rows=5)
    waits = tally(phase="restarting: " + "x" * 200)
    assert all(width(line(one, 5000.0, room)) <= room for one in (known, wide, waits))


def test_nothing_is_known_of_a_run_that_has_read_nothing() -> None:
    assert line(tally(), 100.0, 79) == "shop/orders  0 rows"


def test_printing_without_a_display_needs_no_room() -> None:
    with progress_bar.paused():
        pass
