"""What the tests of joins share."""

import pytest

from towpath.joins import table_waiting

SIZES = {"few-rows": table_waiting.CHUNK_BYTES, "many-rows": 1}


@pytest.fixture(params=SIZES)
def waiting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Both ways in which rows wait for an embedded database: in memory, or put down beside it. How many bytes come
    together before they are put down."""
    size = SIZES[request.param]
    monkeypatch.setattr(table_waiting, "CHUNK_BYTES", size)
    return size
