"""Everything about delimited text holds of both: what is compiled, and the careful way where nothing was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from towpath.text import fields


@pytest.fixture(params=["compiled", "careful"], scope="module", autouse=True)
def framing(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "compiled" and not fields.is_compiled():
        pytest.skip("src/towpath/text/compiled.c is not compiled: no C compiler was found when towpath was installed")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "careful":
            patch.setattr(fields, "compiled", None)
        yield request.param
