from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from towpath.lab.jobs import Failed
from towpath.lab.recipe import Unobtainable
from towpath.lab.ways import cache


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_of_several_that_ask_at_once_one_fills_the_folder_and_all_get_it_whole() -> None:
    filled: list[Path] = []

    def fill(folder: Path) -> None:
        filled.append(folder)
        time.sleep(0.05)
        (folder / "program").write_text("x")

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: cache.filled("thing-1.0", fill), range(8)))
    assert len(filled) == 1
    assert all((folder / "program").read_text() == "x" for folder in found)


def test_a_fill_that_fails_leaves_nothing_and_can_be_tried_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise Failed("no network")

    with pytest.raises(Unobtainable, match="no network"):
        cache.filled("thing-1.0", fail)
    assert [path.name for path in (tmp_path / "towpath" / "lab").iterdir()] == [".thing-1.0.lock"]
    assert cache.filled("thing-1.0", lambda folder: None).is_dir()
