"""A false alarm is as bad as a miss: tables of any kind, copied by tow from place to place, are told to be equal."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.arrays import SCALARS, arrays, types
from tests.attacks.share import Attack
from tests.attacks.verify.kit import Verify, written

PLACES = ("csv", "jsonl", "parquet", "arrow", "sqlite", "duckdb")
PAIRS = list(itertools.product(("arrow", "parquet", "csv", "jsonl", "sqlite", "duckdb"), PLACES))
EXAMPLES = 40
ODD = {"duckdb": "main", "sqlite": "main"}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Up to five columns of any types, and a key."""
    rows = draw(st.integers(0, 9))
    names = draw(st.lists(st.sampled_from(["a", "b c", "Ü", "select", "x\ty", "1"]), unique=True, max_size=5))
    flat = draw(st.booleans())
    columns: dict[str, pa.Array] = {"id": pa.array(range(rows), pa.int64())}
    for name in names:
        type = draw(st.sampled_from(SCALARS) if flat else types())
        found = draw(arrays(type, most=rows))
        columns[name] = pa.concat_arrays([found, pa.nulls(rows - len(found), found.type)])
    return pa.table(columns)


def place(folder: Path, kind: str, name: str) -> str:
    path = folder / f"{name}.{kind}"
    return f"{kind}:///{path}#t" if kind in ODD else str(path)


@pytest.mark.parametrize(("a", "b"), PAIRS)
@pytest.mark.one_of_many
def test_what_was_copied_is_equal(attack: Attack, verify: Verify, tmp_path: Path, a: str, b: str) -> None:
    made = {"copied": 0, "refused": 0}

    @seed(attack.random(f"{a} {b}").randrange(2**32))
    @settings(
        max_examples=attack.times(EXAMPLES, least=20),
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(tables())
    def once(rows: pa.Table) -> None:
        folder = tmp_path / "one"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        first, second = place(folder, a, "a"), place(folder, b, "b")
        source = written(rows, folder / "source.arrow")
        for whence, to in ((str(source), first), (first, second)):
            if verify.run("copy", whence, to, "--quiet")[0]:  # refused by name is no matter of this attack
                made["refused"] += 1
                return
        told = verify(first, second)
        assert (told.code, told.found.get("differences")) == (0, []), told.said
        made["copied"] += 1

    once()
    assert made["copied"] > 0, made
