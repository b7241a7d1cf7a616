"""One warm process for the attacks of a test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.kills.warm import Warm


@pytest.fixture(scope="session")
def tow() -> Iterator[Warm]:
    warm = Warm()
    yield warm
    warm.close()
