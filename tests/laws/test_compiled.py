"""Where there is a C compiler, what is written in C is compiled: else its tests would be skipped unseen."""

from __future__ import annotations

import shutil
import sysconfig

import pytest

from towpath.digest import words
from towpath.mariadb import textrows
from towpath.postgresql import copybinary
from towpath.text import fields, json_fast, lines
from towpath.values import rows


@pytest.mark.parametrize(
    "part", [words, fields, json_fast, lines, rows, copybinary, textrows], ids=lambda part: part.__name__
)
def test_a_part_in_c_is_compiled_where_a_compiler_is(part: object) -> None:
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    assert shutil.which(compiler) is None or part.is_compiled()  # type: ignore[attr-defined]
