"""What the system says of our own notes is told of what they are about."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

import towpath as tow
from towpath.disk.oserrors import refused


@pytest.mark.parametrize(
    ("number", "path", "told"),
    [
        (errno.ENAMETOOLONG, "in/.a.parquet.tow-state", "in/a.parquet"),
        (errno.ENAMETOOLONG, ".a.b.tow-lock", "a.b"),
        (errno.ENOTDIR, "out/_manifest.json", "out/"),
        (errno.ENOTDIR, "out/.tow-loads", "out/"),
        (errno.EACCES, "in/.a.parquet.tow-state", "in/.a.parquet.tow-state"),
        (errno.ENOTDIR, "_manifest.json", "_manifest.json"),
    ],
)
def test_a_name_that_the_user_never_wrote_is_not_told(number: int, path: str, told: str) -> None:
    assert refused(OSError(number, "x"), path, "read").where == told


def test_a_name_too_long_is_told_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    to = tmp_path / f"{'n' * 250}.parquet"
    with pytest.raises(tow.Refused, match="too long") as caught:
        tow.copy(tmp_path / "a.csv", to)
    assert caught.value.where == str(to)
