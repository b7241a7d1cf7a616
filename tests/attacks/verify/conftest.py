"""What the attacks on `tow verify` share."""

from __future__ import annotations

from functools import cache

import pyarrow as pa
import pytest

from tests.attacks.verify import changes
from tests.attacks.verify.kit import Verify

held = cache(changes.table)


@pytest.fixture
def verify(capfd: pytest.CaptureFixture[str]) -> Verify:
    return Verify(capfd)


@pytest.fixture(scope="session", params=[1, 1000, 200_000])
def rows(request: pytest.FixtureRequest) -> pa.Table:
    return held(request.param, request.param)
