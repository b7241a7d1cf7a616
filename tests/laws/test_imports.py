"""Who may import whom: the seams know Arrow, the joins know seams, an adapter knows its one library, and nobody knows
an adapter but the registry, by name. No cycles, and nothing heavy at the start."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import towpath
from towpath import registry

PACKAGE = Path(towpath.__file__).parent
SHARED = {"pyarrow", "numpy"}
PARTS = {"boto3": {"botocore"}}
"""Packages that a library hands its own errors and settings through."""


@dataclass(frozen=True)
class Import:
    """One import statement's target; `top` when it runs at the import of its module."""

    importer: str
    target: str
    line: int
    top: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"

    @property
    def library(self) -> str | None:
        """The third-party package that it brings in, if any."""
        name = self.target.partition(".")[0]
        own = self.importer.partition(".")[0]
        return None if name == own or name in sys.stdlib_module_names else name


def modules(package: Path) -> dict[str, Path]:
    """Every module of a package folder by its dotted name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(package: Path) -> list[Import]:
    """All imports of a package, also those within functions; those for type checking alone are left out."""
    known = modules(package)
    return [found for name, path in known.items() for found in _imports(name, path, known)]


def _imports(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[Import]:
    home = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node, top in _statements(ast.parse(path.read_text("utf-8")), True):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, alias.name, node.lineno, top)
        elif isinstance(node, ast.ImportFrom):
            parts = home.split(".")[: len(home.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parts, *([node.module] if node.module else [])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield Import(name, whole if whole in known else base, node.lineno, top)


def _statements(node: ast.AST, top: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from _statements(other, top)
            continue
        yield child, top
        within = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield from _statements(child, top and not within)


def owner(module: str, rows: Iterable[registry.Row]) -> registry.Row | None:
    """The row whose adapter a module below `adapters` is, or is a part of (`csv_dialect` is a part of `csv`)."""
    fits = [row for row in rows if f"{module}_".startswith(f"{_home(row)}_")]
    return max(fits, key=lambda row: len(_home(row)), default=None)


def _home(row: registry.Row) -> str:
    return row.target.partition(":")[0]


def breaches_of_seams(package: Path) -> list[str]:
    """Imports of seams that bring in a library other than Arrow."""
    inside = f"{package.name}.seams"
    return [
        str(found)
        for found in imports(package)
        if _below(found.importer, inside) and found.library not in (None, "pyarrow")
    ]


def breaches_of_the_catalogue(package: Path, rows: tuple[registry.Row, ...]) -> list[str]:
    """Imports of an adapter by anybody but its own parts."""
    inside = f"{package.name}.adapters"
    found = [entry for entry in imports(package) if entry.target.startswith(f"{inside}.")]
    return [str(entry) for entry in found if not _same_adapter(entry, rows)]


def _same_adapter(entry: Import, rows: tuple[registry.Row, ...]) -> bool:
    mine, theirs = owner(entry.importer, rows), owner(entry.target, rows)
    return mine is not None and theirs is not None and _home(mine) == _home(theirs)


def breaches_of_libraries(package: Path, rows: tuple[registry.Row, ...]) -> list[str]:
    """Imports of an adapter that bring in a library other than Arrow, numpy and its own."""
    inside = f"{package.name}.adapters"
    out = []
    for entry in imports(package):
        row = owner(entry.importer, rows) if _below(entry.importer, inside) else None
        if row is not None and entry.library not in {
            None,
            *SHARED,
            row.library,
            row.name,
            *PARTS.get(row.library or "", ()),
        }:
            out.append(str(entry))
    return out


def mentions_of_adapters(package: Path) -> list[str]:
    """Modules other than the registry that name an adapter's module in their text."""
    name = f"{package.name}.adapters."
    return [
        f"{module} names {name}..."
        for module, path in modules(package).items()
        if module != f"{package.name}.registry"
        and not _below(module, f"{package.name}.adapters")
        and name in path.read_text("utf-8")
    ]


