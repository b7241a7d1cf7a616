"""Tables that are filled aside and renamed, on a real MariaDB: killed anywhere, in two runs at once, taken back."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType

import pytest

from tests.conformance.on_mariadb import OnMariaDB, run
from towpath import assemble
from towpath.adapters.database.mariadb_wire import Wire
from towpath.conformance.destination import OLD, SCHEMA, STEP, fill, opened, state
from towpath.conformance.dying import count_lines, die_after, die_at_line
from towpath.errors import Conflict, UserError
from towpath.job import InputSpec, OutputSpec
from towpath.joins import table_rename
from towpath.joins.table_destination import TableDestination
from towpath.joins.table_intent import INTENT
from towpath.nouns import Guarantee, Mode, Want

DONE = state("load1", 2)


class Interrupt:
    """Ctrl-C before a line of our code, of those that are run after `begin`."""

    def __init__(self, line: int) -> None:
        self.line = line

    def begin(self) -> None:
        sys.settrace(self._call)

    def _call(self, frame: FrameType, event: str, argument: object) -> object:
        return self._count if "towpath" in frame.f_code.co_filename else None

    def _count(self, frame: FrameType, event: str, argument: object) -> object:
        if event == "line":
            self.line -= 1
            if self.line < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self._count


class TestRename(OnMariaDB):
    address = "mariadb://{server}#orders"

    def make(self, folder: Path, **options: tuple[str, ...]) -> TableDestination:
        made = assemble.destination(OutputSpec(self.at(folder), **options))  # type: ignore[arg-type]
        assert isinstance(made, TableDestination)
        return made

    def rows(self, folder: Path) -> list[tuple[int, str]] | None:
        """What a reader sees; None when there is no table."""
        if "orders" not in self.names(folder):
            return None
        with assemble.source(InputSpec(self.at(folder))).open(None, Want()) as reading:
            return sorted((row["id"], row["name"]) for batch in reading for row in batch.rows.to_pylist())

    def intents(self, folder: Path) -> int:
        return int(self.tree(folder).get(INTENT, b"0"))

    def publish(self, folder: Path, start: Callable[[], None] = lambda: None, *, named: bool = True) -> None:
        destination = self.make(folder)
        before = destination.recover(STEP if named else None)
        with opened(destination, Mode.CREATE) as load:
            fill(load, OLD)
            start()
            load.publish(before, DONE if named else None)

    def assert_whole_or_nothing(self, folder: Path) -> None:
        """After a death: before the next run and after it, rows and state are there together or neither."""
        for _ in range(2):
            found = self.make(folder).state(STEP)
            assert (self.rows(folder), found) in ((None, None), (OLD, DONE))
            assert self.make(folder).recover(STEP) == found
        assert self.intents(folder) == 0
        assert not [name for name in self.names(folder) if "load1" in name]
        if found is None:
            self.publish(folder)
        assert (self.rows(folder), self.make(folder).state(STEP)) == (OLD, DONE)

    def test_the_offer_says_that_it_is_recoverable(self, tmp_path: Path) -> None:
        offer = self.make(tmp_path).offer(SCHEMA, Mode.CREATE, ())
        assert offer.guarantee is Guarantee.RECOVERABLE
        assert "renaming" in offer.why
        assert self.names(tmp_path) == set()
        self.publish(tmp_path)
        assert self.make(tmp_path).offer(SCHEMA, Mode.APPEND, ()).guarantee is Guarantee.ATOMIC

    def test_a_run_that_dies_at_any_line_of_publish_leaves_rows_and_state_or_neither(self, tmp_path: Path) -> None:
        (tmp_path / "whole").mkdir()
        lines = count_lines(partial(self.publish, tmp_path / "whole"))
        self.publish(tmp_path / "first")
        for line in sorted({*range(0, lines, max(lines // 16, 1)), lines - 1}):
            folder = tmp_path / str(line)
            self.at(folder)
            die_at_line(line, partial(self.publish, folder))
            self.assert_whole_or_nothing(folder)

    def test_a_run_interrupted_at_any_line_of_publish_leaves_rows_and_state_or_neither(self, tmp_path: Path) -> None:
        (tmp_path / "whole").mkdir()
        lines = count_lines(partial(self.publish, tmp_path / "whole"))
        left = 0
        for line in sorted({*range(0, lines, max(lines // 40, 1)), lines - 1}):
            folder = tmp_path / str(line)
            self.at(folder)
            try:
                self.publish(folder, Interrupt(line).begin)
            except KeyboardInterrupt:
                pass
            finally:
                sys.settrace(None)
            left += any("load1" in name for name in self.names(folder))
            self.assert_whole_or_nothing(folder)
        assert left <= 2  # of an interrupt within the clearing up

    def test_an_interrupt_within_a_statement_leaves_nothing_either(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(wire: Wire, *given: object) -> None:
            wire._force_close()  # as pymysql does with a connection in whose answer it was interrupted
            raise KeyboardInterrupt

        read, answers = Wire._read_packet, 0

        def counted(wire: Wire, *given: object) -> object:
            nonlocal answers
            answers += 1
            return read(wire, *given)

        monkeypatch.setattr(Wire, "_read_packet", counted)
        begun: list[int] = []
        self.publish(tmp_path / "whole", lambda: begun.append(answers))
        total = answers - begun[0]
        assert total > 10
        for cut in range(0, total, 3):
            folder = tmp_path / str(cut)
            coming = iter(range(cut + 1))

            def cutting(wire: Wire, *given: object, coming: Iterator[int] = coming, cut: int = cut) -> object:
                return interrupted(wire) if next(coming, None) == cut else read(wire, *given)

            with pytest.raises(KeyboardInterrupt):
                self.publish(folder, partial(monkeypatch.setattr, Wire, "_read_packet", cutting))
            monkeypatch.setattr(Wire, "_read_packet", read)
            assert not [name for name in self.names(folder) if "load1" in name]
            self.assert_whole_or_nothing(folder)

    @pytest.mark.parametrize("named", [True, False])
    def test_killed_at_random_moments_it_shows_a_reader_all_or_nothing(self, tmp_path: Path, named: bool) -> None:
        moments = random.Random(7)
        for number in range(15):
            folder = tmp_path / str(number)
            self.at(folder)
            child = os.fork()
            if child == 0:
                try:
                    self.publish(folder, named=named)
                finally:
                    os._exit(0)
            until = time.monotonic() + moments.uniform(0.01, 0.35)
            while time.monotonic() < until:
                assert self.rows(folder) in (None, OLD)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            if named:
                self.assert_whole_or_nothing(folder)
            else:
                assert self.rows(folder) in (None, OLD)
                self.make(folder).recover(None)
                assert not [name for name in self.names(folder) if "load1" in name]

    def test_what_a_dead_run_left_is_cleared_and_what_a_living_one_fills_is_not(self, tmp_path: Path) -> None:
        def half() -> object:
            destination = self.make(tmp_path)
            destination.recover(STEP)
            opening = opened(destination, Mode.CREATE, load_id="dead")
            load = opening.__enter__()
            load.waiting.chunk_bytes = 1  # type: ignore[attr-defined]
            fill(load, OLD)
            return opening

        self.at(tmp_path)
        die_after(half)
        living = self.make(tmp_path)
        with opened(living, Mode.CREATE, load_id="living") as load:
            load.waiting.chunk_bytes = 1  # type: ignore[attr-defined]
            fill(load, OLD)
            assert len([name for name in self.names(tmp_path) if "dead" in name or "living" in name]) == 2
            assert self.make(tmp_path).recover(STEP) is None
            assert [name for name in self.names(tmp_path) if "dead" in name] == []
            assert self.rows(tmp_path) is None
            load.publish(None, state("living", 2))
        assert self.rows(tmp_path) == OLD
        assert self.intents(tmp_path) == 0

    def test_a_load_that_is_left_drops_its_table_at_once(self, tmp_path: Path) -> None:
        with opened(self.make(tmp_path), Mode.CREATE) as load:
            load.waiting.chunk_bytes = 1  # type: ignore[attr-defined]
            fill(load, OLD)
            assert any("load1" in name for name in self.names(tmp_path))
        assert self.names(tmp_path) == {INTENT}
        assert self.intents(tmp_path) == 0

    @pytest.mark.parametrize("named", [True, False])
    def test_a_table_that_another_makes_in_the_last_moment_stays_and_the_state_goes_back(
        self, tmp_path: Path, named: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rename = table_rename.renamed

        def beaten(*given: object) -> None:
            name = self._made[tmp_path]
            run(self._server, f"create table {name}.orders (id bigint, name text)")
            rename(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(table_rename, "renamed", beaten)
        with pytest.raises(Conflict, match="made meanwhile"):
            self.publish(tmp_path, named=named)
        monkeypatch.undo()
        assert self.rows(tmp_path) == []
        assert self.make(tmp_path).state(STEP) is None
        assert self.intents(tmp_path) == 0
        assert not [name for name in self.names(tmp_path) if "load1" in name]

    def test_of_two_runs_at_once_one_publishes(self, tmp_path: Path) -> None:
        children = []
        self.at(tmp_path)
        for _ in range(4):
            child = os.fork()
            if child == 0:
                try:
                    self.publish(tmp_path)
                    os._exit(0)
                except (Conflict, UserError):
                    os._exit(1)
                except BaseException:
                    os.write(2, traceback.format_exc().encode())
                    os._exit(2)
            children.append(child)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert 0 in codes
        assert 2 not in codes
        assert (self.rows(tmp_path), self.make(tmp_path).state(STEP)) == (OLD, DONE)
        self.make(tmp_path).recover(STEP)
        assert self.names(tmp_path) == {"orders", "_towpath_state", INTENT}

    def test_while_it_is_not_renamed_the_state_before_is_the_committed_one(self, tmp_path: Path) -> None:
        earlier = state("load0", 9)
        self.make(tmp_path).put_state(STEP, None, earlier)

        def dying() -> None:
            table_rename.renamed = lambda *_: os._exit(77)
            self.publish(tmp_path)

        die_after(dying)
        assert self.rows(tmp_path) is None
        assert self.make(tmp_path).state(STEP) == earlier
        assert self.intents(tmp_path) == 1
        other = assemble.destination(OutputSpec(self.at(tmp_path).replace("#orders", "#other")))
        assert other.recover("other") is None
        assert self.make(tmp_path).state(STEP) == earlier
        assert self.make(tmp_path).steps() == [STEP]
        assert self.names(tmp_path) == {"_towpath_state", INTENT}
        assert self.intents(tmp_path) == 0

    def test_sql_around_a_table_that_is_made_is_refused_beforehand(self, tmp_path: Path) -> None:
        for when in ("before", "after"):
            destination = self.make(tmp_path, **{when: ("delete from log",)})
            with pytest.raises(UserError, match=f"--{when}-sql"):
                destination.offer(SCHEMA, Mode.CREATE, ())
