"""Table and folder agree: every adapter file has its row, every row its class, every class its seam's methods, and
every row is held to its conformance suite."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import towpath
from towpath import registry
from towpath.seams.database import Database
from towpath.seams.engine import Engine
from towpath.seams.format import Format
from towpath.seams.queue import Queue
from towpath.seams.record import Record
from towpath.seams.store import Store

PACKAGE = Path(towpath.__file__).parent
SUITES = Path(__file__).parents[1] / "conformance"
SEAMS = {"database": Database, "engine": Engine, "format": Format, "queue": Queue, "record": Record, "store": Store}


def rows_to_add(adapters: Path, rows: Iterable[registry.Row]) -> list[str]:
    """The line to add for each file `<seam>/<name>.py` that has no row, and is no part of one that has."""
    homes = {row.target.partition(":")[0] for row in rows}
    missing = []
    for path in sorted(adapters.glob("*/*.py")):
        module = f"towpath.adapters.{path.parent.name}.{path.stem}"
        if path.stem != "__init__" and not any(f"{module}_".startswith(f"{home}_") for home in homes):
            name = _first_class(path)
            missing.append(f'Row("{path.parent.name}", "{path.stem}", "{module}:{name}", "what it is in one line"),')
    return missing


def _first_class(path: Path) -> str:
    classes = [node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ClassDef)]
    return classes[0] if classes else "Class"


def files_missing(adapters: Path, rows: Iterable[registry.Row]) -> list[str]:
    """The rows whose file or class is not there."""
    missing = []
    for row in rows:
        module, _, name = row.target.partition(":")
        path = adapters.joinpath(*module.split(".")[2:]).with_suffix(".py")
        names = _classes(path) if path.is_file() else set()
        if name not in names:
            missing.append(f"{row.seam} {row.name}: {row.target} is not there")
    return missing


def _classes(path: Path) -> set[str]:
    return {node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ClassDef)}


def methods_missing(kind: type[Any], seam: type[Any]) -> list[str]:
    """The seam's methods that a class lacks, or has with other parameters."""
    missing = []
    for name, contract in vars(seam).items():
        if name.startswith("_") or not inspect.isfunction(contract):
            continue
        found = getattr(kind, name, None)
        if found is None:
            missing.append(f"{kind.__name__} has no method {name}{inspect.signature(contract)}")
        elif _parameters(found) != _parameters(contract):
            missing.append(f"{kind.__name__}.{name} takes {_parameters(found)}, not {_parameters(contract)}")
    return missing


def _parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def suites_to_add(suites: Path, rows: Iterable[registry.Row]) -> list[str]:
    """The test to add for each row that no class of `test_<seam>.py` holds to its suite."""
    missing = []
    for row in rows:
        if row.name not in _held(suites / f"test_{row.seam}.py"):
            base = f"{row.seam.capitalize()}Suite"
            missing.append(
                f'test_{row.seam}.py: class Test{row.target.partition(":")[2]}({base}): adapter = "{row.name}"'
            )
    return missing


def _held(path: Path) -> set[str]:
    return set(_assigned(path, "adapter"))


def _assigned(path: Path, name: str) -> list[str]:
    """The texts that classes of a file assign to `name`."""
    if not path.is_file():
        return []
    return [
        node.value.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    ]


def destinations_to_add(suites: Path, rows: Iterable[registry.Row]) -> list[str]:
    """The formats and databases that no address of `test_destination.py` writes to."""
    addresses = _assigned(suites / "test_destination.py", "address")
    missing = []
    for row in rows:
        held = row.suffixes if row.seam == "format" else (f"{row.name}://",)
        if row.seam in ("format", "database") and not any(
            address.endswith(held) or address.startswith(held) or f"+{row.name}://" in address for address in addresses
        ):
            missing.append(f"test_destination.py: a class whose address is a {row.seam} {row.name}")
    return missing


def test_every_adapter_file_has_a_row() -> None:
    assert rows_to_add(PACKAGE / "adapters", registry.ROWS) == []


def test_every_row_has_its_class() -> None:
    assert files_missing(PACKAGE / "adapters", registry.ROWS) == []


def test_the_table_is_sorted_and_names_nothing_twice() -> None:
    keys = [(row.seam, row.name) for row in registry.ROWS]
    assert keys == sorted(set(keys), key=lambda key: (key[0], key[1]))


@pytest.mark.parametrize("row", registry.ROWS, ids=lambda row: f"{row.seam}-{row.name}")
def test_an_adapter_has_the_methods_of_its_seam(row: registry.Row) -> None:
    assert methods_missing(registry.load(row), SEAMS[row.seam]) == []


def test_every_row_is_held_to_its_suite() -> None:
    assert suites_to_add(SUITES, registry.ROWS) == []
    assert destinations_to_add(SUITES, registry.ROWS) == []


def test_a_file_without_a_row_prints_the_line_to_add(tmp_path: Path) -> None:
    (tmp_path / "format").mkdir()
    (tmp_path / "format" / "orc.py").write_text("class Orc: ...")
    (tmp_path / "format" / "orc_types.py").write_text("")
    line = 'Row("format", "orc", "towpath.adapters.format.orc:Orc", "what it is in one line"),'
    assert line in rows_to_add(tmp_path, ())
    row = registry.Row("format", "orc", "towpath.adapters.format.orc:Orc", "ORC")
    assert rows_to_add(tmp_path, (row,)) == []


def test_a_row_without_its_class_is_seen(tmp_path: Path) -> None:
    (tmp_path / "format").mkdir()
    row = registry.Row("format", "orc", "towpath.adapters.format.orc:Orc", "ORC")
    assert files_missing(tmp_path, (row,))
    (tmp_path / "format" / "orc.py").write_text("class Other: ...")
    assert files_missing(tmp_path, (row,))
    (tmp_path / "format" / "orc.py").write_text("class Orc: ...")
    assert files_missing(tmp_path, (row,)) == []


def test_a_missing_or_changed_method_is_seen() -> None:
    class NoStored:
        def inspect(self, file: Any, want: Any, *, whole: bool) -> None: ...
        def read(self, file: Any) -> None: ...
        def writer(self, sink: Any, schema: Any) -> None: ...

    found = methods_missing(NoStored, Format)
    assert len(found) == 2
    assert "NoStored.read takes ['self', 'file']" in found[0]
    assert "NoStored has no method stored" in found[1]


def test_a_row_that_no_suite_holds_prints_the_test_to_add(tmp_path: Path) -> None:
    (tmp_path / "test_format.py").write_text('class TestCSV(FormatSuite):\n    adapter = "csv"\n')
    (tmp_path / "test_destination.py").write_text('class TestCSV(DestinationSuite):\n    address = "{folder}/a.csv"\n')
    csv = registry.Row("format", "csv", "towpath.adapters.format.csv:CSV", "CSV", suffixes=(".csv",))
    orc = registry.Row("format", "orc", "towpath.adapters.format.orc:Orc", "ORC", suffixes=(".orc",))
    assert suites_to_add(tmp_path, (csv, orc)) == ['test_format.py: class TestOrc(FormatSuite): adapter = "orc"']
    assert destinations_to_add(tmp_path, (csv, orc)) == ["test_destination.py: a class whose address is a format orc"]