def cycle(package: Path) -> list[str]:
    """The modules of one import cycle, [] when there is none. Imports within functions and for typing do not count."""
    known = modules(package)
    graph: dict[str, set[str]] = {name: set() for name in known}
    for entry in imports(package):
        if entry.top and entry.target in known and entry.target != entry.importer:
            graph[entry.importer].add(entry.target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def loaded_by(code: str) -> set[str]:
    """The third-party packages that a piece of code brings into a fresh interpreter."""
    wrapped = f"""
import contextlib, io, sys
before = set(sys.modules)
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    {code}
new = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(*(new - set(sys.stdlib_module_names) - {{"towpath"}}))
"""
    command = [sys.executable, "-c", wrapped]
    done = subprocess.run(command, env={"PYTHONPATH": str(PACKAGE.parent)}, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def _below(module: str, folder: str) -> bool:
    return module == folder or module.startswith(f"{folder}.")


def test_seams_import_no_library_but_arrow() -> None:
    assert breaches_of_seams(PACKAGE) == []


def test_nobody_imports_an_adapter_and_adapters_not_each_other() -> None:
    assert breaches_of_the_catalogue(PACKAGE, registry.ROWS) == []


def test_only_the_registry_names_adapters() -> None:
    assert mentions_of_adapters(PACKAGE) == []


def test_an_adapter_imports_its_one_library() -> None:
    assert breaches_of_libraries(PACKAGE, registry.ROWS) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert cycle(PACKAGE) == []


@pytest.mark.parametrize(
    "code",
    [
        "import towpath",
        "from towpath.cli.main import main; main(['--help'])",
        "from towpath.cli.main import main; main(['copy', '--help'])",
        "from towpath.cli.main import main; main(['adapters'])",
    ],
)
def test_the_start_imports_no_third_party_package(code: str) -> None:
    assert loaded_by(code) == set()


ROWS = (
    registry.Row("format", "orc", "sample.adapters.format.orc:Orc", "ORC", library="orclib"),
    registry.Row("format", "xml", "sample.adapters.format.xml:XML", "XML"),
)
GOOD = {
    "registry.py": 'ROWS = ["sample.adapters.format.orc:Orc"]',
    "seams/format.py": "from typing import Protocol\nimport pyarrow as pa",
    "joins/file.py": "from sample.seams.format import pa",
    "adapters/format/orc.py": "import orclib\nimport numpy\nfrom sample.adapters.format.orc_types import x",
    "adapters/format/orc_types.py": "x = 1",
    "adapters/format/xml.py": "import xml.etree",
}


def sample(folder: Path, changed: Mapping[str, str]) -> Path:
    """A small package that keeps the laws, but for the files in `changed`."""
    for name, text in {**GOOD, **changed}.items():
        path = folder / "sample" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "sample"


def verdicts(package: Path) -> dict[str, list[str]]:
    return {
        "seams": breaches_of_seams(package),
        "catalogue": breaches_of_the_catalogue(package, ROWS),
        "libraries": breaches_of_libraries(package, ROWS),
        "mentions": mentions_of_adapters(package),
        "cycle": cycle(package),
    }


def test_a_lawful_package_is_let_pass(tmp_path: Path) -> None:
    assert not any(verdicts(sample(tmp_path, {})).values())


@pytest.mark.parametrize(
    ("law", "name", "text"),
    [
        ("seams", "seams/store.py", "def f():\n    import boto3"),
        ("catalogue", "joins/table.py", "from sample.adapters.format import orc"),
        ("catalogue", "move.py", "def f():\n    import sample.adapters.format.orc"),
        ("catalogue", "adapters/format/xml.py", "from ..format.orc_types import x"),
        ("libraries", "adapters/format/xml.py", "import orclib"),
        ("libraries", "adapters/format/orc_types.py", "from lxml import etree"),
        ("mentions", "move.py", "target = 'sample.adapters.format.orc'"),
        ("cycle", "seams/format.py", "from sample.joins import file"),
    ],
)
def test_a_broken_law_is_seen(tmp_path: Path, law: str, name: str, text: str) -> None:
    found = verdicts(sample(tmp_path, {name: text}))
    assert found[law]
    assert any(name.removesuffix(".py").replace("/", ".") in breach for breach in found[law])


def test_imports_for_type_checking_and_within_functions_make_no_circle(tmp_path: Path) -> None:
    typing_only = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sample.joins import file"
    later = "def f():\n    from sample.joins import file"
    assert cycle(sample(tmp_path / "a", {"seams/format.py": typing_only})) == []
    assert cycle(sample(tmp_path / "b", {"seams/format.py": later})) == []


def test_a_heavy_start_is_seen() -> None:
    assert "numpy" in loaded_by("import numpy")
