"""pandas is imported when it is needed, and is then known to pyarrow as though it had always been there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pandas")


def said(code: str, folder: Path, *words: str) -> str:
    """What a process that begins as `tow` does prints."""
    begun = f"import sys\nfrom towpath import pandas_later\npandas_later.begin()\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", begun, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def test_a_copy_does_not_import_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,at\n1,2026-01-01\n")
    code = "from towpath.cli.main import main\nassert main(sys.argv[1:]) == 0\nprint('pandas' in sys.modules)"
    assert said(code, tmp_path, "copy", "a.csv", "a.parquet", "--quiet") == "False"


def test_one_that_is_put_off_is_found_and_not_imported(tmp_path: Path) -> None:
    code = """
from importlib.util import find_spec
print(find_spec("pandas") is not None, find_spec("no_such_package"))
try:
    import pandas
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert said(code, tmp_path) == "True None\npandas"


def test_pyarrow_that_found_none_knows_a_series_afterwards(tmp_path: Path) -> None:
    code = """
import pyarrow as pa
pa.array([1.0])
pandas_later.end()
import pandas
print(pa.array(pandas.Series([1.0, float("nan")])).null_count)
"""
    assert said(code, tmp_path) == "1"


def test_code_of_a_user_may_use_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,v\n1,2.5\n2,\n")
    (tmp_path / "mine.py").write_text(
        "import pyarrow as pa\n\n\ndef change(rows):\n    import pandas\n\n"
        "    values = pandas.Series([float('nan')] * rows.num_rows, dtype='float64')\n"
        "    return rows.append_column('w', pa.array(values))\n"
    )
    code = "from towpath.cli.main import main\nassert main(sys.argv[1:]) == 0"
    said(code, tmp_path, "copy", "a.csv", "b.jsonl", "--python", "mine:change", "--quiet")
    assert '"w":null' in (tmp_path / "b.jsonl").read_text().replace(" ", "")


def test_a_plug_in_may_use_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import pandas\n\n\nclass Mine:\n    frame = pandas.DataFrame\n")
    code = """
from towpath import registry
sys.path.insert(0, ".")
print(registry.load(registry.Row("format", "mine", "mine:Mine", "a test")).frame.__name__)
"""
    assert said(code, tmp_path) == "DataFrame"


def test_a_program_that_has_imported_it_keeps_it(tmp_path: Path) -> None:
    code = """
pandas_later.end()
import pandas
pandas_later.begin()
del sys.modules["pandas.testing"]
import pandas.testing
print("kept")
"""
    assert said(code, tmp_path) == "kept"
