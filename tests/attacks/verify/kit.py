"""`tow verify` as it is typed, in this process, and what it told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from towpath.cli.main import main


@dataclass(frozen=True)
class Told:
    """The exit code and the JSON of one comparison, or what was said when there was none."""

    code: int
    said: str
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def differences(self) -> list[dict[str, Any]]:
        return list(self.found["differences"])


@dataclass(frozen=True)
class Verify:
    """Runs `tow verify`, and other commands."""

    capfd: pytest.CaptureFixture[str]

    def __call__(self, a: str | Path, b: str | Path, *options: str) -> Told:
        code, out, err = self.run("verify", str(a), str(b), "--json", *options)
        return Told(code, out + err, json.loads(out) if out.startswith("{") else {})

    def run(self, *words: str) -> tuple[int, str, str]:
        self.capfd.readouterr()
        try:
            code = main(words)
        except SystemExit as wrong:
            code = int(str(wrong.code))
        done = self.capfd.readouterr()
        assert "Traceback" not in done.err, done.err
        return code, done.out, done.err

    def copy(self, a: str | Path, b: str | Path, *options: str) -> None:
        code, out, err = self.run("copy", str(a), str(b), "--quiet", *options)
        assert code == 0, out + err


def written(rows: pa.Table, path: Path) -> Path:
    """The table as an Arrow or Parquet file."""
    if path.suffix == ".parquet":
        pq.write_table(rows, path)
    else:
        with ipc.new_file(path, rows.schema) as file:
            file.write_table(rows.unify_dictionaries())
    return path
