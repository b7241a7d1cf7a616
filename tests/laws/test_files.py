"""What tracked files may hold, how long they may be, and what a test file is named after."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES = 400

# Built from pieces, so that this file does not hold what it looks for.
DOMAINS = ("pypi", "pythonhosted", "anaconda", "golang")
HOSTS = (*(f"{domain}." + "org" for domain in DOMAINS), "npmjs." + "com")
OPTIONS = tuple("-".join(("-", *parts)) for parts in (("index", "url"), ("extra", "index", "url"), ("trusted", "host")))
MACHINE = re.compile("(?<![\\w.:/])/(?:" + "|".join(("work", "root", "Users", "home", "mnt")) + ")/[a-z]")


def tracked(root: Path) -> list[Path]:
    """The files under version control, and those that would be added next."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    found = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout.decode().split("\0")
    return sorted(root / name for name in found if name and (root / name).is_file())


def forbidden(root: Path, files: list[Path]) -> list[str]:
    """The lines that name a package registry's host, an option that chooses one, or a place on one machine."""
    out = []
    for path in files:
        try:
            lines = path.read_text("utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            if any(word in line for word in (*HOSTS, *OPTIONS)) or MACHINE.search(line):
                out.append(f"{path.relative_to(root)}:{number}: {line.strip()[:80]}")
    return out


def too_long(root: Path, files: list[Path]) -> list[str]:
    """The Python files of the package with more lines than one reads in one sitting."""
    ours = [path for path in files if path.suffix == ".py" and path.relative_to(root).parts[0] == "src"]
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in ours}
    return [f"{path.relative_to(root)} has {count} lines" for path, count in lines.items() if count > MOST_LINES]


def misnamed(root: Path, files: list[Path]) -> list[str]:
    """The test files in a folder that mirrors one of the package, which neither name nor import a module of it.

    `test_csv.py` and `test_csv_dialect.py` are both named after `csv.py`. Folders that mirror none (laws) are free, and
    so is conformance, whose files are named after seams."""
    out = []
    for path in files:
        parts = path.relative_to(root).parts
        mirrored = (root / "src" / "towpath").joinpath(*parts[1:-1])
        if (
            parts[0] != "tests"
            or parts[1] == "conformance"
            or not path.name.startswith("test_")
            or not mirrored.is_dir()
        ):
            continue
        about = f"towpath.{'.'.join(parts[1:-1])}" if len(parts) > 2 else "towpath"
        if not _names_a_module(path.stem.removeprefix("test_"), mirrored) and f"from {about}" not in path.read_text():
            out.append(f"{path.relative_to(root)} neither names nor imports a module of {mirrored.relative_to(root)}")
    return out


def _names_a_module(name: str, folder: Path) -> bool:
    modules = [entry.stem for entry in folder.iterdir() if entry.suffix == ".py" or entry.is_dir()]
    return any(f"{name}_".startswith(f"{module}_") for module in modules)


def test_no_tracked_file_names_a_registry_or_a_place_on_one_machine() -> None:
    assert forbidden(ROOT, tracked(ROOT)) == []


def test_no_source_file_is_too_long_to_read() -> None:
    assert too_long(ROOT, tracked(ROOT)) == []


def test_a_test_file_names_or_imports_a_module_of_its_folder() -> None:
    assert misnamed(ROOT, tracked(ROOT)) == []


@pytest.mark.parametrize(
    "line",
    [f"see https://{HOSTS[0]}/project", f"pip install {OPTIONS[0]} x", "cd /" + "home/ann", "path = '/" + "work/main'"],
)
def test_a_forbidden_line_is_seen(tmp_path: Path, line: str) -> None:
    path = tmp_path / "notes.md"
    path.write_text(f"first\n{line}\n")
    assert forbidden(tmp_path, [path]) == [f"notes.md:2: {line}"]


def test_an_innocent_line_is_let_pass(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text("a homework/main file, sftp://user@host/in/orders.avro, ./" + "work/main, data/home/x\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff")
    assert forbidden(tmp_path, [path, tmp_path / "picture.png"]) == []


def test_a_long_file_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "src" / "long.py"
    path.parent.mkdir()
    path.write_text("x = 1\n" * 401)
    assert too_long(tmp_path, [path]) == ["src/long.py has 401 lines"]


def test_a_misnamed_test_is_seen(tmp_path: Path) -> None:
    (tmp_path / "src" / "towpath" / "joins").mkdir(parents=True)
    (tmp_path / "src" / "towpath" / "joins" / "file_source.py").touch()
    folder = tmp_path / "tests" / "joins"
    folder.mkdir(parents=True)
    texts = {
        "test_file_source_globs.py": "",
        "test_filing.py": "import towpath",
        "test_two.py": "from towpath.joins import x",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    law = tmp_path / "tests" / "laws" / "test_anything.py"
    assert misnamed(tmp_path, [*sorted(folder.iterdir()), law]) == [
        "tests/joins/test_filing.py neither names nor imports a module of src/towpath/joins"
    ]
