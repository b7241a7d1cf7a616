"""Everything about the digest holds of both: what is compiled, and numpy where nothing was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from towpath.digest import words


@pytest.fixture(params=["compiled", "numpy"], scope="module", autouse=True)
def arithmetic(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "compiled" and words.compiled is None:
        pytest.skip("src/towpath/digest/compiled.c is not compiled: no C compiler was found when towpath was installed")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "numpy":
            patch.setattr(words, "compiled", None)
        yield request.param
