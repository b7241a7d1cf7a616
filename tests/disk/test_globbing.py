"""Paths by pattern on a local disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from towpath.disk.globbing import matches


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.csv", "b1.csv", "b[1].csv", "x/c.csv", "x/y/d.csv", ".h.csv", "_h.csv", "_k=v/e.csv", "_log/f.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a.csv", ["a.csv"]),
        ("*.csv", ["a.csv", "b1.csv", "b[1].csv"]),
        ("b[1].csv", ["b[1].csv"]),
        ("b[[]1].csv", ["b[1].csv"]),
        ("b[!2].csv", ["b1.csv"]),
        ("_*.csv", ["_h.csv"]),
        (".*.csv", [".h.csv"]),
        ("**/*.csv", ["_k=v/e.csv", "a.csv", "b1.csv", "b[1].csv", "x/c.csv", "x/y/d.csv"]),
        ("x/**", ["x/c.csv", "x/y", "x/y/d.csv"]),
        ("**/**/d.csv", ["x/y/d.csv"]),
        ("x/*/d.csv", ["x/y/d.csv"]),
        ("_log/*", ["_log/f.csv"]),
        ("./x/*.csv", ["./x/c.csv"]),
        ("none/*.csv", []),
        ("a.csv/*", []),
    ],
)
def test_a_pattern_names_the_paths_that_a_reader_means(pattern: str, found: list[str]) -> None:
    assert matches(pattern) == found


def test_an_absolute_pattern_gives_absolute_paths(tree: Path) -> None:
    assert matches(f"{tree}/x/**/*.csv") == [f"{tree}/x/c.csv", f"{tree}/x/y/d.csv"]


def test_a_link_back_to_a_folder_above_is_not_followed_for_ever(tree: Path) -> None:
    (tree / "x" / "loop").symlink_to(tree / "x")
    found = matches("x/**/*.csv")
    assert "x/c.csv" in found
    assert all(path.count("loop") <= 1 for path in found)


def test_a_link_to_a_folder_elsewhere_is_followed(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "z.csv").write_text("1")
    (tree / "x" / "link").symlink_to(other)
    assert "x/link/z.csv" in matches("**/*.csv")
