"""One warm process for all kills of a test process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.kills.local import Scenes
from tests.attacks.kills.warm import Warm


@pytest.fixture(scope="session")
def tow() -> Iterator[Warm]:
    warm = Warm()
    yield warm
    warm.close()


@pytest.fixture
def scenes(tmp_path: Path) -> Scenes:
    return Scenes(tmp_path)
